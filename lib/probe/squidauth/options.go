package squidauth

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Anonymous is what the proxy must do with a request without credentials.
type Anonymous string

// The answers to a request without credentials that are right.
const (
	Refused Anonymous = "refused" // with 407
	Allowed Anonymous = "allowed" // any: the proxy may know its clients by address
	Skip    Anonymous = "skip"    // none is asked for
)

// UnmarshalText takes one of the three words.
func (a *Anonymous) UnmarshalText(text []byte) error {
	return choose(a, string(text), Refused, Allowed, Skip)
}

// Wrong is whose wrong password is tried.
type Wrong string

// The wrong credentials.
const (
	SameUser   Wrong = "same-user"   // the right user's: it evicts squid's cached right ones
	RandomUser Wrong = "random-user" // nobody's: no account can be locked, nothing is evicted
	Never      Wrong = "never"
)

// UnmarshalText takes one of the three words.
func (w *Wrong) UnmarshalText(text []byte) error {
	return choose(w, string(text), SameUser, RandomUser, Never)
}

// choose sets what to the choice that text is.
func choose[T ~string](what *T, text string, choices ...T) error {
	words := make([]string, len(choices))
	for i, c := range choices {
		if string(c) == text {
			*what = c
			return nil
		}
		words[i] = string(c)
	}
	return fmt.Errorf("%q is none of %s", text, strings.Join(words, ", "))
}

// Statuses are ranges of HTTP status codes, ends included. The zero Statuses has none.
type Statuses [][2]int

// UnmarshalText takes codes and ranges: "200-299,401".
func (s *Statuses) UnmarshalText(text []byte) error {
	var all Statuses
	for word := range strings.SplitSeq(string(text), ",") {
		first, last, both := strings.Cut(strings.TrimSpace(word), "-")
		if !both {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 16)
		to, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || from < 100 || to > 599 || from > to {
			return fmt.Errorf("%q is no status code from 100 to 599 and no range of them: write 200-299,401", word)
		}
		all = append(all, [2]int{int(from), int(to)})
	}
	*s = all
	return nil
}

// String is what UnmarshalText reads as s.
func (s Statuses) String() string {
	words := make([]string, len(s))
	for i, r := range s {
		words[i] = strconv.Itoa(r[0])
		if r[0] != r[1] {
			words[i] += "-" + strconv.Itoa(r[1])
		}
	}
	return strings.Join(words, ",")
}

// MarshalText is String.
func (s Statuses) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Statuses) has(code int) bool {
	for _, r := range s {
		if r[0] <= code && code <= r[1] {
			return true
		}
	}
	return false
}

// A URL is what to fetch: http or https, a host in ASCII, neither user nor
// fragment. The zero URL is none.
type URL struct{ u url.URL }

// UnmarshalText reads and checks a URL. The error never repeats a password.
func (u *URL) UnmarshalText(text []byte) error {
	p, err := url.Parse(string(text))
	switch {
	case err != nil && strings.Contains(string(text), "@"), err == nil && p.User != nil:
		return errors.New("a URL must not carry a user or a password: use --user and --password-file")
	case err != nil:
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("%q is no URL: %w", text, err)
	case p.Scheme != "http" && p.Scheme != "https", p.Hostname() == "":
		return fmt.Errorf("%q is no URL to fetch: write http://host/path or https://host/path", text)
	case strings.ContainsFunc(p.RawQuery, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return fmt.Errorf("%q has a blank or a letter beyond ASCII in its query: write it as %%20 and the like", text)
	case p.Fragment != "":
		return fmt.Errorf("%q has a fragment, which no server ever sees: leave out what is after #", text)
	case strings.ContainsFunc(p.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return fmt.Errorf("%q has a host that is not ASCII: write xn-- and so on", text)
	}
	if port := p.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%q has port %s, which is not between 1 and 65535", text, port)
		}
	}
	u.u = *p
	return nil
}

// String is the URL.
func (u URL) String() string { return u.u.String() }

// MarshalText is String.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// IsZero says that u is none.
func (u URL) IsZero() bool { return u.u.Host == "" }

// shownURL is enough of a URL to recognise it by in a line of at most 1000 bytes.
const shownURL = 100

// shown is the URL for people: without its query, where some keep tokens.
func (u URL) shown() string {
	s := u.u.Scheme + "://" + u.u.Host + u.u.EscapedPath()
	if u.u.RawQuery != "" {
		s += "?..."
	}
	return printable(s, shownURL)
}

func (u URL) secure() bool { return u.u.Scheme == "https" }

// host is the name or the address, IPv6 without its brackets.
func (u URL) host() string { return u.u.Hostname() }

// port is the port as a number's digits.
func (u URL) port() string {
	switch {
	case u.u.Port() != "":
		return u.u.Port()
	case u.secure():
		return "443"
	default:
		return "80"
	}
}

// authority is host and port, as CONNECT names its target (RFC 9110 section 9.3.6).
func (u URL) authority() string { return net.JoinHostPort(u.host(), u.port()) }

// literal says that the host is an IP address.
func (u URL) literal() bool {
	_, err := netip.ParseAddr(u.host())
	return err == nil
}

// at is the same URL at an address.
func (u URL) at(a netip.Addr) URL {
	u.u.Host = net.JoinHostPort(a.String(), u.port())
	return u
}

// with is u with one more parameter in its query.
func (u URL) with(name, value string) URL {
	if u.u.RawQuery != "" {
		u.u.RawQuery += "&"
	}
	u.u.RawQuery += name + "=" + value
	return u
}

// absolute is the request target for a proxy, relative the one for the origin
// (RFC 9112 section 3.2).
func (u URL) absolute() string { return u.u.Scheme + "://" + u.u.Host + u.u.RequestURI() }
func (u URL) relative() string { return u.u.RequestURI() }
