package accesslog_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/peers"
)

// logs are what squid writes of the same requests: a file's name, and its format.
// testdata holds them as Debian's squid 5.7 wrote them under TestRealSquid with
// UPDATE_GOLDEN=1.
var logs = []struct{ name, format string }{
	{"native", ""},
	{"bill", `logformat bill %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %>st %rm %#un %sn %tS %ru`},
	{"common", ""},
	{"combined", ""},
	{"quoted", `logformat quoted %{%F %T %z}tl|%-8>Hs|%12<st|%st|%Ss|%sn|"%un"|"%{User-Agent}>h"|%ru`},
	{"raw", `logformat raw [%ts %03tu] %>Hs %<st %>st %un "%{User-Agent}>h" %Ss`},
	{"mime", `logformat mime %tg %>a:%>p %>Hs %<st %st [%un] [%{User-Agent}>h] %err_code %Ss:%Sh`},
}

// TestRealSquid makes a squid write every format of the same requests: whatever
// the format, the same users pay the same.
func TestRealSquid(t *testing.T) {
	dir := peers.Dir(t)
	if err := os.Chmod(dir, 0o777); err != nil { // squid has a user of its own
		t.Fatal(err)
	}
	conf := []string{"acl refused dstdomain blocked.test", "acl known proxy_auth REQUIRED", "http_access deny known refused", "cache deny all"}
	for _, l := range logs {
		name := l.name
		if name == "native" {
			name = "squid"
		}
		if l.format != "" {
			conf = append(conf, l.format)
		}
		conf = append(conf, fmt.Sprintf("access_log stdio:%s %s !peers_ready", filepath.Join(dir, l.name), name))
	}
	users := map[string]string{}
	for _, u := range strangers {
		users[u] = "secret"
	}
	squid := peers.StartSquid(t, peers.Squid{Users: users, Conf: strings.Join(conf, "\n")})
	n := request(t, squid.Addr)
	squid.Lines(n)
	squid.Stop() // what is there now is all there will be
	for _, l := range logs {
		text, err := os.ReadFile(filepath.Join(dir, l.name))
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(filepath.Join("testdata", l.name+".log"), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Count(string(text), "\n"); got != n {
			t.Errorf("%s: %d lines, %d requests", l.name, got, n)
		}
	}
	same(t, func(name string) string { return filepath.Join(dir, name) })
}

// strangers are users with what a format may trip over.
var strangers = []string{"alice", "john smith", "we[i]rd%x", `dom\bob`, `quo"te`, "ünï", "t\tb", "\x01\x7f", " x ", "a%20b", "-dash", "a|b", "x hier_direct/1.2.3.4 text/plain", `a\nb`}

// request makes one request of each kind, and says how many they were.
func request(t *testing.T, proxy string) (n int) {
	t.Helper()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		size := 100
		if r.URL.Path == "/big" {
			size = 20 << 20
		}
		_, _ = w.Write(make([]byte, size)) // the client may have left
	}))
	defer origin.Close()
	address := origin.Listener.Addr().String()
	ask := func(user, password, method, url, body string, most int64) {
		t.Helper()
		n++
		c, err := net.Dial("tcp", proxy)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: h\r\nUser-Agent: a \"b\" [c] \\ 1795426814.421     15 1.1.1.1 TCP_MISS/200 9 GET\r\nConnection: close\r\n", method, url)
		if user != "" {
			text += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
		}
		if body != "" {
			text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
		}
		if _, err := io.WriteString(c, text+"\r\n"+body); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		if method == "CONNECT" {
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n") // where there is no tunnel, it is nobody's
		}
		_, _ = io.CopyN(io.Discard, r, most) // an answer cut short is one kind of answer
	}
	const all = 1 << 40
	for _, user := range strangers {
		ask(user, "secret", "GET", origin.URL+"/", "", all)
	}
	ask("alice", "secret", "POST", origin.URL+"/", strings.Repeat("x", 50_000), all)
	ask("alice", "secret", "CONNECT", address, "", all)
	ask("alice", "secret", "GET", origin.URL+"/big", "", 100_000)
	ask("alice", "secret", "GET", "http://blocked.test/", "", all)
	ask("alice", "secret", "CONNECT", "127.0.0.1:1", "", all)
	ask("alice", "secret", "GET", "http://127.0.0.1:1/", "", all)
	ask("", "", "GET", origin.URL+"/", "", all)
	ask("alice", "wrong", "GET", origin.URL+"/", "", all)
	ask("mallory 1795426814.421     15 1.1.1.1 tcp_miss/200 9 get", "wrong", "GET", origin.URL+"/", "", all)
	ask("mallory", "wrong", "CONNECT", address, "", all)
	return n
}

// same reads every format of the same requests, line by line.
func same(t *testing.T, path func(name string) string) {
	t.Helper()
	var want []string
	for _, l := range logs {
		text, err := os.ReadFile(path(l.name))
		if err != nil {
			t.Fatal(err)
		}
		spec := l.format
		if spec == "" {
			spec = l.name
		}
		format, err := accesslog.ParseFormat(spec)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		var line accesslog.Line
		for record := range strings.Lines(string(text)) {
			if flaw := format.Parse([]byte(strings.TrimSuffix(record, "\n")), &line); flaw != accesslog.None {
				t.Errorf("%s: flaw %s in %q", l.name, flaw, record)
				continue
			}
			got = append(got, fmt.Sprintf("%s/%d %s %d bytes for %q", line.Tag, line.Status, line.Result(), line.Sent, line.Who()))
		}
		if want == nil {
			want = got
		}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Errorf("%s, line %d: %s, in native it was %s", l.name, i+1, got[min(i, len(got)-1)], want[i])
			}
		}
	}
}
