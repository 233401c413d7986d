package peers_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// origin is a web server that says hello.
func origin(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(server.Close)
	return server
}

func TestRealSquidLetsOnlyItsUsersIn(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{Users: map[string]string{"alice": "a long wonderland"}})
	web := origin(t)
	for _, row := range []struct {
		situation string
		user      *url.Userinfo
		want      int
	}{
		{"nobody", nil, 407},
		{"a wrong password", url.UserPassword("alice", "a long wonderlost"), 407},
		{"an unknown user", url.UserPassword("bob", "a long wonderland"), 407},
		{"the right password", url.UserPassword("alice", "a long wonderland"), 200},
	} {
		t.Run(row.situation, func(t *testing.T) {
			got, header := fetch(t, s, row.user, web.URL)
			if got != row.want {
				t.Fatalf("status %d, want %d (X-Squid-Error: %s)", got, row.want, header.Get("X-Squid-Error"))
			}
			if got == 407 && !strings.HasPrefix(header.Get("Proxy-Authenticate"), "Basic ") {
				t.Fatalf("Proxy-Authenticate is %q", header.Get("Proxy-Authenticate"))
			}
		})
	}
	lines := s.Lines(4)
	if len(lines) != 4 {
		t.Fatalf("4 requests made %d lines in the log:\n%q", len(lines), lines)
	}
	if !strings.Contains(lines[3], "TCP_MISS/200") || !strings.Contains(lines[3], " alice ") {
		t.Fatalf("the log does not name alice's request:\n%q", lines[3])
	}
}

func TestRealSquidAsksForADigest(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{Users: map[string]string{"alice": "wonder"}, Digest: true})
	_, header := fetch(t, s, nil, "http://127.0.0.1:1/")
	if got := header.Get("Proxy-Authenticate"); !strings.HasPrefix(got, "Digest ") {
		t.Fatalf("Proxy-Authenticate is %q, want Digest", got)
	}
}

func TestRealSquidSpeaksTLS(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{TLS: true})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(read(t, s.CAFile))) {
		t.Fatal("the certificate is none")
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "https", Host: s.Addr}),
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true,
	}}
	answer, err := client.Get(origin(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); string(body) != "hello" {
		t.Fatalf("status %d, body %q", answer.StatusCode, body)
	}
}

func TestRealSquidObeysItsExtraLines(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{Conf: "http_access deny all"})
	if got, header := fetch(t, s, nil, origin(t).URL); got != http.StatusForbidden {
		t.Fatalf("status %d, want 403 (X-Squid-Error: %s)", got, header.Get("X-Squid-Error"))
	}
}

func TestRealSquidResolvesThroughAGivenNameserver(t *testing.T) {
	u := peers.StartUnbound(t, `local-data: "web.test. A 127.0.0.1"`)
	if u.Nameserver == "" {
		peers.Missing(t, "this user may not listen on port 53")
	}
	s := peers.StartSquid(t, peers.Squid{Conf: "dns_nameservers " + u.Nameserver})
	web, err := url.Parse(origin(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	if got, header := fetch(t, s, nil, "http://web.test:"+web.Port()+"/"); got != http.StatusOK {
		t.Fatalf("status %d, want 200 (X-Squid-Error: %s)", got, header.Get("X-Squid-Error"))
	}
}

func TestRealSquidRotatesAsDebianDoes(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{})
	ask := func(n int) {
		fetch(t, s, nil, "http://127.0.0.1:1/"+strconv.Itoa(n))
		s.Lines(1)
	}
	ask(1)
	first := s.Rotate()
	if log := read(t, first); !strings.Contains(log, "/1 ") {
		t.Fatalf("the request before the rotation is not in %s: %q", first, log)
	}
	ask(2)
	second := s.Rotate()
	ask(3)
	for file, want := range map[string]string{second: "/2 ", s.AccessLog + ".2": "/1 ", s.AccessLog: "/3 "} {
		if log := read(t, file); strings.Count(log, "\n") != 1 || !strings.Contains(log, want) {
			t.Errorf("%s holds %q, want the request %s alone", file, log, want)
		}
	}
}
