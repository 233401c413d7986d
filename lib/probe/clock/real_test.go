package clock

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/metric"
	"milepost/lib/peers"
	"milepost/lib/secret"
)

// secretFile is a file that holds text.
func secretFile(t *testing.T, text string) secret.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret.File(path)
}

func TestRealSnmpd(t *testing.T) {
	for _, row := range []struct {
		situation string
		server    peers.Snmpd
		byEpoch   bool // ask for its EpochOID, not for hrSystemDate
		set       func(*Config)
		want      string
		asked     int // exactly; 0 = it depends on where in its second the host is
	}{
		{"hrSystemDate", peers.Snmpd{}, false, nil, "OK offset ", 1},
		{"an epoch as Gauge32", peers.Snmpd{}, true, nil, "OK offset ", 1},
		{"an epoch as INTEGER", peers.Snmpd{EpochType: "integer"}, true, nil, "OK offset ", 1},
		{"an epoch as Counter64", peers.Snmpd{EpochType: "counter64"}, true, nil, "OK offset ", 1},
		{"an epoch as STRING with a fraction", peers.Snmpd{EpochType: "string", Offset: 2 * time.Second}, true, nil, "OK offset +", 1},
		{"by version 1", peers.Snmpd{}, false, func(c *Config) { c.SNMP.Protocol = "1" }, "OK offset ", 1},
		{"ahead", peers.Snmpd{Offset: 7500 * time.Millisecond}, true, nil, "WARNING offset +", 2},
		{"behind", peers.Snmpd{Offset: -7500 * time.Millisecond}, true, nil, "WARNING offset -", 2},
		{"two minutes ahead", peers.Snmpd{Offset: 2 * time.Minute}, true, nil, "CRITICAL offset +1", 2},
		{"two minutes behind", peers.Snmpd{Offset: -2 * time.Minute}, true, nil, "CRITICAL offset -1", 2},
		{"an explicit range holds the sign", peers.Snmpd{Offset: -3500 * time.Millisecond}, true, func(c *Config) { c.Warning = metric.MustRange("-1:10") }, "WARNING offset -", 2},
		{"near the limit, inside", peers.Snmpd{Offset: 4600 * time.Millisecond}, true, nil, "OK offset +4.", 0},
		{"near the limit, outside", peers.Snmpd{Offset: 5400 * time.Millisecond}, true, nil, "WARNING offset +5.", 0},
		{"an OID that it does not have", peers.Snmpd{}, false, func(c *Config) { c.SNMP.OID = "1.3.6.1.4.1.8072.9999.9999.7.0" }, "UNKNOWN asking ", 1},
		{"another community", peers.Snmpd{}, false, func(c *Config) { c.SNMP.CommunityFile = secretFile(t, "guess") }, "UNKNOWN asking ", 1},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			row.server.Community = "lab"
			s := peers.StartSnmpd(t, row.server)
			c := alone(OverSNMP, uint16(s.Port))
			c.SNMP.CommunityFile = secretFile(t, "lab")
			if row.byEpoch {
				c.SNMP.OID = OID(s.EpochOID)
			}
			if row.set != nil {
				row.set(&c)
			}
			o := run(t, c, 10*time.Second)
			if got := spellOutcome(o); !strings.HasPrefix(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if n := asked(o); row.asked > 0 && n != row.asked {
				t.Errorf("asked %d times, want %d:\n%s", n, row.asked, exchange(o))
			}
			if strings.Contains(exchange(o), "lab") {
				t.Errorf("the community is shown:\n%s", exchange(o))
			}
			if o.Status.String() == "UNKNOWN" {
				return
			}
			off := o.Findings[0]
			lo, hi := off.Interval()
			want := row.server.Offset.Seconds()
			if !row.byEpoch {
				want = 0
			}
			if lo > want+0.01 || hi < want-0.01 { // the handler looks at its clock a moment after it was asked
				t.Errorf("the offset is %v s, not in %v..%v", want, lo, hi)
			}
		})
	}
}

func TestRealPreciseOffset(t *testing.T) {
	s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab"})
	for _, oid := range []OID{hrSystemDate, OID(s.EpochOID)} {
		t.Run(string(oid), func(t *testing.T) {
			t.Parallel()
			c := alone(OverSNMP, uint16(s.Port))
			c.SNMP.Community, c.SNMP.OID, c.Precise = secret.New("lab"), oid, true
			o := run(t, c, 20*time.Second)
			off, uncertainty, rtt := o.Findings[0].Value, o.Findings[2].Value, o.Findings[3].Value
			if got := spellOutcome(o); !strings.Contains(got, "whole seconds over SNMP, 6 queries") || uncertainty > 0.15+rtt || math.Abs(off) > uncertainty+0.01 {
				t.Errorf("%q, known to %v s", got, uncertainty)
			}
		})
	}
}

func TestRealCaches(t *testing.T) {
	pass := filepath.Join(t.TempDir(), "pass.sh")
	script := "#!/bin/sh\necho .1.3.6.1.4.1.8072.9999.9999.2.0\necho gauge\necho $(($(date -u +%s) - 8))\n"
	if err := os.WriteFile(pass, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab", Conf: strings.Join([]string{
		"extend late /bin/date -u +%s --date=-8seconds",
		"extend right /bin/date -u +%s",
		"extend -cacheTime -1 live /bin/date -u +%s --date=-8seconds",
		"pass .1.3.6.1.4.1.8072.9999.9999.2 " + pass,
	}, "\n")})
	extend := func(name string) OID { // nsExtendOutput1Line
		oid := fmt.Sprintf("1.3.6.1.4.1.8072.1.3.2.3.1.1.%d", len(name))
		for _, letter := range []byte(name) {
			oid += fmt.Sprintf(".%d", letter)
		}
		return OID(oid)
	}
	for _, row := range []struct {
		situation string
		oid       OID
		warning   string
		want      []string
	}{
		{"extend, late", extend("late"), "5", []string{
			"WARNING offset -", `the answers come from a cache (unchanged for `, `in snmpd.conf write "extend -cacheTime -1 late ..."`,
		}},
		{"extend, right", extend("right"), "5", []string{"OK offset "}},
		{"extend without its cache, late", extend("live"), "5", []string{"WARNING offset -", "whole seconds over SNMP, 2 queries"}},
		{"pass, late by less than its cache", "1.3.6.1.4.1.8072.9999.9999.2.0", "5", []string{
			"OK cannot exclude WARNING: limit inside the uncertainty; offset -", "the answers come from a cache (unchanged for", "in snmpd.conf use pass_persist, not pass",
		}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			c := alone(OverSNMP, uint16(s.Port))
			c.SNMP.Community, c.SNMP.OID, c.Warning = secret.New("lab"), row.oid, metric.MustRange(row.warning)
			o := run(t, c, 20*time.Second)
			for _, want := range row.want {
				if got := spellOutcome(o); !strings.Contains(got, want) {
					t.Errorf("%q, want %q:\n%s", got, want, exchange(o))
				}
			}
		})
	}
}

func TestRealSNMPv3(t *testing.T) {
	s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab", Conf: strings.Join([]string{
		`createUser nobody`,
		`rouser nobody noauth`,
		`createUser auth SHA-512 authpass-1234`,
		`rouser auth auth`,
		`createUser both SHA-256 authpass-1234 AES-256 privpass-1234`,
		`rouser both priv`,
		`createUser usual SHA authpass-1234 AES privpass-1234`,
		`rouser usual priv`,
		`createUser old MD5 authpass-1234 DES privpass-1234`,
		`rouser old priv`,
	}, "\n")})
	good, wrong := secretFile(t, "authpass-1234"), secretFile(t, "authpass-4321")
	private, other := secretFile(t, "privpass-1234"), secretFile(t, "privpass-4321")
	usual := Default().SNMP.V3
	usual.User, usual.AuthPasswordFile, usual.PrivPasswordFile = "usual", good, private
	for _, row := range []struct {
		situation string
		user      V3
		want      string
	}{
		{"the protocols that nobody need name: SHA and AES", usual, "OK offset "},
		{"no password", V3{User: "nobody"}, "OK offset "},
		{"authentication", V3{User: "auth", AuthProtocol: "SHA512", AuthPasswordFile: good}, "OK offset "},
		{"privacy", V3{User: "both", AuthProtocol: "SHA256", AuthPasswordFile: good, PrivProtocol: "AES256", PrivPasswordFile: private}, "OK offset "},
		{"MD5 and DES", V3{User: "old", AuthProtocol: "MD5", AuthPasswordFile: good, PrivProtocol: "DES", PrivPasswordFile: private}, "OK offset "},
		{"an unknown user", V3{User: "guess"}, "the agent does not know the user"},
		{"the wrong password", V3{User: "auth", AuthProtocol: "SHA512", AuthPasswordFile: wrong}, "the agent does not accept the authentication: is it the user's protocol and password?"},
		{"the wrong protocol", V3{User: "auth", AuthProtocol: "SHA256", AuthPasswordFile: good}, "the agent does not accept the authentication: is it the user's protocol and password?"},
		{"the wrong privacy password", V3{User: "both", AuthProtocol: "SHA256", AuthPasswordFile: good, PrivProtocol: "AES256", PrivPasswordFile: other}, "no answer within 1.0 s to 3 questions: does an agent listen there, are these the user's privacy protocol and password"},
		{"less than the user may do with", V3{User: "both", AuthProtocol: "SHA256", AuthPasswordFile: good}, "the agent refuses: AuthorizationError"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			c := alone(OverSNMP, uint16(s.Port))
			c.SNMP.Protocol, c.SNMP.V3 = "3", row.user
			o := run(t, c, 2*time.Second)
			if got := spellOutcome(o); !strings.Contains(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if shown := exchange(o) + spellOutcome(o); strings.Contains(shown, "pass-") {
				t.Errorf("a password is shown: %s", shown)
			}
		})
	}
}

func TestRealNTP(t *testing.T) {
	good := peers.StartChrony(t, peers.Chrony{})
	bad := peers.StartChrony(t, peers.Chrony{Unsynchronised: true})
	for _, row := range []struct {
		situation string
		port      int
		want      string
	}{
		{"synchronised", good.Port, "(NTP stratum 1, "},
		{"not synchronised", bad.Port, "the server says that it is not synchronised (stratum 0, leap indicator 3): see chronyc sources there"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			o := run(t, alone(OverNTP, uint16(row.port)), 10*time.Second)
			if got := spellOutcome(o); !strings.Contains(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if o.Status.String() == "OK" && o.Findings[2].Value > 0.1 {
				t.Errorf("known to %v s", o.Findings[2].Value)
			}
		})
	}
}

func TestRealHTTP(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{})
	o := run(t, alone(OverHTTP, uint16(s.Port)), 10*time.Second)
	if got := spellOutcome(o); !strings.HasPrefix(got, "OK offset ") || !strings.Contains(got, "(whole seconds over HTTP, RTT ") || asked(o) != 1 {
		t.Errorf("%q:\n%s", got, exchange(o))
	}
}

// TestRealChronyVouches: one chronyd keeps this machine's time as it is, another is
// its client, and so knows how far this machine is off: nothing.
func TestRealChronyVouches(t *testing.T) {
	server := peers.StartChrony(t, peers.Chrony{})
	client := peers.StartChrony(t, peers.Chrony{
		Unsynchronised: true,
		Conf:           fmt.Sprintf("server 127.0.0.1 port %d iburst minpoll -2 maxpoll -2 xleave\n", server.Port),
	})
	idle := peers.StartChrony(t, peers.Chrony{Unsynchronised: true})
	for _, row := range []struct {
		situation, addr string
		want            string
	}{
		{"a server of its own time", server.Command, "unproven: asking chronyd at \"" + server.Command + "\": it serves its own clock as it is"},
		{"without a source", idle.Command, "unproven: asking chronyd at \"" + idle.Command + "\": it is not synchronised"},
		{"a client", client.Command, " by the local chronyd"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			c := Default()
			c.chronyd, c.adjtimex = row.addr, unsynchronised
			var got MonitorClock
			if !peers.Until(30*time.Second, func() bool { // the client takes some answers to make up its mind
				var err error
				got, err = c.vouch(t.Context())
				return err == nil && strings.Contains(got.String(), row.want)
			}) {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func TestRealReferences(t *testing.T) {
	var servers []string
	for range 3 {
		servers = append(servers, peers.StartChrony(t, peers.Chrony{}).Addr)
	}
	s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab"})
	c := alone(OverSNMP, uint16(s.Port))
	c.SNMP.Community, c.Reference = secret.New("lab"), Reference{servers: servers}
	o := run(t, c, 10*time.Second)
	if got := spellOutcome(o); !strings.HasPrefix(got, "OK offset ") || !strings.Contains(exchange(o), "proving this monitor's clock: ") || !strings.Contains(exchange(o), " of 3 references") {
		t.Errorf("%q:\n%s", got, exchange(o))
	}
}

// TestRealAddress: the host is asked at the address that the runner found.
func TestRealAddress(t *testing.T) {
	s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab"})
	c := alone(OverSNMP, uint16(s.Port))
	c.SNMP.Community = secret.New("lab")
	target := metric.Target{Address: "fra-1.example.net", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
	for r, err := range Measure(t.Context(), target, c) {
		if err != nil || !strings.HasPrefix(r.Stages[1].Doing, `asking "fra-1.example.net:`) {
			t.Errorf("%v, %+v", err, r.Stages)
		}
		break
	}
}
