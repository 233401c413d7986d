package fleet

import (
	"strings"
	"testing"
)

// TestNames: what a host may be called, and where it may be.
func TestNames(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, tt := range []struct{ name, hosts, want string }{
		{"a scheme", `[{name: a, address: "http://fra-1:3128/"}]`, `m.yml:2:28: host "a": address "http://fra-1:3128/" has a scheme: write the host alone, fra-1`},
		{"a password", `[{name: a, address: "http://u:s3cret@fra-1"}]`, `address "fra-1" has a scheme: write the host alone, fra-1`},
		{"a user", `[{name: a, address: "u:s3cret@fra-1"}]`, `address "fra-1" has a user before it`},
		{"a port", `[{name: a, address: "127.0.0.3:3128"}]`, "m.yml:2:28: host \"a\": address \"127.0.0.3:3128\" has a port or brackets: write the host alone, 127.0.0.3;"},
		{"a port of IPv6", `[{name: a, address: "[::1]:3128"}]`, "write the host alone, ::1;"},
		{"brackets", `[{name: a, address: "[::1]"}]`, "write the host alone, ::1;"},
		{"too large for IPv4", `[{name: a, address: 10.0.0.256}]`, `address "10.0.0.256" is no IPv4 address`},
		{"too few for IPv4", `[{name: a, address: 10.0.1}]`, "is no IPv4 address"},
		{"IPv6 that is none", `[{name: a, address: "::1::2"}]`, "is no IPv6 address"},
		{"a network", `[{name: a, address: 10.0.0.0/8}]`, "has a slash"},
		{"a blank", `[{name: a, address: "fra 1"}]`, `address "fra 1" has a blank`},
		{"an empty label", `[{name: a, address: fra..example}]`, "has two dots where one belongs"},
		{"a leading dot", `[{name: a, address: .example}]`, "or begins with one"},
		{"a long label", `[{name: a, address: ` + long + `a}]`, "has more than 63 characters between two dots"},
		{"a long address", `[{name: a, address: ` + strings.Repeat(long+".", 4) + `}]`, "has 255 characters: the most is 253"},
		{"a name that is no address", `[{name: "fra-1:3128"}]`, `m.yml:2:16: host "fra-1:3128": the name is its address too, which has a port`},

		{"a slash", `[{name: a/b, address: "::1"}]`, `m.yml:2:16: host "a/b": name has a slash`},
		{"a control character", `[{name: "a\nb", address: "::1"}]`, `host "a\nb": name has a control character`},
		{"a hidden name", `[{name: .a, address: "::1"}]`, "name begins with a dot"},
		{"a long name", `[{name: ` + strings.Repeat("a", 201) + `, address: "::1"}]`, "name has 201 bytes: the most is 200"},
		{"nothing but blanks", `[{name: " ", address: "::1"}]`, "host has no name"},
		{
			"one word of two names", `[{name: new york, address: "::1"}, {name: new_york}]`,
			`m.yml:2:50: host "new_york" and host "new york" are one to shell loops, which read a blank as _`,
		},

		{"blanks in a name", `[{name: new york, address: "fe80::1%eth0"}]`, ""},
		{"names of DNS", `[{name: a_b.example.net.}, {name: café, address: xn--caf-dma.example}, {name: 9front}]`, ""},
		{"as long as can be", `[{name: ` + strings.Repeat("a", 200) + `, address: ` + strings.Repeat(long+".", 3) + long[:61] + `.}]`, ""},
	} {
		_, err := Parse("m.yml", []byte(roles+"hosts: "+tt.hosts), nil)
		switch {
		case err == nil && tt.want == "":
		case err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		case strings.Count(err.Error(), "m.yml:") != 1 || strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
