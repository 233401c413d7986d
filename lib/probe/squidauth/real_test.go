package squidauth_test

import (
	"net/http"
	"net/netip"
	"testing"

	"milepost/lib/peers"
)

func TestRealSquid(t *testing.T) {
	o := origin(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) })
	s := peers.StartSquid(t, peers.Squid{Users: map[string]string{"alice": "wonder"}})
	got := probe(t, netip.MustParseAddrPort(s.Addr), patient, config(t, "--url", o.url))
	if want := "OK: refused without credentials, refused wrong ones, fetched " + o.url + " (200, 5 B)"; spell(got) != want {
		t.Errorf("\n got %s\nwant %s", spell(got), want)
	}
}
