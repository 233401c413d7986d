package squidauth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"milepost/lib/metric"
	"milepost/lib/option"
	"milepost/lib/probe/squidauth"
	"milepost/lib/secret"
)

func TestOptions(t *testing.T) {
	const url, password = "--url=http://x.test/", "(a password)"
	for _, c := range []struct {
		name string
		args []string
		want string // the error; "" = none
	}{
		{"enough", []string{url, "--user=a", password}, ""},
		{"nobody logs in", []string{url, "--no-credentials=allowed"}, ""},
		{"as the inventory spells it", []string{"--urls=http://x.test/", "--no-credentials=allowed"}, ""},
		{"no URL", []string{"--user=a", password}, "option --url: missing: name something for the proxy to fetch, best an origin of your own"},
		{"no user", []string{url}, "option --user: missing: name the user that logs in, or say --no-credentials allowed"},
		{"no password", []string{url, "--user=a"}, `option --password-file: missing: put the password of "a" into a file that others cannot read, or into the environment as MILEPOST_PASSWORD`},
		{"a colon", []string{url, "--user=a:b", password}, "option --user: neither a colon nor a control character can be part of a user's name (RFC 7617)"},
		{"a line's end", []string{url, "--user=a\r\nX: y", password}, "option --user: neither a colon nor a control character can be part of a user's name (RFC 7617)"},
		{"port 0", []string{url, "--user=a", password, "--port=0"}, "--port: 0 is not between 1 and 65535"},
		{"certificates without TLS", []string{url, "--user=a", password, "--ca-file=/x"}, "options --ca-file and --server-name are for TLS with the proxy: add --tls, or use --origin-ca-file for https URLs"},
		{"a name for an address", []string{url, "--user=a", password, "--url-by-address=http://x.test/"}, `option --url-by-address: "x.test" is a name: write the origin's IP address`},

		{"no word", []string{"--no-credentials=maybe"}, `--no-credentials: "maybe" is none of refused, allowed, skip`},
		{"no wrong word", []string{"--wrong=both"}, `--wrong: "both" is none of same-user, random-user, never`},
		{"no status", []string{"--expect-status=2xx"}, `--expect-status: "2xx" is no status code from 100 to 599 and no range of them: write 200-299,401`},
		{"a range backwards", []string{"--expect-status=200,299-200"}, `--expect-status: "299-200" is no status code from 100 to 599 and no range of them: write 200-299,401`},
		{"a password in a URL", []string{"--url=http://u:secret@x.test/"}, "--url: a URL must not carry a user or a password: use --user and --password-file"},
		{"a password in no URL", []string{"--url=http://u:sec/ret@x.test:x/"}, "--url: a URL must not carry a user or a password: use --user and --password-file"},
		{"no host", []string{"--url=http:///x"}, `--url: "http:///x" is no URL to fetch: write http://host/path or https://host/path`},
		{"another protocol", []string{"--url=ftp://x.test/"}, `--url: "ftp://x.test/" is no URL to fetch: write http://host/path or https://host/path`},
		{"a bare name", []string{"--url=x.test"}, `--url: "x.test" is no URL to fetch: write http://host/path or https://host/path`},
		{"a fragment", []string{"--url=http://x.test/#top"}, `--url: "http://x.test/#top" has a fragment, which no server ever sees: leave out what is after #`},
		{"a blank in the query", []string{"--url=http://x.test/?a b"}, `--url: "http://x.test/?a b" has a blank or a letter beyond ASCII in its query: write it as %20 and the like`},
		{"a line's end in a URL", []string{"--url=http://x.test/\r\nX: y"}, `--url: "http://x.test/\r\nX: y" is no URL: net/url: invalid control character in URL`},
		{"a host beyond ASCII", []string{"--url=http://münchen.test/"}, `--url: "http://münchen.test/" has a host that is not ASCII: write xn-- and so on`},
		{"a large port", []string{"--url=http://x.test:70000/"}, `--url: "http://x.test:70000/" has port 70000, which is not between 1 and 65535`},
		{"no address", []string{"--expect-exit=x.test"}, `--expect-exit: "x.test" is no IP address`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := squidauth.Default()
			args := slices.DeleteFunc(slices.Clone(c.args), func(a string) bool { return a == password })
			if len(args) < len(c.args) { // it comes by the environment
				cfg.Login.Password = secret.New("b")
			}
			_, err := option.New(&cfg).Parse(args)
			if err == nil {
				err = cfg.Validate()
			}
			if got := strings.TrimPrefix(fmt.Sprint(err), "<nil>"); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// A test that is switched off has no limit, for it has no sample; one that is
// switched on always has one.
func TestLimits(t *testing.T) {
	all := "unreachable open_proxy no_challenge wrong_accepted helper_silent right_refused no_fetch time"
	for _, c := range []struct {
		args, want string
	}{
		{"", all},
		{"--expect-exit=192.0.2.1", strings.Replace(all, "time", "wrong_exit time", 1)},
		{"--no-credentials=skip", "unreachable wrong_accepted helper_silent right_refused no_fetch time"},
		{"--no-credentials=allowed", "unreachable right_refused no_fetch time"},
		{"--wrong=never", "unreachable open_proxy no_challenge right_refused no_fetch time"},
		{"(nobody) --no-credentials=allowed", "unreachable no_fetch time"},
	} {
		var names []string
		for _, l := range config(t, strings.Fields(c.args)...).Limits() {
			for name := range l.Critical {
				names = append(names, name)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.args, got, c.want)
		}
	}
}

func TestNeeds(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte("wonder\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := squidauth.Default()
	if n := cfg.Needs(t.Context(), metric.Target{}); len(n) > 0 {
		t.Errorf("no file is named, and %v is needed", n)
	}
	cfg.Login.PasswordFile, cfg.Proxy.CAFile = secret.File(open), open
	var got []string
	for _, n := range cfg.Needs(t.Context(), metric.Target{}) {
		got = append(got, fmt.Sprintf("%v: %s: %s", n.OK, n.Have, n.Mend))
	}
	want := []string{
		fmt.Sprintf("false: reading secret %q: others may open it (mode 0644): run chmod o-rwx %[1]q: install -m 0640 -o root -g $(id -gn) /dev/stdin %[1]q", open),
		fmt.Sprintf("false: reading certificates %q: no certificate in PEM in it: install -m 0644 CERTIFICATES %[1]q", open),
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func FuzzURL(f *testing.F) {
	f.Add("http://x.test:80/a%20b?c=d")
	f.Add("https://[2001:db8::1%25eth0]:8443")
	f.Add("http://u:p@x/#f")
	f.Fuzz(func(t *testing.T, text string) {
		var u, again squidauth.URL
		if u.UnmarshalText([]byte(text)) != nil {
			return
		}
		at := strings.Contains(text, "@") || strings.Contains(text, "%40") // in a path it is nobody's name
		if strings.ContainsAny(u.String(), "\r\n\t #") || strings.Contains(u.String(), "@") && !at {
			t.Errorf("%q became %q", text, u)
		}
		if err := again.UnmarshalText([]byte(u.String())); err != nil || again.String() != u.String() {
			t.Errorf("%q became %q, then %q (%v)", text, u, again, err)
		}
	})
}

func FuzzStatuses(f *testing.F) {
	f.Add("200-299,401")
	f.Add("0x200, 1-")
	f.Fuzz(func(t *testing.T, text string) {
		var s, again squidauth.Statuses
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || !slices.Equal(s, again) {
			t.Errorf("%q became %v, then %v (%v)", text, s, again, err)
		}
	})
}
