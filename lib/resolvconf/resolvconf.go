// Package resolvconf reads resolv.conf(5) the way glibc does, tells who wrote the
// file, and forecasts how long a lookup waits when nameservers in it are dead.
//
// What glibc does is taken from its resolv/res_init.c and resolv/res_send.c
// (2.26 and later), which say more than the manual page.
package resolvconf

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// glibc's limits and defaults, <resolv.h>.
const (
	MaxNameservers = 3 // MAXNS: the nameservers after the third are never asked

	defaultTimeout  = 5  // RES_TIMEOUT, s
	maxTimeout      = 30 // RES_MAXRETRANS, s
	defaultAttempts = 2  // RES_DFLRETRY
	maxAttempts     = 5  // RES_MAXRETRY
)

// A File is what a resolv.conf says. The zero File is what Parse makes of
// nothing but for the defaults: use Parse.
type File struct {
	Nameservers []netip.Addr  // in order, all of them
	Search      []string      // of the last domain or search line, as written
	Options     []string      // words of the options lines, as written
	Timeout     time.Duration // option timeout; the second nameserver's share differs, see Stall
	Attempts    int           // option attempts: how often the list is gone through
	Rotate      bool          // option rotate: each lookup starts elsewhere in the list
	Ignored     []string      // lines without effect, each with the reason
	Writer      Writer        // who wrote it, as far as its comments tell

	Path    string // where Read found it; "" if only parsed
	Link    string // what a symbolic link at Path leads to; "" if it is none
	Missing bool   // there is no such file: to glibc an empty one
}

// Parse reads the text of a resolv.conf. It refuses nothing, as glibc refuses
// nothing: what has no effect is in Ignored.
func Parse(text []byte) File {
	f := File{Timeout: defaultTimeout * time.Second, Attempts: defaultAttempts, Writer: writer(text, "")}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if why := f.line(strings.TrimSuffix(string(line), "\n")); why != "" {
			f.Ignored = append(f.Ignored, fmt.Sprintf("line %d: %s", n, why))
		}
	}
	return f
}

// Asked is the nameservers that glibc asks, in order: the first three, or
// 127.0.0.1 where the file names none.
func (f File) Asked() []netip.Addr {
	if len(f.Nameservers) == 0 {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return f.Nameservers[:min(len(f.Nameservers), MaxNameservers)]
}

// line takes one line, or says why it has no effect. A keyword stands in the
// first column and a blank follows it; blanks are spaces and tabs only, so that
// a carriage return belongs to the word.
func (f *File) line(line string) (why string) {
	if line == "" || line[0] == '#' || line[0] == ';' {
		return ""
	}
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	switch {
	case len(words) == 0:
		return ""
	case line[0] == ' ' || line[0] == '\t':
		return fmt.Sprintf("%q is indented", line)
	}
	keyword, words := words[0], words[1:]
	switch keyword {
	case "nameserver":
		return f.nameserver(words)
	case "domain":
		words = words[:min(len(words), 1)]
		fallthrough
	case "search":
		if len(words) > 0 {
			f.Search = words
		}
	case "options":
		for _, o := range words {
			f.option(o)
		}
	case "sortlist":
	default:
		return fmt.Sprintf("%q is no keyword", keyword)
	}
	return ""
}

// nameserver takes the first word and ignores the rest of the line.
func (f *File) nameserver(words []string) (why string) {
	if len(words) == 0 {
		return "nameserver without an address"
	}
	a, err := netip.ParseAddr(words[0])
	if err != nil {
		return fmt.Sprintf("nameserver %q is no address", words[0])
	}
	f.Nameservers = append(f.Nameservers, a)
	return ""
}

// option takes one word of an options line; as in glibc, an option is known by
// how it begins.
func (f *File) option(word string) {
	f.Options = append(f.Options, word)
	if n, ok := strings.CutPrefix(word, "timeout:"); ok {
		f.Timeout = time.Duration(min(atoi(n), maxTimeout)) * time.Second
	}
	if n, ok := strings.CutPrefix(word, "attempts:"); ok {
		f.Attempts = min(atoi(n), maxAttempts)
	}
	if strings.HasPrefix(word, "rotate") {
		f.Rotate = true
	}
}

// atoi is C's: the digits that s begins with, 0 where there are none. A negative
// number acts as 0 does in both options, so it is 0 here.
func atoi(s string) int {
	n := 0
	for _, c := range strings.TrimPrefix(s, "+") {
		if c < '0' || c > '9' || n > maxTimeout {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}
