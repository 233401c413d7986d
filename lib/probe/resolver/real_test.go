package resolver_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"milepost/lib/metric"
	"milepost/lib/peers"
)

// world is an unbound's idea of the internet, which it cannot reach: what is not
// in it does not exist.
const world = `
  local-zone: "com." static
  local-zone: "invalid." static
  local-zone: "example.test." static
  local-data: "www.example.test. 300 IN A 192.0.2.1"
  local-data: "www.example.test. 300 IN A 192.0.2.2"
  local-data: "www.example.test. 300 IN AAAA 2001:db8::1"
  local-zone: "fresh.test." redirect
  local-data: "fresh.test. 300 IN A 192.0.2.9"
`

// big is a name with more addresses than fit into a UDP answer.
func big() (conf, query string) {
	var b, q strings.Builder
	for i := range 200 {
		a := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}).String()
		b.WriteString(`  local-data: "big.example.test. 300 IN A ` + a + "\"\n")
		q.WriteString("," + a)
	}
	return b.String(), "big.example.test=" + q.String()[1:]
}

func TestRealUnbound(t *testing.T) {
	const asked = `resolver "127.0.0.1": `
	much, query := big()
	for _, c := range []struct {
		name, conf string
		args       []string
		want       string
		fault      metric.Fault
	}{
		{"sane", world, good, `OK: ` + asked + `5 tests, 0 failed, first answer in T ms`, ""},
		{"sane, and a fresh name", world, append([]string{"--fresh-zone", "fresh.test=192.0.2.9"}, good...), `OK: ` + asked + `6 tests, 0 failed`, ""},
		{"too much for UDP", world + much, []string{"--query", query}, `OK: ` + asked + `5 tests, 0 failed`, ""},
		{"an address is missing", world, []string{"--query", "www.example.test=192.0.2.1,192.0.2.2,192.0.2.3"}, `CRITICAL: wrong answer: "www.example.test" A is 192.0.2.1, 192.0.2.2, expected 192.0.2.1, 192.0.2.2, 192.0.2.3 (2 tests); `, "resolver"},
		{"hijacks what does not exist", strings.ReplaceAll(world, `"com." static`, `"com." redirect`) + "  local-data: \"com. 300 IN A 198.51.100.7\"\n", good, `CRITICAL: hijack: random name "www.RANDOM.com" has address 198.51.100.7 where NXDOMAIN is the truth; ` + asked + `5 tests, 1 failed`, "resolver"},
		{"has no upstream", strings.ReplaceAll(world, `local-zone: "com." static`, ""), good, `CRITICAL: outage: SERVFAIL for "www.RANDOM.com" A, which no cache knows; ` + asked + `5 tests, 1 failed`, "resolver"},
		{"refuses this machine", world + "  access-control: 127.0.0.1/32 refuse\n", good, `CRITICAL: not recursive for this machine: REFUSED for "www.example.test" A (5 tests); ` + asked + `5 tests, 5 failed`, "resolver"},
		{"does not speak TCP", world + "  do-tcp: no\n", good, `WARNING: no TCP: connection refused; ` + asked + `5 tests, 1 failed`, "resolver"},
		{"does not speak TCP, and there is too much for UDP", world + much + "  do-tcp: no\n", []string{"--query", query}, `CRITICAL: no answer to "big.example.test" A: it is cut off over UDP, and over TCP: connection refused; `, "resolver"},
		{"does not validate", world, append([]string{"--dnssec", "must", "--dnssec-signed", "www.example.test"}, good...), `CRITICAL: no DNSSEC: the answer to "www.example.test" A, which is signed, was not validated (AD=0); `, "resolver"},
		{"a TTL that it makes up", world, append([]string{"--ttl"}, good...), `WARNING: TTL of "www.example.test" A does not fall: 300, 300, 300, 1.1s apart; `, "resolver"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := peers.StartUnbound(t, c.conf)
			o := run(t, netip.MustParseAddrPort(u.Addr), patient, c.args...)
			if got := spell(o); !strings.HasPrefix(got, c.want) || o.Fault != c.fault {
				t.Errorf("got  %s\nwant %s\nfault %q, want %q", got, c.want, o.Fault, c.fault)
			}
		})
	}
}

// Behind a resolver that caches, TTLs fall, and the server behind it agrees.
func TestRealUnboundBehindUnbound(t *testing.T) {
	authority := peers.StartUnbound(t, world)
	u := peers.StartUnbound(t, `
  local-zone: "com." static
  local-zone: "invalid." static
  local-zone: "test." nodefault
forward-zone:
  name: test
  forward-addr: `+strings.Replace(authority.Addr, ":", "@", 1))
	args := append([]string{"--ttl", "--authority", authority.Addr, "--random-zone", "example.test"}, good...)
	o := run(t, netip.MustParseAddrPort(u.Addr), patient, args...)
	if want := `OK: resolver "127.0.0.1": 7 tests, 0 failed, first answer in T ms`; spell(o) != want {
		t.Errorf("got  %s\nwant %s", spell(o), want)
	}
}

func TestRealUnboundThatDied(t *testing.T) {
	u := peers.StartUnbound(t, world)
	u.Kill()
	began := time.Now()
	o := run(t, netip.MustParseAddrPort(u.Addr), patient, good...)
	if want := `CRITICAL: no answer over UDP to "www.example.test" A: connection refused; resolver "127.0.0.1": 1 test, 1 failed`; spell(o) != want {
		t.Errorf("got  %s\nwant %s", spell(o), want)
	}
	if took := time.Since(began); took > patient/4 {
		t.Errorf("it took %v", took)
	}
}
