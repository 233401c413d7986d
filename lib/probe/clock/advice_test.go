package clock

import (
	"strings"
	"testing"

	"milepost/lib/check"
	"milepost/lib/metric"
)

// What sets a clock right depends on what kind of machine it is in.
func TestAdviceByVirtualization(t *testing.T) {
	host := serveUDP(t, func(q []byte) [][]byte { return [][]byte{ntpAnswer(q, 0)} })
	for _, row := range []struct {
		option, inventory string // --virtualization, and the host's in the inventory
		want              string // of the advice; "" = none
	}{
		{"xen", "", "sysctl -w xen.independent_wallclock=1"},
		{"Xen", "", "sysctl -w xen.independent_wallclock=1"},
		{"openvz", "", "in a container the clock is the node's and cannot be set: tell the provider"},
		{"virtuozzo", "", "tell the provider that the node's clock is off"},
		{"lxc", "", "tell the provider that the node's clock is off"},
		{"docker", "", "tell the provider that the node's clock is off"},
		{"kvm", "", "use the clocksource kvm-clock"},
		{"qemu", "", "run chronyd in the guest"},
		{"vmware", "", "vmware-toolbox-cmd timesync disable"},
		{"hyperv", "", "refclock PHC /dev/ptp_hyperv"},
		{"none", "", "a clock that is wrong after each boot has an empty battery"},
		{"", "xen", "sysctl -w xen.independent_wallclock=1"},
		{"kvm", "xen", "use the clocksource kvm-clock"},
		{"", "", ""},
		{"riscv-thing", "", ""},
	} {
		c := alone(OverNTP, host.Port())
		c.Virtualization = row.option
		bound, err := check.Define("clock_offset", Default, Measure).Bind(&c, metric.Target{Name: "fra-1", Address: "127.0.0.1", Virtualization: row.inventory})
		if err != nil {
			t.Fatal(err)
		}
		bound.Timeout = patient
		o := bound.Run(t.Context())
		advice := strings.Join(o.Advice, "\n")
		if !strings.Contains(advice, row.want) || row.want == "" && advice != "" || len(o.Advice) > 1 {
			t.Errorf("%q, inventory %q: %q, want %q", row.option, row.inventory, advice, row.want)
		}
	}
}
