package squidauth

import (
	"testing"
	"time"

	"milepost/lib/metric"
)

// Every combination of what was found out, and whose fault it is then.
func TestBlame(t *testing.T) {
	answer := func(method string, status int, squidError string) Fetch {
		return Fetch{URL: "U", Answer: Answer{Method: method, Status: status, SquidError: squidError}, Wrong: "instead of 200-299"}
	}
	connectFail, readError := answer("GET", 503, "ERR_CONNECT_FAIL"), answer("GET", 502, "ERR_READ_ERROR")
	silent := Fetch{URL: "U", Answer: Answer{Method: "GET", Breach: &Breach{What: "no answer within 5s", Silent: true}}}
	unending := func(status int, squidError string) Fetch {
		return Fetch{URL: "U", Answer: Answer{Method: "GET", Begun: status, SquidError: squidError, Breach: &Breach{What: "only part of an answer within 5s", Silent: true}}}
	}
	good := &Fetch{Answer: Answer{Status: 200}, Origin: true}
	missing := &Fetch{Answer: Answer{Status: 404}, Origin: true, Wrong: "instead of 200-299"}
	mute := &Fetch{Answer: Answer{Breach: &Breach{What: "no answer within 5s", Silent: true}}, Origin: true}
	refuses := &Fetch{Answer: Answer{Breach: &Breach{What: "connection refused"}}, Origin: true}
	for _, c := range []struct {
		name  string
		fetch Fetch
		known Evidence
		fault metric.Fault
		text  string
	}{
		{"nothing was found out", readError, Evidence{}, metric.FaultProxy, "U 502 ERR_READ_ERROR"},
		{"nothing was found out: squid says the origin", connectFail, Evidence{}, metric.FaultOrigin, "U 503 ERR_CONNECT_FAIL"},
		{"nothing was found out: squid says the resolver", answer("GET", 503, "ERR_DNS_FAIL"), Evidence{}, metric.FaultProxyResolver, "the proxy's resolver fails: U 503 ERR_DNS_FAIL"},
		{"nothing was found out: silence", silent, Evidence{}, metric.FaultProxy, "U no answer within 5s"},
		{"this machine cannot resolve it either", readError, Evidence{LookUp: "server misbehaving"}, metric.FaultProxy, "U 502 ERR_READ_ERROR; this machine cannot resolve it either (server misbehaving), so whose fault it is stays open"},
		{"nobody has the name", readError, Evidence{LookUp: "no such host", NoSuchName: true}, metric.FaultOrigin, "U 502 ERR_READ_ERROR: this machine does not find its name either (no such host)"},
		{"a name that only the proxy's resolver knows", readError, Evidence{LookUp: "no such host", NoSuchName: true, ByAddress: good}, metric.FaultProxyResolver, "the proxy's resolver fails: U by name 502 ERR_READ_ERROR, by address 200"},
		{"by address another page of the origin's", readError, Evidence{ByAddress: &Fetch{Answer: Answer{Method: "GET", Status: 404}, Wrong: "instead of 200-299"}}, metric.FaultProxyResolver, "the proxy's resolver fails: U by name 502 ERR_READ_ERROR, by address 404 instead of 200-299"},
		{"by address denied", connectFail, Evidence{ByAddress: &Fetch{Answer: Answer{Status: 403, SquidError: "ERR_ACCESS_DENIED"}, Wrong: "x"}, Direct: good}, metric.FaultProxy, "U 503 ERR_CONNECT_FAIL, directly 200: the proxy does not get through to the origin"},
		{"directly it answers, if not as wished", connectFail, Evidence{Direct: missing}, metric.FaultProxy, "U 503 ERR_CONNECT_FAIL, directly 404 instead of 200-299: the proxy does not get through to the origin"},
		{"directly refused", readError, Evidence{Direct: refuses}, metric.FaultOrigin, "U 502 ERR_READ_ERROR: the origin fails, directly connection refused"},
		{"directly silent", connectFail, Evidence{Direct: mute}, metric.FaultOrigin, "U 503 ERR_CONNECT_FAIL: the origin fails, unless this machine has no way to it; directly no answer within 5s"},
		{"only this one fails", connectFail, Evidence{Direct: good, Others: true}, metric.FaultOrigin, "U 503 ERR_CONNECT_FAIL, directly 200, while other URLs come through: the origin, or the way to it, refuses this proxy"},
		{"the helper was not proven, the origin is alive", silent, Evidence{Direct: good, Unproven: true}, metric.FaultAuth, "the authentication helper does not answer, or nothing behind the proxy does: 407 at once without credentials, U no answer within 5s with them; see cache.log on the proxy"},
		{"the helper was not proven, the origin is dead", silent, Evidence{Direct: refuses, Unproven: true}, metric.FaultOrigin, "U no answer within 5s: the origin fails, directly connection refused"},
		{"the helper was proven by another URL", silent, Evidence{Unproven: true, Others: true}, metric.FaultProxy, "U no answer within 5s"},
		{"an answer that does not end proves the helper", unending(200, ""), Evidence{Unproven: true}, metric.FaultOrigin, "U 200, then only part of an answer within 5s"},
		{"and so it does directly", unending(200, ""), Evidence{Unproven: true, Direct: &Fetch{Answer: unending(200, "").Answer, Origin: true}}, metric.FaultOrigin, "U 200, then only part of an answer within 5s: the origin fails, unless this machine has no way to it; directly 200, then only part of an answer within 5s"},
		{"but not directly", unending(200, ""), Evidence{Unproven: true, Direct: good}, metric.FaultProxy, "U 200, then only part of an answer within 5s, directly 200: the proxy does not get through to the origin"},
		{"a refusal that does not end proves nothing", unending(407, ""), Evidence{Unproven: true}, metric.FaultAuth, "the authentication helper does not answer, or nothing behind the proxy does: 407 at once without credentials, U 407, then only part of an answer within 5s with them; see cache.log on the proxy"},
		{"squid's own page does not end", unending(503, "ERR_DNS_FAIL"), Evidence{Unproven: true}, metric.FaultProxyResolver, "the proxy's resolver fails: U 503, then only part of an answer within 5s"},
		{"silence in the tunnel", Fetch{URL: "U", Origin: true, Answer: silent.Answer}, Evidence{Unproven: true}, metric.FaultOrigin, "U no answer within 5s"},
		{"a tunnel to a web server that is no proxy", answer("CONNECT", 405, ""), Evidence{}, metric.FaultProxy, "U 405"},
		{"denied without squid's name, CONNECT", answer("CONNECT", 403, ""), Evidence{}, metric.FaultACL, "U denied by an access rule of the proxy (403)"},
		{"wrong page, and the origin's is right", answer("GET", 404, ""), Evidence{Direct: good}, metric.FaultProxy, "the proxy delivers something else: U 404 instead of 200-299, directly 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b := c.fetch.blame(c.known); b.Fault != c.fault || b.Text != c.text {
				t.Errorf("\n got %s: %s\nwant %s: %s", b.Fault, b.Text, c.fault, c.text)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	for _, c := range []struct {
		in, want string
		limit    int
	}{
		{"plain", "plain", 10},
		{"a\x00b\r\nc\x1b[0m", "a?b??c?[0m", 20},
		{"\u202eright\u2028\xff", "?right??", 20},
		{"žluťoučký", "žluťoučký", 20},
		{"longer than that", "longer...", 6},
		{"žž", "ž...", 3},
	} {
		if got := printable(c.in, c.limit); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestRound(t *testing.T) {
	for in, want := range map[string]string{"5.003s": "5s", "1.234567s": "1.2s", "12.6s": "13s", "501.2ms": "500ms", "999µs": "1ms", "87ns": "87ns", "0s": "0s"} {
		if got := round(mustDuration(t, in)); got != mustDuration(t, want) {
			t.Errorf("%s: got %v, want %s", in, got, want)
		}
	}
}

func mustDuration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
