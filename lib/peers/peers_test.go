package peers_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
)

// gone fails unless nothing listens at addr any more.
func gone(t *testing.T, addr string) {
	t.Helper()
	if listening(addr) {
		t.Fatalf("the server at %s outlived its test", addr)
	}
}

func TestPortsAreFreeAndDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range 20 {
		port := peers.Port(t)
		if port < 1024 || port > 32767 {
			t.Fatalf("port %d is in the range of outgoing connections", port)
		}
		seen[port] = true
	}
	if len(seen) < 15 {
		t.Fatalf("20 ports were only %d different ones", len(seen))
	}
}

func TestDirIsOpenToOtherUsersAndGoneAfterwards(t *testing.T) {
	var dir string
	t.Run("while the test runs", func(t *testing.T) {
		dir = peers.Dir(t)
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o755 {
			t.Fatalf("mode is %o, want 755", info.Mode().Perm())
		}
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Fatalf("the directory is still there: %v", err)
	}
}

func TestRealServersOutliveNoTest(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) *peers.Running{
		"squid":   func(t *testing.T) *peers.Running { return peers.StartSquid(t, peers.Squid{}).Running },
		"snmpd":   func(t *testing.T) *peers.Running { return peers.StartSnmpd(t, peers.Snmpd{}).Running },
		"unbound": func(t *testing.T) *peers.Running { return peers.StartUnbound(t, "").Running },
		"chronyd": func(t *testing.T) *peers.Running { return peers.StartChrony(t, peers.Chrony{}).Running },
		"nrpe":    func(t *testing.T) *peers.Running { return peers.StartNRPE(t, nil).Running },
	} {
		t.Run(name, func(t *testing.T) {
			var r *peers.Running
			t.Run("its test", func(t *testing.T) { r = start(t) })
			if r == nil {
				t.Skip("its test was skipped")
			}
			gone(t, r.Addr)
			if _, err := os.Stat(r.Dir); !os.IsNotExist(err) {
				t.Fatalf("its directory is still there: %v", err)
			}
		})
	}
}

func TestRealServersStandSideBySide(t *testing.T) {
	one, two := peers.StartSquid(t, peers.Squid{}), peers.StartSquid(t, peers.Squid{})
	one.Stop()
	if code, _ := fetch(t, two, nil, "http://127.0.0.1:1/"); code != http.StatusServiceUnavailable {
		t.Fatalf("the second squid answered %d after the first was stopped, want 503", code)
	}
}

func TestRealServerStartsAgainAfterACrash(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{})
	fetch(t, s, nil, "http://127.0.0.1:1/before")
	s.Lines(1)
	s.Kill()
	gone(t, s.Addr)
	s.Start()
	fetch(t, s, nil, "http://127.0.0.1:1/after")
	if lines := s.Lines(2); len(lines) != 2 || !strings.Contains(lines[0], "/before") || !strings.Contains(lines[1], "/after") {
		t.Fatalf("the log does not hold the request before the crash and the one after it:\n%q", lines)
	}
}

// fetch gets target through s as user and gives the status and the header.
func fetch(t *testing.T, s *peers.RunningSquid, user *url.Userinfo, target string) (status int, header http.Header) {
	t.Helper()
	proxy := &url.URL{Scheme: "http", Host: s.Addr, User: user}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
	answer, err := client.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	// To its end: squid logs a client that leaves before as TCP_MISS_ABORTED.
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRealSnmpdIsAProcessThatTakesSignals(t *testing.T) {
	s := peers.StartSnmpd(t, peers.Snmpd{})
	s.Signal(syscall.SIGHUP) // it reads its configuration again and says so
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(s.Log(), "restarted") && !strings.Contains(s.Log(), "Reconfiguring") {
		if time.Now().After(deadline) {
			t.Fatalf("snmpd did not say that it was told to start over: %s", s.Log())
		}
		<-time.After(10 * time.Millisecond)
	}
	if filepath.Dir(s.Dir) != filepath.Clean(os.TempDir()) {
		t.Fatalf("its directory %q is not a temporary one", s.Dir)
	}
}
