package squidauth_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/peers"
	"milepost/lib/probe/squidauth"
	"milepost/lib/secret"
)

// reach asks a helper to connect to a suspect, as its user.
func reach(t *testing.T, helper, suspect netip.AddrPort, user, password string) string {
	t.Helper()
	c := squidauth.Default()
	c.Proxy.Port = int(helper.Port())
	c.Login.User, c.Login.Password = user, secret.New(password)
	target := metric.Target{Name: "helper", Address: helper.Addr().String(), Addrs: []netip.Addr{helper.Addr()}, Patience: 5 * time.Second}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	r := c.Reach(ctx, target, squidauth.Suspect{At: suspect})
	word := "no opinion"
	switch {
	case r.Yes:
		word = "reached"
	case r.Voted:
		word = "not reached"
	}
	return strings.ReplaceAll(word+": "+r.Said, helper.String(), "HELPER")
}

// The ACL line that is shipped, in real squids: the suspect's port is put into its
// place.
func TestRealSecondOpinion(t *testing.T) {
	shipped, err := os.ReadFile(filepath.Join("..", "..", "..", "contrib", "squid", "second-opinion.conf"))
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]string{"monitor": "wonder", "alice": "land"}
	suspect := peers.StartSquid(t, peers.Squid{Users: users})
	gone := peers.Port(t)
	conf := func(port int) string {
		lines := strings.Replace(string(shipped), "port 3128", fmt.Sprintf("port %d %d", port, gone), 1)
		return lines + "acl peers_ssl port 443\nacl peers_connect method CONNECT\nhttp_access deny peers_connect !peers_ssl"
	}
	helper := peers.StartSquid(t, peers.Squid{Users: users, Conf: conf(suspect.Port)})
	usual := peers.StartSquid(t, peers.Squid{Users: users, Conf: conf(1)})
	at := netip.MustParseAddrPort
	nobody := at("127.0.0.1:" + strconv.Itoa(gone))
	for _, row := range []struct {
		situation        string
		helper           *peers.RunningSquid
		suspect          netip.AddrPort
		user, pass, want string
	}{
		{"the suspect lives", helper, at(suspect.Addr), "monitor", "wonder", "reached: the suspect answers 407 ERR_CACHE_ACCESS_DENIED"},
		{"the suspect is dead", helper, nobody, "monitor", "wonder", "not reached: 503 ERR_CONNECT_FAIL"},
		{"a helper whose rules forbid it", usual, at(suspect.Addr), "monitor", "wonder", "no opinion: 403 ERR_ACCESS_DENIED"},
		{"nobody else is let through", helper, at(suspect.Addr), "alice", "land", "no opinion: 403 ERR_ACCESS_DENIED"},
		{"the password changed", helper, at(suspect.Addr), "monitor", "other", "no opinion: 407 ERR_CACHE_ACCESS_DENIED"},
	} {
		if got := reach(t, at(row.helper.Addr), row.suspect, row.user, row.pass); got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
	suspect.Signal(syscall.SIGSTOP) // its port is open, and nobody at home
	if got := reach(t, at(helper.Addr), at(suspect.Addr), "monitor", "wonder"); !strings.HasPrefix(got, "not reached: connected to the suspect: no answer within") {
		t.Errorf("the suspect hangs: %s", got)
	}
	suspect.Signal(syscall.SIGCONT)
	suspect.Stop()
	if got := reach(t, at(helper.Addr), at(suspect.Addr), "monitor", "wonder"); got != "not reached: 503 ERR_CONNECT_FAIL" {
		t.Errorf("the suspect died: %s", got)
	}
	helper.Stop()
	if got := reach(t, at(helper.Addr), at(suspect.Addr), "monitor", "wonder"); got != `no opinion: connecting to proxy "HELPER": connection refused` {
		t.Errorf("the helper died: %s", got)
	}
}

// answerOddly reads a request and gives the answer, "-" being to hang up.
func answerOddly(conn net.Conn, answer string) {
	defer conn.Close()
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil || answer == "-" {
		return
	}
	_, _ = io.WriteString(conn, answer)
	_, _ = io.Copy(io.Discard, conn)
}

// What a real squid does not do at once: wait for a suspect that is silent, cannot
// resolve, or talk nonsense.
func TestSecondOpinionOfOddHelpers(t *testing.T) {
	for _, row := range []struct{ situation, answer, want string }{
		{"it says nothing while it waits for the suspect", "", "not reached: no answer within"},
		{"the suspect was silent for too long", "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n", "not reached: 504"},
		{"its resolver fails", "HTTP/1.1 503 x\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\nContent-Length: 0\r\n\r\n", "no opinion: 503 ERR_DNS_FAIL"},
		{"it is no proxy", "SSH-2.0-OpenSSH_9.2\r\n", "no opinion: "},
		{"it hangs up", "-", "no opinion: connection closed without an answer"},
		{"a page that is no tunnel", "HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "no opinion: 302"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var serving crew.Crew
			serving.Go(func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					serving.Go(func() { answerOddly(conn, row.answer) })
				}
			})
			t.Cleanup(func() { _ = l.Close(); serving.Wait() })
			c := squidauth.Default()
			at := l.Addr().(*net.TCPAddr).AddrPort()
			c.Proxy.Port = int(at.Port())
			c.Login.NoCredentials = squidauth.Allowed
			limited, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			r := c.Reach(limited, metric.Target{Address: "127.0.0.1", Addrs: []netip.Addr{at.Addr()}}, squidauth.Suspect{At: netip.MustParseAddrPort("127.0.0.1:1")})
			word := map[[2]bool]string{{true, true}: "reached", {false, true}: "not reached", {false, false}: "no opinion"}[[2]bool{r.Yes, r.Voted}]
			if got := word + ": " + r.Said; !strings.HasPrefix(got, row.want) {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}
