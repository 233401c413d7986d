package selfcheck_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/selfcheck"
)

// lab is an unbound that knows a little and says at once what it does not know.
const lab = `
  local-zone: "com." static
  local-zone: "debian.org." static
  local-data: "debian.org. 60 IN A 192.0.2.10"
  local-zone: "example.net." static
  local-data: "proxy.example.net. 60 IN A 192.0.2.11"
`

// portal is an unbound that gives every name its own address.
const portal = `
  local-zone: "." redirect
  local-data: ". 60 IN A 192.0.2.66"
`

func TestRealUnbound(t *testing.T) {
	other := peers.StartUnbound(t, lab)
	own := peers.StartUnbound(t, lab)
	liar := peers.StartUnbound(t, portal)
	configure := func(system string) *selfcheck.Checker {
		return checker(t, selfcheck.Config{
			Resolve: []string{"debian.org"}, Resolvers: []string{other.Addr},
			Ping: []string{other.Addr}, System: machine(system),
		})
	}
	expect := func(k *selfcheck.Checker, want string) {
		t.Helper()
		s := k.Now(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		found, err := k.Lookup(ctx, "ip4", "proxy.example.net")
		if got := fmt.Sprintf("%v %q %v %v", s.Sight, s.Reason, found, err); got != want {
			t.Errorf("got %s (%s), want %s", got, s.Why, want)
		}
	}
	k := configure(own.Addr)
	expect(k, `ok "" [192.0.2.11] <nil>`)
	expect(configure(liar.Addr), `impaired "monitor_resolver" [192.0.2.11] <nil>`)
	own.Stop()
	expect(k, `impaired "monitor_resolver" [192.0.2.11] <nil>`)
	other.Stop()
	expect(k, `blind "monitor_resolver" [192.0.2.11] <nil>`) // remembered
}
