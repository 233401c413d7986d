package resolver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/option"
	"milepost/lib/probe/resolver"
)

func TestOptions(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct{ option, value, want string }{
		{"query", "www.example.net", "www.example.net"},
		{"query", "WWW.Example.NET.", "www.example.net"},
		{"query", "www.example.net=192.0.2.2,2001:DB8::1,192.0.2.1,192.0.2.2", "www.example.net=192.0.2.1,192.0.2.2,2001:db8::1"},
		{"query", "www.example.net=", `--query: "www.example.net=" ends with =: give addresses, or leave the = out for any`},
		{"query", "=192.0.2.1", `--query: the name is empty`},
		{"query", "www.example.net=192.0.2.1,", `--query: "" in "www.example.net=192.0.2.1," is no address: write NAME=192.0.2.1,2001:db8::1`},
		{"query", "www.example.net=10.0.0.1/8", `--query: "10.0.0.1/8" in "www.example.net=10.0.0.1/8" is no address: write NAME=192.0.2.1,2001:db8::1`},
		{"query", "www.example.net=fe80::1%eth0", `--query: "fe80::1%eth0" in "www.example.net=fe80::1%eth0" is no address: write NAME=192.0.2.1,2001:db8::1`},
		{"query", "bücher.example", `--query: name "bücher.example" has 'ü' in it: allowed are letters, digits, - and _ (an international name begins with xn--)`},
		{"query", "www..net", `--query: name "www..net" has a part that is empty or longer than 63 letters`},
		{"query", long + ".net", `--query: name "` + long + `.net" has a part that is empty or longer than 63 letters`},
		{"query", "*.example.net", `--query: name "*.example.net" has '*' in it: allowed are letters, digits, - and _ (an international name begins with xn--)`},
		{"query", strings.Repeat("a.", 127) + "a", `--query: name "` + strings.Repeat("a.", 127) + `a" is longer than 253 letters`},
		{"random", "example.net", "*.example.net"},
		{"random", "www.*.com", "www.*.com"},
		{"random", "none", "none"},
		{"random", "a b", `--random: name "*.a b" has ' ' in it: allowed are letters, digits, - and _ (an international name begins with xn--)`},
		{"random", strings.Repeat("*.", 16) + "com", `--random: name "` + strings.Repeat("*.", 16) + `com" is longer than 253 letters`},
		{"random", "****.com", `--random: name "****.com" has a part that is empty or longer than 63 letters`},
		{"random-zone", "Example.NET", "example.net"},
		{"fresh-zone", "fresh.example.net=192.0.2.1", "fresh.example.net=192.0.2.1"},
		{"tcp", "must", "must"},
		{"dnssec", "SHOULD", "should"},
		{"dnssec", "yes", `--dnssec: "yes" is none of must, should, no`},
		{"authority", "192.0.2.1", "192.0.2.1:53"},
		{"authority", "[2001:db8::1]", "[2001:db8::1]:53"},
		{"compare", "[2001:db8::1]:5353", "[2001:db8::1]:5353"},
		{"compare", "dns.example.net", `--compare: "dns.example.net" is no address: write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353`},
		{"compare", "192.0.2.1:0", `--compare: "192.0.2.1:0" is no address: write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353`},
		{"expect-nameserver", "192.0.2.1", "192.0.2.1"},
	} {
		cfg := resolver.Default()
		o := option.New(&cfg)
		got := ""
		if err := o.Put("--"+c.option, "the test", c.value); err != nil {
			got = err.Error()
		} else {
			for opt := range o.All() {
				if opt.Name == c.option {
					got = opt.Value
				}
			}
		}
		if got != c.want {
			t.Errorf("--%s %q: got %s, want %s", c.option, c.value, got, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for args, want := range map[string]string{
		"":                                  "",
		"--query www.example.net":           "",
		"--port 0":                          "--port: 0 is not between 1 and 65535",
		"--random none":                     "--query: there is nothing to ask: give a known name, or leave out --random none",
		"--random none --query example.net": "",
		"--random none --random x.example":  "--random: none, and another one",
		"--random none --random-zone example.net": "--random-zone: --random none asks for no random name",
		"--authority 192.0.2.1":                   "--authority, --compare: give a known name with --query",
		"--compare 192.0.2.1":                     "--authority, --compare: give a known name with --query",
		"--ttl":                                   "--ttl: give a known name with --query",
	} {
		got := ""
		if err := configure(t, strings.Fields(args)...).Validate(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", args, got, want)
		}
	}
}

// A limit without a sample is UNKNOWN, so a test that is switched off has none.
func TestLimits(t *testing.T) {
	const always = "no_answer! not_recursive! "
	for args, want := range map[string]string{
		"":                              always + "wrong_answer! hijack! outage! no_tcp? time",
		"--tcp must":                    always + "wrong_answer! hijack! outage! no_tcp! time",
		"--tcp no --random none":        always + "wrong_answer! outage! time",
		"--dnssec should --tcp no":      always + "wrong_answer! hijack! outage! no_dnssec? time",
		"--resolv-conf":                 always + "wrong_answer! hijack! outage! no_tcp? lookups_fail! stall? time",
		"--expect-nameserver 192.0.2.1": always + "wrong_answer! hijack! outage! no_tcp? lookups_fail! stall? nameservers! time",
		"--expect-search none --expect-option rotate -w 1 -c2": always + "wrong_answer! hijack! outage! no_tcp? lookups_fail! stall? search? options? time?!",

		"--dnssec must --ttl --authority 192.0.2.1 --query example.net": always + "wrong_answer! hijack! outage! no_tcp? no_dnssec! disagrees? ttl_stuck? time",
	} {
		var got []string
		for _, l := range configure(t, strings.Fields(args)...).Limits() {
			for name := range join(l) {
				s := name
				if r := l.Warning[name]; !r.IsZero() {
					s += "?"
				}
				if r := l.Critical[name]; !r.IsZero() {
					s += "!"
				}
				got = append(got, s)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %s, want %s", args, strings.Join(got, " "), want)
		}
	}
}

// join is the names that a limit holds.
func join(l metric.Limit) map[string]bool {
	names := map[string]bool{}
	for _, all := range []metric.All{l.Warning, l.Critical} {
		for name := range all {
			names[name] = true
		}
	}
	return names
}

func TestNeeds(t *testing.T) {
	for text, want := range map[string]string{
		"nameserver 192.0.2.1\nnameserver 192.0.2.2\n": `true "192.0.2.1, 192.0.2.2" ""`,
		"": `false "none: 127.0.0.1 is asked" "echo nameserver 127.0.0.1 >> RESOLV.CONF"`,
	} {
		cfg := configure(t)
		cfg.Local.ResolvConfFile = resolvConf(t, text)
		needs := cfg.Needs(t.Context(), metric.Target{})
		if len(needs) != 1 {
			t.Fatalf("%d needs", len(needs))
		}
		n := needs[0]
		got := strings.ReplaceAll(fmt.Sprintf("%v %q %q", n.OK, n.Have, n.Mend), cfg.Local.ResolvConfFile, "RESOLV.CONF")
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// Where a resolver is named, resolv.conf is needed only if it is asked about.
func TestNeedsOfANamedResolver(t *testing.T) {
	named := metric.Target{Name: "a", Address: "192.0.2.1"}
	for args, want := range map[string]int{"": 0, "--resolv-conf": 1} {
		if n := configure(t, strings.Fields(args)...).Needs(t.Context(), named); len(n) != want {
			t.Errorf("%q: %v", args, n)
		}
	}
}

// What a configuration is made of shows when it is bound, so that a reload sees a change.
func TestConfigurationsAreToldApart(t *testing.T) {
	kind := check.Define("resolver", resolver.Default, resolver.Measure)
	var others []check.Check
	for _, args := range []string{"", "--query a.example", "--query a.example=192.0.2.1", "--random x.example", "--compare 192.0.2.1", "--expect-search a"} {
		c, err := kind.Bind(configure(t, append(strings.Fields(args), "--query", "b.example")...), metric.Target{})
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(others, c.Same) {
			t.Errorf("%q is bound as another one: %+v", args, c.Config)
		}
		others = append(others, c)
	}
}

// FuzzQuery: what is accepted is printed as it is read.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"www.example.net", "a.example=192.0.2.1,2001:db8::1", "A.B.=::ffff:1.2.3.4", "=", "a=", "*.a", "xn--bcher-kva.example=0.0.0.0", strings.Repeat("a.", 127)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var q, again resolver.Query
		if q.UnmarshalText([]byte(text)) != nil {
			if q.Name != "" || q.Addrs != nil {
				t.Errorf("%q is refused and leaves %v", text, q)
			}
			return
		}
		if err := again.UnmarshalText([]byte(q.String())); err != nil || again.String() != q.String() {
			t.Errorf("%q is read as %v and then as %v: %v", text, q, again, err)
		}
		if len(q.Name) > 253 {
			t.Errorf("%d letters", len(q.Name))
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"www.*.com", "invalid", "none", "*", "*.*.*", strings.Repeat("*.", 15) + "a", strings.Repeat("*", 4)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p, again resolver.Pattern
		if p.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(p)); err != nil || again != p {
			t.Errorf("%q is read as %q and then as %q: %v", text, p, again, err)
		}
	})
}
