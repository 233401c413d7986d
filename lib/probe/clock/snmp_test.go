package clock

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/secret"
)

func TestAgents(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		situation string
		change    func(*gosnmp.SnmpPacket)
		want      string
		fault     string
	}{
		{"right", func(*gosnmp.SnmpPacket) {}, "OK offset ", ""},
		{
			"no such object", func(p *gosnmp.SnmpPacket) { p.Variables[0].Type = gosnmp.NoSuchObject },
			`for its time over SNMP: the agent shows no 1.3.6.1.2.1.25.1.2.0 (NoSuchObject): is it served, and in this community's or user's view? In snmpd.conf: "view NAME included .1.3.6.1.2.1.25.1.2.0"`, "host",
		},
		{"no such instance", func(p *gosnmp.SnmpPacket) { p.Variables[0].Type = gosnmp.NoSuchInstance }, "the agent shows no 1.3.6.1.2.1.25.1.2.0 (NoSuchInstance)", "host"},
		{"no such name, as version 1 says it", func(p *gosnmp.SnmpPacket) { p.Error, p.ErrorIndex = gosnmp.NoSuchName, 1 }, "the agent shows no 1.3.6.1.2.1.25.1.2.0 (NoSuchName)", "host"},
		{"refused", func(p *gosnmp.SnmpPacket) { p.Error = gosnmp.AuthorizationError }, "the agent refuses: AuthorizationError", "host"},
		{"about another OID", func(p *gosnmp.SnmpPacket) { p.Variables[0].Name = ".1.3.6.1.2.1.1.3.0" }, "garbled answer: about another OID", "host"},
		{"to another question", func(p *gosnmp.SnmpPacket) { p.RequestID++ }, "no answer within 4.0 s to 3 questions: does an agent listen there, is this its community", "host"},
		{"to no question at all", func(p *gosnmp.SnmpPacket) { p.RequestID = 0 }, "garbled answer: to no question of ours", "host"},
		{"a question back", func(p *gosnmp.SnmpPacket) { p.PDUType = gosnmp.GetNextRequest }, "garbled answer: to no question of ours", "host"},
		{"in another version", func(p *gosnmp.SnmpPacket) { p.Version = gosnmp.Version1 }, "garbled answer: to no question of ours", "host"},
		{
			"an uptime", func(p *gosnmp.SnmpPacket) {
				p.Variables[0].Type, p.Variables[0].Value = gosnmp.TimeTicks, uint32(12345)
			},
			"GET 1.3.6.1.2.1.25.1.2.0: TimeTicks 12345: a value of type TimeTicks is no time: serve UTC seconds since 1970 as Gauge32, Counter64 or STRING", "host",
		},
		{
			"a name", func(p *gosnmp.SnmpPacket) { p.Variables[0].Type, p.Variables[0].Value = gosnmp.OctetString, "fra-1" },
			`GET 1.3.6.1.2.1.25.1.2.0: OctetString "fra-1": a DateAndTime has 8 or 11 octets, not 5`, "host",
		},
		{"a local time without its zone", func(p *gosnmp.SnmpPacket) {
			p.Variables[0].Type, p.Variables[0].Value = gosnmp.OctetString, []byte{0x07, 0xEA, 11, 23, 0, 2, 28, 0}
		}, "local time without its zone (8 octets): say --tz, as in --tz Europe/Berlin or --tz +05:30", "host"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			addr := serveUDP(t, func(q []byte) [][]byte { return [][]byte{agentAnswer(t, q, row.change)} })
			o := run(t, alone(OverSNMP, addr.Port()), patient)
			if got := spellOutcome(o); !strings.Contains(got, row.want) || row.fault != "" && o.Status.String() != "UNKNOWN" {
				t.Errorf("%q, want %q", got, row.want)
			}
			if string(o.Fault) != row.fault {
				t.Errorf("fault %q, want %q", o.Fault, row.fault)
			}
		})
	}
}

func TestAgentsThatMisbehave(t *testing.T) {
	t.Parallel()
	nothing := func(*gosnmp.SnmpPacket) {}
	for _, row := range []struct {
		situation string
		answer    func(*testing.T, []byte) [][]byte
		want      string
	}{
		{"silent", func(*testing.T, []byte) [][]byte { return nil }, "UNKNOWN asking"},
		{"garbage", func(*testing.T, []byte) [][]byte { return [][]byte{[]byte("\x30\x82garbage")} }, "garbled answer: "},
		{"an echo", func(_ *testing.T, q []byte) [][]byte { return [][]byte{q} }, "garbled answer: "},
		{"cut", func(t *testing.T, q []byte) [][]byte { a := agentAnswer(t, q, nothing); return [][]byte{a[:len(a)-4]} }, "garbled answer: "},
		{"an answer to another question first", func(t *testing.T, q []byte) [][]byte {
			return [][]byte{agentAnswer(t, q, func(p *gosnmp.SnmpPacket) { p.RequestID += 7 }), agentAnswer(t, q, nothing)}
		}, "OK offset "},
		{"the answer twice", func(t *testing.T, q []byte) [][]byte {
			return [][]byte{agentAnswer(t, q, nothing), agentAnswer(t, q, nothing)}
		}, "OK offset "},
		{"a flood of other answers", func(t *testing.T, q []byte) [][]byte {
			flood := make([][]byte, 2000)
			for i := range flood {
				flood[i] = agentAnswer(t, q, func(p *gosnmp.SnmpPacket) { p.RequestID += uint32(1 + i) })
			}
			return flood
		}, "no answer within"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			addr := serveUDP(t, func(q []byte) [][]byte { return row.answer(t, q) })
			began := time.Now()
			o := run(t, alone(OverSNMP, addr.Port()), patient)
			if got := spellOutcome(o); !strings.Contains(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if took := time.Since(began); took > patient {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestALostQuestionIsAskedAgain(t *testing.T) {
	t.Parallel()
	var questions atomic.Int32
	addr := serveUDP(t, func(q []byte) [][]byte {
		if questions.Add(1) == 1 {
			return nil
		}
		return [][]byte{agentAnswer(t, q, func(*gosnmp.SnmpPacket) {})}
	})
	o := run(t, alone(OverSNMP, addr.Port()), patient)
	if got := spellOutcome(o); !strings.HasPrefix(got, "OK offset ") || questions.Load() != 2 {
		t.Errorf("%q after %d questions", got, questions.Load())
	}
	if rtt := o.Findings[3].Value; rtt > 0.57 { // a seventh of the patience of 4 s is the first question's
		t.Errorf("the round trip of %v s holds the wait for the first answer", rtt)
	}
}

func TestNobodyThere(t *testing.T) {
	for _, row := range []struct {
		source Source
		want   string
	}{
		{OverSNMP, "over SNMP: connection refused: does an agent run there, and listen on this address?"},
		{OverNTP, "over NTP: connection refused: does an NTP server run there, and listen on this address?"},
		{OverHTTP, "over HTTP: connection refused: does an HTTP server or squid run there, and listen on this address?"},
	} {
		o := run(t, alone(row.source, closedPort(t).Port()), 5*time.Second)
		if got := spellOutcome(o); !strings.HasPrefix(got, "UNKNOWN asking ") || !strings.HasSuffix(got, row.want) || o.Fault != "host" || o.Reason != "refused" {
			t.Errorf("%s: %q, fault %q, reason %q", row.source, got, o.Fault, o.Reason)
		}
	}
}

func TestCredentials(t *testing.T) {
	file := func(text string) secret.File {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return secret.File(path)
	}
	user := func(v V3) SNMP {
		v.User, v.AuthProtocol, v.PrivProtocol = "monitor", "SHA256", "AES"
		return SNMP{Protocol: "3", V3: v}
	}
	for _, row := range []struct {
		situation string
		snmp      SNMP
		want      string // the community or the security level, or the error
	}{
		{"a community", SNMP{Protocol: "2c", Community: secret.New("lab")}, "lab"},
		{"a file goes before it", SNMP{Protocol: "1", Community: secret.New("lab"), CommunityFile: file("from file\n")}, "from file"},
		{"too long", SNMP{Protocol: "2c", Community: secret.New(strings.Repeat("x", 128))}, "SNMP community: longer than 127 bytes"},
		{"a file that is not there", SNMP{Protocol: "2c", CommunityFile: "/nowhere"}, `reading secret "/nowhere": no such file or directory`},
		{"a user", user(V3{}), "NoAuthNoPriv"},
		{"a user with a password", user(V3{AuthPassword: secret.New("authpass-1234")}), "AuthNoPriv"},
		{"a user with both", user(V3{AuthPasswordFile: file("authpass-1234"), PrivPasswordFile: file("privpass-1234")}), "AuthPriv"},
		{"a password that is too short", user(V3{AuthPassword: secret.New("short")}), "SNMPv3 authentication password: shorter than 8 bytes"},
		{"privacy without authentication", user(V3{PrivPassword: secret.New("privpass-1234")}), "--auth-password-file: SNMPv3 has no privacy without authentication"},
		{"no user", SNMP{Protocol: "3"}, "--user: SNMPv3 needs one"},
		{"a user where there are none", SNMP{Protocol: "2c", V3: V3{User: "monitor"}}, "--user: SNMP version 2c has communities, not users: say --protocol 3"},
	} {
		var client gosnmp.GoSNMP
		err := row.snmp.validate()
		if err == nil {
			err = row.snmp.credentials(&client)
		}
		got := client.Community
		if row.snmp.Protocol == "3" {
			got = client.MsgFlags.String()
		}
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.situation, got, row.want)
		}
	}
}
