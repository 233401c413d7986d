package squidauth

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestReadCanary(t *testing.T) {
	for _, c := range []struct {
		name, body, want, err string
	}{
		{"IPv4", `{"nonce":"ab","client":"192.0.2.1"}`, "192.0.2.1", ""},
		{"IPv6", `{"nonce":"ab","client":"2001:db8::1"}`, "2001:db8::1", ""},
		{"IPv4 in IPv6", `{"nonce":"ab","client":"::ffff:192.0.2.1"}`, "192.0.2.1", ""},
		{"a zone", `{"nonce":"ab","client":"fe80::1%eth0"}`, "fe80::1", ""},
		{"more members", `{"nonce":"ab","client":"192.0.2.1","time":1}`, "192.0.2.1", ""},
		{"another nonce", `{"nonce":"cd","client":"192.0.2.1"}`, "", "answered with another request's nonce: a cache answered, not the canary"},
		{"no nonce", `{"client":"192.0.2.1"}`, "", "is no milepost canary: --expect-exit needs one as the first --url"},
		{"a page", `<html>`, "", "is no milepost canary: --expect-exit needs one as the first --url"},
		{"a port", `{"nonce":"ab","client":"192.0.2.1:80"}`, "", `is a canary that saw no address, but "192.0.2.1:80"`},
		{"lines", `{"nonce":"ab","client":"\n\u001b[31m"}`, "", `is a canary that saw no address, but "??[31m"`},
		{"large", `{"nonce":"ab","client":"192.0.2.1","x":"` + strings.Repeat("x", maxCanary) + `"}`, "", "is no milepost canary: --expect-exit needs one as the first --url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := readCanary([]byte(c.body), "ab")
			if got := fmt.Sprint(err); err != nil && got != c.err || err == nil && (c.err != "" || a.String() != c.want) {
				t.Errorf("%v, %v", a, err)
			}
		})
	}
}

func FuzzReadCanary(f *testing.F) {
	f.Add([]byte(`{"nonce":"ab","client":"192.0.2.1"}`))
	f.Add([]byte(`{"nonce":"ab","client":"::ffff:192.0.2.1%x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := readCanary(body, "ab")
		if (err == nil) != a.IsValid() || a.Is4In6() || a.Zone() != "" {
			t.Errorf("%v, %v", a, err)
		}
		if err == nil && netip.MustParseAddr(a.String()) != a {
			t.Errorf("%v", a)
		}
	})
}
