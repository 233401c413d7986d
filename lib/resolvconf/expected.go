package resolvconf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// None is the one word that expects an empty search list, or no options.
const None = "none"

// Expected is what a file should say. A field that is nil is not compared.
type Expected struct {
	Nameservers []netip.Addr // in order, all of them
	Search      []string     // in order
	Options     []string     // in any order
}

// A Difference is a sentence for each part of a file that is not as expected;
// "" where it is, or was not compared.
type Difference struct{ Nameservers, Search, Options string }

// Compare holds f to what was expected of it.
func (f File) Compare(e Expected) Difference {
	var d Difference
	if e.Nameservers != nil && !slices.Equal(f.Nameservers, e.Nameservers) {
		d.Nameservers = fmt.Sprintf("nameservers of %q are %s, expected %s", f.Path, f.found(), list(e.Nameservers))
	}
	if e.Search != nil && !slices.Equal(domains(f.Search), domains(wanted(e.Search))) {
		d.Search = fmt.Sprintf("search list of %q is %s, expected %s", f.Path, list(f.Search), list(wanted(e.Search)))
	}
	if e.Options != nil && !slices.Equal(set(f.Options), set(wanted(e.Options))) {
		d.Options = fmt.Sprintf("options of %q are %s, expected %s", f.Path, list(f.Options), list(wanted(e.Options)))
	}
	return d
}

// found is the nameservers, and where there are none, what that means.
func (f File) found() string {
	switch {
	case f.Missing:
		return "none, for the file is missing (127.0.0.1 is asked instead)"
	case len(f.Nameservers) == 0:
		return "none (127.0.0.1 is asked instead)"
	default:
		return list(f.Nameservers)
	}
}

func wanted(words []string) []string {
	if len(words) == 1 && words[0] == None {
		return nil
	}
	return words
}

func domains(words []string) []string {
	var all []string
	for _, w := range words {
		all = append(all, strings.ToLower(strings.TrimSuffix(w, ".")))
	}
	return all
}

func set(words []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(words)))
}

// most is how much of a list a sentence carries.
const most = 8

func list[T any](all []T) string {
	if len(all) == 0 {
		return None
	}
	var words []string
	for _, v := range all[:min(len(all), most)] {
		words = append(words, fmt.Sprint(v))
	}
	if more := len(all) - most; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}
