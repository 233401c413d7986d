package squidauth

import (
	"net/http"
	"strings"
)

// A challenge is one way to authenticate that a 407 offers (RFC 9110 section 11.6.1).
type challenge struct {
	scheme string            // lower case: "basic"
	params map[string]string // names in lower case, values without their quotes; nil = none
}

// maxChallenges is more than any proxy offers.
const maxChallenges = 16

// challenges are the ways that the header of a 407 offers, in its order. What
// cannot be read is left out.
func challenges(h http.Header) []challenge {
	var all []challenge
	for _, line := range h.Values("Proxy-Authenticate") {
		s := scanner{line}
		for s.rest != "" && len(all) < maxChallenges {
			c, ok := s.challenge()
			if !ok {
				break
			}
			all = append(all, c)
		}
	}
	return all
}

// A scanner reads a list of challenges from its left. The comma separates both
// challenges and the parameters within one: what is followed by "=" is a parameter.
type scanner struct{ rest string }

// challenge reads a scheme and its parameters, or the token68 in their place.
func (s *scanner) challenge() (challenge, bool) {
	s.skip(" \t,")
	c := challenge{scheme: strings.ToLower(s.token())}
	for {
		name, value, ok := s.param()
		if !ok {
			break
		}
		if c.params == nil {
			c.params = map[string]string{}
		}
		c.params[strings.ToLower(name)] = value
	}
	if c.params == nil {
		s.token68()
	}
	return c, c.scheme != ""
}

// param reads name=value; where there is none it reads nothing.
func (s *scanner) param() (name, value string, ok bool) {
	before := s.rest
	s.skip(" \t,")
	name = s.token()
	s.skip(" \t")
	if rest, equals := strings.CutPrefix(s.rest, "="); equals && name != "" {
		s.rest = rest
		s.skip(" \t")
		value, ok = s.value()
	}
	if !ok {
		s.rest = before
	}
	return name, value, ok
}

func (s *scanner) skip(set string) { s.rest = strings.TrimLeft(s.rest, set) }

// token reads RFC 9110's token; "" if there is none.
func (s *scanner) token() string {
	n := 0
	for n < len(s.rest) && isTokenByte(s.rest[n]) {
		n++
	}
	t := s.rest[:n]
	s.rest = s.rest[n:]
	return t
}

func isTokenByte(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

// token68 skips what NTLM and Negotiate send in place of parameters: one word
// before a comma or the end. A word before anything else is the next scheme.
func (s *scanner) token68() {
	rest := strings.TrimLeft(s.rest, " \t")
	word, after := rest, ""
	if end := strings.IndexAny(rest, " \t,"); end >= 0 {
		word, after = rest[:end], strings.TrimLeft(rest[end:], " \t")
	}
	if word != "" && (after == "" || after[0] == ',') {
		s.rest = after
	}
}

// value reads a token or a quoted string.
func (s *scanner) value() (string, bool) {
	if !strings.HasPrefix(s.rest, `"`) {
		v := s.token()
		return v, v != ""
	}
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(s.rest):
			i++
			b.WriteByte(s.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
