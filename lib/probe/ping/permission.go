package ping

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/net/icmp"
	"golang.org/x/sys/unix"

	"milepost/lib/metric"
)

// mendGroup lets every group ping without privileges.
const mendGroup = "sysctl -w net.ipv4.ping_group_range='0 2147483647'"

// mendCapability gives this program the right to open raw sockets. Permitted is
// enough (=p): it is raised only while a socket is opened.
func mendCapability() string {
	self, err := os.Executable()
	if err != nil {
		self = "check_packet_loss"
	}
	return fmt.Sprintf("setcap cap_net_raw=p %q", self)
}

// withRaw calls open with cap_net_raw in effect if this process is permitted to
// have it. open calls opened as soon as it has its socket, on the same goroutine:
// from then on the capability is gone again.
func withRaw(open func(opened func()) error) error {
	runtime.LockOSThread() // capabilities are a thread's
	lower := raise()
	locked := true
	opened := func() {
		if locked {
			locked = false
			lower()
			runtime.UnlockOSThread()
		}
	}
	defer opened()
	return open(opened)
}

// raise puts a permitted cap_net_raw into effect for this thread. lower takes it
// back; it does nothing where it was in effect before, or is not permitted.
func raise() (lower func()) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	const bit = 1 << unix.CAP_NET_RAW
	nothing := func() {}
	if unix.Capget(&header, &data[0]) != nil || data[0].Permitted&bit == 0 || data[0].Effective&bit != 0 {
		return nothing
	}
	before := data
	data[0].Effective |= bit
	if unix.Capset(&header, &data[0]) != nil {
		return nothing
	}
	return func() { _ = unix.Capset(&header, &before[0]) } // to lower is always allowed
}

// Needs says whether this machine lets the probe ping, and over what.
func (c Config) Needs(context.Context) []metric.Need {
	n := metric.Need{What: "permission for ICMP"}
	raw := withRaw(func(opened func()) error {
		defer opened()
		return try("ip4:icmp")
	})
	switch {
	case raw == nil:
		n.OK, n.Have = true, "raw sockets"
	case try("udp4") == nil:
		n.OK, n.Have = true, "unprivileged sockets, by net.ipv4.ping_group_range"
	default:
		n.Have, n.Mend = raw.Error(), mendCapability()+", or "+mendGroup
	}
	return []metric.Need{n}
}

// try opens a socket of that kind and closes it.
func try(network string) error {
	conn, err := icmp.ListenPacket(network, "127.0.0.1")
	if err != nil {
		return err
	}
	return conn.Close()
}
