package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"milepost/lib/verdict"
)

// A wrong password is tried once in wrong_every, however often the exporter is started
// and its inventory read.
func TestWrongPasswordsAreNotTriedAgainAfterARestart(t *testing.T) {
	var wrong atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asks := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		user, password, _ := asks.BasicAuth()
		if password == "right" {
			fmt.Fprint(w, "hello")
			return
		}
		if user != "" {
			wrong.Add(1)
		}
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(proxy.URL, "http://"), ":")
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inventory := fmt.Sprintf(`hosts: [{name: fra-1, address: 127.0.0.1, checks: {squid_auth: {port: %s, user: monitor, password_file: %s, urls: ["http://origin.test/"], wrong_every: 15m}}}]`, port, password)
	dir := t.TempDir()
	file := filepath.Join(dir, refusalsFile)
	for _, tt := range []struct {
		situation string
		before    func()
		restart   bool // else the inventory is read again
		tried     int32
		want      string
	}{
		{"the first start", func() {}, true, 1, "refused wrong ones, fetched"},
		{"a restart", func() {}, true, 1, "refused wrong ones ...ago, fetched"},
		{"a reload", func() {}, false, 1, "refused wrong ones ...ago, fetched"},
		{"the file is not ours", func() { _ = os.Chmod(file, 0o666) }, true, 2, "refused wrong ones, fetched"},
		{"and is now", func() {}, true, 2, "refused wrong ones ...ago, fetched"},
		{"the file is garbled", func() { _ = os.WriteFile(file, []byte("{"), 0o600) }, true, 3, "refused wrong ones, fetched"},
	} {
		tt.before()
		m := stopped(t, inventory, func(f *flags) { f.StateDir = dir })
		if !tt.restart {
			again, err := m.flags.load(served())
			if err != nil {
				t.Fatal(err)
			}
			m.adopt(again)
		}
		o := m.watching().Hosts[0].Checks[0].Run(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		stop()
		m.refusals.run(ctx) // its end is when the last is kept
		before, after, _ := strings.Cut(tt.want, "...")
		if o.Status != verdict.OK || !strings.Contains(o.Summary, before) || !strings.Contains(o.Summary, after) || wrong.Load() != tt.tried {
			t.Errorf("%s: %v %s, and %d wrong passwords so far, want %s and %d", tt.situation, o.Status, o.Summary, wrong.Load(), tt.want, tt.tried)
		}
	}
	if aside, err := filepath.Glob(file + ".unread-*"); len(aside) == 0 || err != nil {
		t.Errorf("%v %v: what was not read is kept", aside, err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "right") {
		t.Errorf("%v %s", err, text)
	}
}
