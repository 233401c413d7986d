package resolver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A Query is a known name and the addresses it must have: NAME or
// NAME=ADDR,ADDR. The zero Query is none.
type Query struct {
	Name  Name
	Addrs []netip.Addr // sorted; empty: any, but at least one

	invented bool // Name was just made up
}

// UnmarshalText reads NAME[=ADDR,...].
func (q *Query) UnmarshalText(text []byte) error {
	name, list, given := strings.Cut(string(text), "=")
	var p Query
	if err := p.Name.UnmarshalText([]byte(name)); err != nil {
		return err
	}
	if given && list == "" {
		return fmt.Errorf("%q ends with =: give addresses, or leave the = out for any", text)
	}
	for a := range strings.SplitSeq(list, ",") {
		if !given {
			break
		}
		addr, err := netip.ParseAddr(a)
		if err != nil || addr.Zone() != "" {
			return fmt.Errorf("%q in %q is no address: write NAME=192.0.2.1,2001:db8::1", a, text)
		}
		p.Addrs = append(p.Addrs, addr)
	}
	p.Addrs = sorted(p.Addrs)
	*q = p
	return nil
}

// MarshalText is String.
func (q Query) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// String is the text that UnmarshalText reads as q.
func (q Query) String() string {
	if len(q.Addrs) == 0 {
		return q.Name.String()
	}
	return q.Name.String() + "=" + strings.ReplaceAll(list(q.Addrs, len(q.Addrs)), ", ", ",")
}

// types are the types to ask for: those of the expected addresses, or both.
func (q Query) types() []uint16 {
	if len(q.Addrs) == 0 {
		return []uint16{dns.TypeA, dns.TypeAAAA}
	}
	var types []uint16
	for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if len(q.expected(t)) > 0 {
			types = append(types, t)
		}
	}
	return types
}

// expected are the addresses that an answer of type t must have.
func (q Query) expected(t uint16) []netip.Addr {
	var addrs []netip.Addr
	for _, a := range q.Addrs {
		if a.Is4() == (t == dns.TypeA) {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// A Name is a domain name in lower case, without the last dot. The zero Name is none.
type Name string

// UnmarshalText refuses what cannot be a name on the wire or in a zone.
func (n *Name) UnmarshalText(text []byte) error {
	s := strings.ToLower(strings.TrimSuffix(string(text), "."))
	if err := check(s, s); err != nil {
		return err
	}
	*n = Name(s)
	return nil
}

// String is the name.
func (n Name) String() string { return string(n) }

// zone is where a random name beside n belongs: the domain of a host name, a
// name of two labels itself. A single label has none: nobody promises that
// nothing.localhost does not exist.
func (n Name) zone() (Name, bool) {
	_, parent, _ := strings.Cut(string(n), ".")
	switch {
	case parent == "":
		return "", false
	case strings.Contains(parent, "."):
		return Name(parent), true
	default:
		return n, true
	}
}

// A Pattern is a name in which * stands for random letters, or that gets them in
// front: nobody has registered it, so it does not exist. The Pattern "none" is none.
type Pattern string

const none Pattern = "none"

// UnmarshalText refuses what cannot be a name on the wire or in a zone.
func (p *Pattern) UnmarshalText(text []byte) error {
	s := strings.ToLower(strings.TrimSuffix(string(text), "."))
	if Pattern(s) != none && !strings.Contains(s, "*") {
		s = "*." + s
	}
	if err := check(s, string(Pattern(s).random())); err != nil {
		return err
	}
	*p = Pattern(s)
	return nil
}

// String is the pattern, with its *.
func (p Pattern) String() string { return string(p) }

// random is a name made of p, another one each time.
func (p Pattern) random() Name {
	return Name(strings.ReplaceAll(string(p), "*", nonce()))
}

// nonce is 16 random letters: 75 bits, and fit for every name.
func nonce() string {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte('a' + rand.IntN(26))
	}
	return string(b)
}

// check refuses what is no domain name, RFC 1035 section 2.3.4, or has letters
// that no name in a zone of addresses has. written is what the user wrote for name.
func check(written, name string) error {
	switch {
	case written == "":
		return errors.New("the name is empty")
	case len(name) > 253:
		return fmt.Errorf("name %q is longer than 253 letters", written)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("name %q has a part that is empty or longer than 63 letters", written)
		}
		for _, c := range label {
			if !plain(c) {
				return fmt.Errorf("name %q has %q in it: allowed are letters, digits, - and _ (an international name begins with xn--)", written, c)
			}
		}
	}
	return nil
}

func plain(c rune) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// sorted is a set of addresses in order, each once.
func sorted(addrs []netip.Addr) []netip.Addr {
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}

// list spells the first addresses of a set: "192.0.2.1, 192.0.2.2 and 3 more".
func list(addrs []netip.Addr, most int) string {
	var words []string
	for _, a := range addrs[:min(len(addrs), most)] {
		words = append(words, a.String())
	}
	s := strings.Join(words, ", ")
	if more := len(addrs) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
