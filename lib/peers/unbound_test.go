package peers_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/peers"
)

func lookup(t *testing.T, network, addr, name string) *dns.Msg {
	t.Helper()
	client := &dns.Client{Net: network, Timeout: 10 * time.Second}
	answer, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), addr)
	if err != nil {
		t.Fatalf("asking %s by %s for %s: %v", addr, network, name, err)
	}
	return answer
}

func TestRealUnboundKnowsWhatItIsTold(t *testing.T) {
	u := peers.StartUnbound(t, `
  local-zone: "test." static
  local-data: "known.test. 60 A 192.0.2.7"`)
	addrs := []string{u.Addr}
	if u.Nameserver != "" {
		addrs = append(addrs, u.Nameserver+":53")
	}
	for _, addr := range addrs {
		for _, network := range []string{"udp", "tcp"} {
			known := lookup(t, network, addr, "known.test.")
			if len(known.Answer) != 1 || known.Answer[0].(*dns.A).A.String() != "192.0.2.7" {
				t.Errorf("%s by %s says %v of known.test", addr, network, known.Answer)
			}
			if got := lookup(t, network, addr, "unknown.test."); got.Rcode != dns.RcodeNameError {
				t.Errorf("%s by %s says %s of unknown.test, want NXDOMAIN", addr, network, dns.RcodeToString[got.Rcode])
			}
		}
	}
}

func TestRealUnboundAsksOtherServersOnThisMachineOnly(t *testing.T) {
	upstream := peers.StartUnbound(t, `local-data: "far.test. A 192.0.2.8"`)
	u := peers.StartUnbound(t, "domain-insecure: test\nlocal-zone: \"test.\" nodefault\nforward-zone:\n  name: test\n  forward-addr: 127.0.0.1@"+port(upstream.Port))
	if got := lookup(t, "udp", u.Addr, "far.test."); len(got.Answer) != 1 {
		t.Errorf("the server behind it was not asked: %v", got)
	}
	if got := lookup(t, "udp", u.Addr, "example.com."); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("%s for a name of the internet, want SERVFAIL: nothing may leave this machine", dns.RcodeToString[got.Rcode])
	}
}
