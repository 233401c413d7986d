package selfcheck

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A monitor that is started while its resolvers are dead still finds the hosts that
// it knew.
func TestAddressesAreKeptOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "addresses.json")
		w := well()
		k := w.checker(t)
		k.Kept = path
		if _, err := k.Lookup(t.Context(), "ip", "proxy.example.net"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		k.Run(ctx, 0, nil)

		dead := func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("it answers SERVFAIL") }
		w.own, w.other = dead, dead
		again := func() *Checker {
			k := w.checker(t)
			k.Kept = path
			k.load()
			return k
		}
		if got, err := again().Lookup(t.Context(), "ip", "proxy.example.net"); err != nil || got[0] != netip.MustParseAddr("192.0.2.10") {
			t.Errorf("%v %v", got, err)
		}
		if _, err := again().Lookup(t.Context(), "ip", "other.example.net"); err == nil {
			t.Error("an address was found that nobody knew")
		}
		time.Sleep(believed + time.Second)
		if got, err := again().Lookup(t.Context(), "ip", "proxy.example.net"); err == nil {
			t.Errorf("%v was believed for longer than a day", got)
		}
	})
}

func TestMemoryOfAnEarlierProcess(t *testing.T) {
	for _, row := range []struct{ situation, text, want string }{
		{"damaged", "{", "it is damaged"},
		{"of the future: who knows how old it is", `[{"network":"ip","host":"a","addrs":["192.0.2.1"],"at":"2999-01-01T00:00:00Z"}]`, ""},
		{"an address that is none", `[{"network":"ip","host":"a","addrs":["x"],"at":"2026-01-01T00:00:00Z"}]`, "it is damaged"},
		{"no address", `[{"network":"ip","host":"a","addrs":[],"at":"2026-01-01T00:00:00Z"}]`, ""},
	} {
		path := filepath.Join(t.TempDir(), "addresses.json")
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := New(Config{Kept: path})
		if err != nil {
			t.Fatal(err)
		}
		if (k.trouble == nil) != (row.want == "") || k.trouble != nil && !strings.Contains(k.trouble.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.situation, k.trouble, row.want)
		}
		if k.known.find("ip", "a") != nil {
			t.Errorf("%s: an address was believed", row.situation)
		}
	}
}

// The controls use this machine's real sockets.
