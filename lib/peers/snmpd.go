package peers

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Snmpd says what kind of snmpd a test needs.
type Snmpd struct {
	Community string        // read only, v1 and v2c; "" = "public"
	Offset    time.Duration // what the clock at EpochOID is ahead by
	EpochType string        // of the value at EpochOID, as pass_persist spells it: integer, gauge, counter, counter64, string; "" = gauge. A string has six decimals
	Conf      string        // more snmpd.conf lines: createUser and rouser for v3, extend, pass
}

// A RunningSnmpd is an snmpd. It serves the whole tree, hrSystemDate included.
type RunningSnmpd struct {
	*Running
	EpochOID string // UTC as seconds since 1970, asked afresh for each query
}

// epochBase is in net-snmp's own playground (netSnmpExperimental).
const epochBase = "1.3.6.1.4.1.8072.9999.9999.1"

//go:embed epoch.sh
var epochScript string

// StartSnmpd starts an snmpd.
func StartSnmpd(tb testing.TB, c Snmpd) *RunningSnmpd {
	tb.Helper()
	program := Program(tb, "snmpd")
	dir := Dir(tb)
	r := newRunning(tb, dir, Port(tb))
	if c.Community == "" {
		c.Community = "public"
	}
	if c.EpochType == "" {
		c.EpochType = "gauge"
	}
	script := write(tb, dir, "epoch.sh", epochScript, 0o755)
	conf := write(tb, dir, "snmpd.conf", strings.Join([]string{
		"agentaddress udp:" + r.Addr,
		fmt.Sprintf("rocommunity %q 127.0.0.1", c.Community),
		fmt.Sprintf("pass_persist .%[1]s /bin/bash %[2]s .%[1]s %[3]s %[4]d", epochBase, script, c.EpochType, c.Offset.Microseconds()),
		c.Conf,
		"",
	}, "\n"), 0o644)
	// -C: no configuration but ours. -I: no modules that talk to other daemons.
	// -M, -m: no MIB files, and none of their warnings.
	r.args = []string{program, "-C", "-c", conf, "-f", "-Lo", "-I", "-smux,mteTrigger,mteTriggerConf,agentx", "-M", "", "-m", ""}
	r.env = []string{"SNMP_PERSISTENT_DIR=" + dir}
	r.ready = func() error { return uptime(r.Port, c.Community) }
	r.launch()
	return &RunningSnmpd{Running: r, EpochOID: epochBase + ".0"}
}

// uptime asks for sysUpTime.
func uptime(port int, community string) error {
	client := &gosnmp.GoSNMP{
		Target: "127.0.0.1", Port: uint16(port), Community: community,
		Version: gosnmp.Version2c, Timeout: tryPatience,
	}
	if err := client.Connect(); err != nil {
		return err
	}
	defer client.Close()
	_, err := client.Get([]string{"1.3.6.1.2.1.1.3.0"})
	return err
}
