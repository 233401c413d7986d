package peers

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Squid says what kind of squid a test needs. The zero Squid is an open proxy
// for this machine.
type Squid struct {
	Users  map[string]string // password by name; only they may use the proxy. nil = anybody on this machine
	Digest bool              // Digest authentication and not Basic
	TLS    bool              // the clients speak TLS to the proxy
	Conf   string            // squid.conf lines that come before squid's own http_access rules
}

// A RunningSquid is a squid. Its access log is in squid's native format and has
// a line for every request but those that asked whether it is up.
type RunningSquid struct {
	*Running
	AccessLog string // path
	CAFile    string // certificate that a client of TLS trusts; it names 127.0.0.1, localhost and proxy.test
}

// readyAgent is the User-Agent of the question whether squid is up. The access
// log leaves it out: a test that counts lines has made each of them itself.
const readyAgent = "milepost-peers"

// StartSquid starts a squid. It runs as the user proxy if the test runs as
// root, because squid refuses to serve as root.
func StartSquid(tb testing.TB, c Squid) *RunningSquid {
	tb.Helper()
	program := Program(tb, "squid")
	dir := Dir(tb)
	r := newRunning(tb, dir, Port(tb))
	s := &RunningSquid{Running: r, AccessLog: filepath.Join(dir, "access.log")}
	r.leaveRoot("proxy")
	scheme, listen := "http", "http_port "+r.Addr
	if c.TLS {
		pair := certify(tb, dir)
		s.CAFile = pair.certificate
		scheme, listen = "https", fmt.Sprintf("https_port %s tls-cert=%s tls-key=%s", r.Addr, pair.certificate, pair.key)
	}
	conf := write(tb, dir, "squid.conf", s.conf(tb, c, listen), 0o644)
	// -N: one process in the foreground. -d 1: its messages on stderr too. -n: squids of
	// one name share memory by that name, and one's start ends the other's.
	name := fmt.Sprintf("milepost%d", r.Port)
	tb.Cleanup(func() { forget(tb, name) })
	r.args = []string{program, "-N", "-n", name, "-d", "1", "-f", conf}
	r.ready = func() error { return answers(tb.Context(), &url.URL{Scheme: scheme, Host: r.Addr}) }
	r.hasty = true
	r.launch()
	return s
}

// forget removes the shared memory of a squid that was killed.
func forget(tb testing.TB, name string) {
	left, err := filepath.Glob("/dev/shm/" + name + "-*")
	if err != nil {
		tb.Error(err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			tb.Errorf("removing a squid's shared memory: %v", err)
		}
	}
}

// conf is the whole squid.conf.
func (s *RunningSquid) conf(tb testing.TB, c Squid, listen string) string {
	lines := []string{
		listen,
		"acl peers_ready req_header User-Agent ^" + readyAgent + "$",
		"http_access deny peers_ready",
		"access_log stdio:" + s.AccessLog + " squid !peers_ready",
		"cache_log " + filepath.Join(s.Dir, "cache.log"),
		"logfile_rotate 0", // rotation renames, as Debian's logrotate fragment does
		"buffered_logs off",
		"pid_filename none",
		"coredump_dir none",
		"netdb_filename none",
		"cache_mem 8 MB",
		"max_filedescriptors 1024", // squid sizes tables by it at start
		"pinger_enable off",
		"visible_hostname proxy.test",
		"shutdown_lifetime 0 seconds",
	}
	allow := "http_access allow localhost"
	if c.Users != nil {
		lines = append(lines, s.authentication(tb, c)...)
		allow = "http_access allow peers_users"
	}
	lines = append(lines, c.Conf, allow, "http_access deny all", "")
	return strings.Join(lines, "\n")
}

// authentication is the lines that let nobody but c.Users in, whom it writes into a file.
func (s *RunningSquid) authentication(tb testing.TB, c Squid) []string {
	tb.Helper()
	scheme, helper := "basic", "basic_ncsa_auth"
	if c.Digest {
		scheme, helper = "digest", "digest_file_auth"
	}
	var file strings.Builder
	for name, password := range c.Users {
		if !c.Digest {
			// The helper's only hash that the standard library has; it also spares
			// the tests crypt(3)'s cut at eight characters.
			password = fmt.Sprintf("%x", md5.Sum([]byte(password)))
		}
		fmt.Fprintf(&file, "%s:%s\n", name, password)
	}
	users := write(tb, s.Dir, "users", file.String(), 0o644)
	param := "auth_param " + scheme
	return []string{
		param + " program " + filepath.Join("/usr/lib/squid", helper) + " " + users,
		param + " children 4 startup=1 idle=1",
		param + " realm peers",
		"acl peers_users proxy_auth REQUIRED",
	}
}

// answers makes a request that the proxy refuses by itself; any answer will do.
func answers(ctx context.Context, proxy *url.URL) error {
	client := &http.Client{Timeout: tryPatience, Transport: &http.Transport{
		Proxy:             http.ProxyURL(proxy),
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // asked is whether it is up, not who it is
		DisableKeepAlives: true,
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", readyAgent)
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Rotate does what logrotate does every night on Debian: it renames
// access.log.1 to access.log.2 and so on, access.log to access.log.1, and tells
// squid, which then opens a new access.log. It gives the path of the old log.
func (s *RunningSquid) Rotate() string {
	s.tb.Helper()
	if err := shift(s.AccessLog, 1); err != nil {
		s.tb.Fatalf("rotating squid's log: %v", err)
	}
	s.Signal(syscall.SIGUSR1)
	s.until("a new access log", func() bool {
		_, err := os.Stat(s.AccessLog)
		return err == nil
	})
	return s.AccessLog + ".1"
}

// Lines waits until the access log has n lines or more and gives them. Squid
// writes a request's line after its client has the whole answer.
func (s *RunningSquid) Lines(n int) []string {
	s.tb.Helper()
	var lines []string
	s.until(fmt.Sprintf("line %d of the access log", n), func() bool {
		text, err := os.ReadFile(s.AccessLog)
		lines = strings.SplitAfter(string(text), "\n")
		lines = lines[:len(lines)-1] // what has no end yet is no line
		return err == nil && len(lines) >= n
	})
	return lines
}

// shift renames log's generation before n to generation n, the older ones first.
func shift(log string, n int) error {
	to := log + "." + strconv.Itoa(n)
	if _, err := os.Lstat(to); err == nil {
		if err := shift(log, n+1); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	from := log
	if n > 1 {
		from += "." + strconv.Itoa(n-1)
	}
	return os.Rename(from, to)
}
