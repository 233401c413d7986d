package resolvconf_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/resolvconf"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":                         {"", "[] [] 5s 2 false []"},
		"the usual":                     {"nameserver 9.9.9.9\nnameserver 2620:fe::fe\nsearch a.example b.example\n", "[9.9.9.9 2620:fe::fe] [a.example b.example] 5s 2 false []"},
		"no newline at the end":         {"nameserver 9.9.9.9", "[9.9.9.9] [] 5s 2 false []"},
		"comments":                      {"# nameserver 1.1.1.1\n; nameserver 1.0.0.1\nnameserver 9.9.9.9 # ours\n", "[9.9.9.9] [] 5s 2 false []"},
		"tabs":                          {"nameserver\t9.9.9.9\t\n", "[9.9.9.9] [] 5s 2 false []"},
		"link-local":                    {"nameserver fe80::1%eth0\n", "[fe80::1%eth0] [] 5s 2 false []"},
		"a name is no address":          {"nameserver dns.example\n", `[] [] 5s 2 false [line 1: nameserver "dns.example" is no address]`},
		"a port is no address":          {"nameserver 127.0.0.1:5353\n", `[] [] 5s 2 false [line 1: nameserver "127.0.0.1:5353" is no address]`},
		"written on Windows":            {"nameserver 9.9.9.9\r\n", `[] [] 5s 2 false [line 1: nameserver "9.9.9.9\r" is no address]`},
		"indented":                      {"\n nameserver 9.9.9.9\n", `[] [] 5s 2 false [line 2: " nameserver 9.9.9.9" is indented]`},
		"misspelt":                      {"nameservers 9.9.9.9\n", `[] [] 5s 2 false [line 1: "nameservers" is no keyword]`},
		"nameserver of nobody":          {"nameserver\n", "[] [] 5s 2 false [line 1: nameserver without an address]"},
		"the last of domain and search": {"search a b\ndomain c d\n", "[] [c] 5s 2 false []"},
		"search of nothing changes not": {"search a b\nsearch\n", "[] [a b] 5s 2 false []"},
		"options":                       {"options timeout:1 attempts:3\noptions rotate edns0\n", "[] [] 1s 3 true []"},
		"options beyond glibc's limits": {"options timeout:31 attempts:99999999999999999999\n", "[] [] 30s 5 false []"},
		"options without a number":      {"options timeout: attempts:x\n", "[] [] 0s 0 false []"},
		"negative options":              {"options timeout:-1 attempts:-1\n", "[] [] 0s 0 false []"},
		"only blanks":                   {" \t \n", "[] [] 5s 2 false []"},
		"sortlist has no effect on us":  {"sortlist 130.155.160.0/255.255.240.0\n", "[] [] 5s 2 false []"},
	} {
		f := resolvconf.Parse([]byte(c.text))
		if got := fmt.Sprint(f.Nameservers, f.Search, f.Timeout, f.Attempts, f.Rotate, f.Ignored); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestAsked(t *testing.T) {
	for text, want := range map[string]string{
		"": "[127.0.0.1]",
		"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n": "[192.0.2.1 192.0.2.2 192.0.2.3]",
	} {
		if got := fmt.Sprint(resolvconf.Parse([]byte(text)).Asked()); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// The times of the first five and of "either start" were measured with glibc
// 2.36 and getent against nameservers that were silent, refused or answered.
func TestStall(t *testing.T) {
	const answers, refuses, silent = resolvconf.Answers, resolvconf.Refuses, resolvconf.Silent
	for _, c := range []struct {
		name, options string
		health        []resolvconf.Health
		worst, mean   time.Duration
		want          string
	}{
		{"two of three silent", "", []resolvconf.Health{silent, silent, answers}, 8 * time.Second, 8 * time.Second, "every lookup waits 8s because nameservers 1 (192.0.2.1) and 2 (192.0.2.2) are silent"},
		{"shorter timeout", "timeout:3", []resolvconf.Health{silent, answers}, 3 * time.Second, 3 * time.Second, "every lookup waits 3s because nameserver 1 (192.0.2.1) is silent"},
		{"refused is at once", "", []resolvconf.Health{refuses, answers}, 0, 0, ""},
		{"all silent", "timeout:1", []resolvconf.Health{silent, silent}, 4 * time.Second, 4 * time.Second, "every lookup fails after 4s: no nameserver answers"},
		{"timeout of 0 is 1 s", "timeout:0", []resolvconf.Health{silent, answers}, time.Second, time.Second, "every lookup waits 1s because nameserver 1 (192.0.2.1) is silent"},
		{"either start", "timeout:1 rotate", []resolvconf.Health{silent, answers, silent}, 2 * time.Second, time.Second, "2 lookups in 3 wait, up to 2s, because nameservers 1 (192.0.2.1) and 3 (192.0.2.3) are silent"},
		{"all answer", "", []resolvconf.Health{answers, answers}, 0, 0, ""},
		{"the silent one is never reached", "", []resolvconf.Health{answers, silent}, 0, 0, ""},
		{"rotate reaches it", "rotate", []resolvconf.Health{answers, silent}, 5 * time.Second, 2500 * time.Millisecond, "1 lookup in 2 waits 5s because nameserver 2 (192.0.2.2) is silent"},
		{"alone and silent", "attempts:3", []resolvconf.Health{silent}, 15 * time.Second, 15 * time.Second, "every lookup fails after 15s: no nameserver answers"},
		{"the third's share", "", []resolvconf.Health{refuses, refuses, silent}, 12 * time.Second, 12 * time.Second, "every lookup fails after 12s: no nameserver answers"},
		{"alone and refusing", "", []resolvconf.Health{refuses}, 0, 0, "every lookup fails: no nameserver answers"},
		{"attempts of 0 asks nobody", "attempts:0", []resolvconf.Health{answers}, 0, 0, "every lookup fails: no nameserver answers"},
		{"nothing is known", "rotate", nil, 0, 0, ""},
	} {
		text := "options " + c.options + "\n"
		for i := range c.health {
			text += fmt.Sprintf("nameserver 192.0.2.%d\n", i+1)
		}
		s := resolvconf.Parse([]byte(text)).Stall(c.health)
		if s.Worst != c.worst || s.Mean != c.mean || s.String() != c.want {
			t.Errorf("%s: got worst %v, mean %v, %q", c.name, s.Worst, s.Mean, s)
		}
	}
}

func TestWriter(t *testing.T) {
	for text, want := range map[string]string{
		"# Generated by NetworkManager\nnameserver 9.9.9.9\n":                                                 "NetworkManager",
		"; Created by cloud-init on instance boot automatically, do not edit.\n;\nnameserver 9.9.9.9\n":       "cloud-init",
		"; generated by /usr/sbin/dhclient-script\nnameserver 9.9.9.9\n":                                      "dhclient",
		"# Dynamic resolv.conf(5) file for glibc resolver(3) generated by resolvconf(8)\n#     DO NOT EDIT\n": "resolvconf",
		"# Generated by resolvconf\n": "openresolv",
		"# This is /run/systemd/resolve/stub-resolv.conf managed by man:systemd-resolved(8).\n# Do not edit.\n": "systemd-resolved",
		"# --- BEGIN PVE ---\nnameserver 9.9.9.9\n# --- END PVE ---\n":                                          "Proxmox VE",
		"# Generated by dhcpcd from eth0.dhcp\n":                                                                "dhcpcd",
		"# Generated by Docker Engine.\n":                                                                       "Docker",
		"nameserver 9.9.9.9\nsearch cloud-init\n":                                                               "", // no comment
		"": "",
	} {
		if got := resolvconf.Parse([]byte(text)).Writer; got.Name != want || got.Name != "" && got.Keep == "" {
			t.Errorf("%q: got %+v, want %q", text, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	const file = "nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch Corp.example. b.example\noptions edns0 timeout:1\n"
	addrs := func(all ...string) (a []netip.Addr) {
		for _, s := range all {
			a = append(a, netip.MustParseAddr(s))
		}
		return a
	}
	for _, c := range []struct {
		name, file string
		expect     resolvconf.Expected
		want       string
	}{
		{"nothing expected", file, resolvconf.Expected{}, ""},
		{"as expected", file, resolvconf.Expected{Nameservers: addrs("192.0.2.1", "192.0.2.2"), Search: []string{"corp.example", "b.example"}, Options: []string{"timeout:1", "edns0"}}, ""},
		{"another order", file, resolvconf.Expected{Nameservers: addrs("192.0.2.2", "192.0.2.1")}, `nameservers of "rc" are 192.0.2.1, 192.0.2.2, expected 192.0.2.2, 192.0.2.1`},
		{"one too many", file, resolvconf.Expected{Nameservers: addrs("192.0.2.1")}, `nameservers of "rc" are 192.0.2.1, 192.0.2.2, expected 192.0.2.1`},
		{"no nameserver", "", resolvconf.Expected{Nameservers: addrs("127.0.0.1")}, `nameservers of "rc" are none (127.0.0.1 is asked instead), expected 127.0.0.1`},
		{"search in another order", file, resolvconf.Expected{Search: []string{"b.example", "corp.example"}}, `search list of "rc" is Corp.example., b.example, expected b.example, corp.example`},
		{"no search expected", file, resolvconf.Expected{Search: []string{"none"}}, `search list of "rc" is Corp.example., b.example, expected none`},
		{"no search expected nor found", "", resolvconf.Expected{Search: []string{"none"}}, ""},
		{"option missing", file, resolvconf.Expected{Options: []string{"edns0", "timeout:1", "rotate"}}, `options of "rc" are edns0, timeout:1, expected edns0, timeout:1, rotate`},
		{"no options expected", file, resolvconf.Expected{Options: []string{"none"}}, `options of "rc" are edns0, timeout:1, expected none`},
		{"a long list", strings.Repeat("nameserver 192.0.2.1\n", 10), resolvconf.Expected{Nameservers: addrs("192.0.2.1")}, `nameservers of "rc" are ` + strings.Repeat("192.0.2.1, ", 8) + `and 2 more, expected 192.0.2.1`},
	} {
		f := resolvconf.Parse([]byte(c.file))
		f.Path = "rc"
		d := f.Compare(c.expect)
		if got := d.Nameservers + d.Search + d.Options; got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := file("plain", "nameserver 192.0.2.1\n")
	large := file("large", strings.Repeat("#", 70000))
	fifo, gone, linked := filepath.Join(dir, "fifo"), filepath.Join(dir, "gone"), filepath.Join(dir, "linked")
	if err := os.MkdirAll(filepath.Join(dir, "run/systemd/resolve"), 0o755); err != nil {
		t.Fatal(err)
	}
	stub := file("run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n")
	for _, err := range []error{syscall.Mkfifo(fifo, 0o644), os.Symlink("run/systemd/resolve/stub-resolv.conf", linked)} {
		if err != nil {
			t.Fatal(err)
		}
	}

	for _, c := range []struct{ name, path, want string }{
		{"a file", plain, `[192.0.2.1] "" "" false`},
		{"not there", gone, `[] "" "" true`},
		{"a link", linked, fmt.Sprintf(`[127.0.0.53] %q "systemd-resolved" false`, stub)},
		{"too large", large, fmt.Sprintf("reading %q: larger than 65536 bytes", large)},
		{"a FIFO without a writer", fifo, fmt.Sprintf("reading %q: not a regular file", fifo)},
		{"a directory", dir, fmt.Sprintf("reading %q: not a regular file", dir)},
	} {
		f, err := resolvconf.Read(c.path)
		got := fmt.Sprintf("%v %q %q %v", f.Nameservers, f.Link, f.Writer.Name, f.Missing)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("nameserver 9.9.9.9\nnameserver fe80::1%eth0\nsearch a b\noptions timeout:1 attempts:2 rotate\n"))
	f.Add([]byte("nameserver\x00\r\n\tdomain x\n;\n#"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := resolvconf.Parse(text)
		asked := p.Asked()
		if len(asked) < 1 || len(asked) > resolvconf.MaxNameservers {
			t.Errorf("%d nameservers asked", len(asked))
		}
		if p.Timeout < 0 || p.Timeout > 30*time.Second || p.Attempts < 0 || p.Attempts > 5 {
			t.Errorf("timeout %v, attempts %d: beyond glibc's limits", p.Timeout, p.Attempts)
		}
		s := p.Stall(slices.Repeat([]resolvconf.Health{resolvconf.Silent}, len(asked)))
		if !s.Fails || s.Mean != s.Worst || s.Worst > 5*(30+20+40)*time.Second {
			t.Errorf("all silent: %+v", s)
		}
		d := p.Compare(resolvconf.Expected{Nameservers: append([]netip.Addr{}, p.Nameservers...), Search: append([]string{}, p.Search...), Options: append([]string{}, p.Options...)})
		if d != (resolvconf.Difference{}) {
			t.Errorf("a file differs from itself: %+v", d)
		}
	})
}
