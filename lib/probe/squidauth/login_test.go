package squidauth

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"milepost/lib/secret"
)

// The examples of RFC 7616 section 3.9.1.
func TestDigestOfTheRFC(t *testing.T) {
	const offer = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	const want = `Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
		`uri="/dir/index.html", algorithm=%s, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", response="%s", ` +
		`qop=auth, nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"`
	for algorithm, response := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		offers := challenges(http.Header{"Proxy-Authenticate": {fmt.Sprintf(offer, algorithm)}})
		d := newDigest(offers[0])
		d.cnonce = func() string { return "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" }
		got := d.authorize(login{"Mufasa", secret.New("Circle of Life")}, "GET", "/dir/index.html")
		if want := fmt.Sprintf(want, algorithm, response); got != want {
			t.Errorf("%s:\n got %s\nwant %s", algorithm, got, want)
		}
	}
}

func TestDigestCountsAndQuotes(t *testing.T) {
	d := newDigest(challenge{scheme: "digest", params: map[string]string{"nonce": `n"\`, "qop": "auth"}})
	l := login{`a"b\c`, secret.New("x")}
	d.authorize(l, "GET", "/")
	got := d.authorize(l, "GET", "/")
	for _, want := range []string{`username="a\"b\\c"`, `nonce="n\"\\"`, "nc=00000002"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if strings.Contains(got, "algorithm") || strings.Contains(got, "opaque") {
		t.Errorf("what was not offered is in %s", got)
	}
}

// The example of RFC 7617 section 2.
func TestBasicOfTheRFC(t *testing.T) {
	if got := (login{"Aladdin", secret.New("open sesame")}).basic(); got != "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" {
		t.Error(got)
	}
}

func TestChallenges(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  string // scheme{name=value ...} ...
	}{
		{"none", nil, ""},
		{"squid's Basic", []string{`Basic realm="Squid proxy-caching web server"`}, "basic{realm=Squid proxy-caching web server}"},
		{"squid's Digest", []string{`Digest realm="r", nonce="ab12", qop="auth", stale=false`}, "digest{nonce=ab12 qop=auth realm=r stale=false}"},
		{"two lines", []string{`Digest realm="r"`, `Basic realm="r"`}, "digest{realm=r} basic{realm=r}"},
		{"two on one line", []string{`Digest realm="r", nonce="n" , Basic realm="s"`}, "digest{nonce=n realm=r} basic{realm=s}"},
		{"schemes alone", []string{"Negotiate, NTLM"}, "negotiate{} ntlm{}"},
		{"schemes alone, then one with parameters", []string{`NTLM, Basic realm="r"`}, "ntlm{} basic{realm=r}"},
		{"token68", []string{"Negotiate YII/+w==, Basic realm=r"}, "negotiate{} basic{realm=r}"},
		{"token68 without padding", []string{"NTLM TlRMTVNT, Basic realm=r"}, "ntlm{} basic{realm=r}"},
		{"token68 at the end", []string{"NTLM TlRMTVNT="}, "ntlm{}"},
		{"a comma in a string", []string{`Basic realm="a, Digest nonce=x"`}, "basic{realm=a, Digest nonce=x}"},
		{"quotes in a string", []string{`Basic realm="say \"hi\" \\"`}, `basic{realm=say "hi" \}`},
		{"blanks around =", []string{`Basic realm = "r" , charset = UTF-8`}, "basic{charset=UTF-8 realm=r}"},
		{"empty members", []string{`,, Basic realm=r ,, x=y ,`}, "basic{realm=r x=y}"},
		{"no comma between schemes", []string{`NTLM Basic realm=r`}, "ntlm{} basic{realm=r}"},
		{"a string without end", []string{`Basic realm="r`}, "basic{}"},
		{"no scheme", []string{`"x"`}, ""},
		{"nothing after =", []string{"Basic realm="}, "basic{}"},
		{"upper case", []string{`BASIC REALM="R"`}, "basic{realm=R}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, o := range challenges(http.Header{"Proxy-Authenticate": c.lines}) {
				got = append(got, o.scheme+strings.TrimPrefix(fmt.Sprint(o.params), "map"))
			}
			spelled := strings.NewReplacer("[", "{", "]", "}", ":", "=").Replace(strings.Join(got, " "))
			if spelled != c.want {
				t.Errorf("\n got %s\nwant %s", spelled, c.want)
			}
		})
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n" , Basic realm="s"`)
	f.Add("Negotiate YII/+w==, NTLM, Basic realm=\"a\\\"b")
	f.Add(`,,=x "y" Basic`)
	f.Fuzz(func(t *testing.T, line string) {
		all := challenges(http.Header{"Proxy-Authenticate": {line}})
		if len(all) > maxChallenges {
			t.Errorf("%d challenges", len(all))
		}
		var a authenticator
		for _, c := range all {
			if c.scheme == "" || c.scheme != strings.ToLower(c.scheme) {
				t.Errorf("scheme %q", c.scheme)
			}
		}
		if _, err := a.learn(all); err != nil {
			return
		}
		got := a.authorize(login{"alice", secret.New("wonder")}, "GET", "/")
		if strings.ContainsAny(got, "\r\n") && !strings.ContainsAny(line, "\r\n") {
			t.Errorf("credentials of two lines: %q", got)
		}
	})
}
