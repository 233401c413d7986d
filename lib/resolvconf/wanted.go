package resolvconf

import (
	"fmt"
	"net/netip"
	"slices"
)

// Wanted is the options of a check that looks at a resolv.conf.
type Wanted struct {
	ResolvConf       bool         `help:"Look at /etc/resolv.conf: who wrote it, and how long lookups stall. Implied by the --expect options."`
	ExpectNameserver []netip.Addr `sep:"none" placeholder:"ADDR" help:"A nameserver that the file must name; given again, in this order and no others."`
	ExpectSearch     []string     `sep:"none" placeholder:"DOMAIN" help:"A domain of the file's search list; given again, in this order and no others. none: there must be none."`
	ExpectOption     []string     `sep:"none" placeholder:"OPTION" help:"A word of the file's options; given again, in any order and no others. none: there must be none."`
}

// Asked says that the file is to be looked at for its own sake.
func (w Wanted) Asked() bool {
	return w.ResolvConf || w.ExpectNameserver != nil || w.ExpectSearch != nil || w.ExpectOption != nil
}

// Expected is what the file should say.
func (w Wanted) Expected() Expected {
	return Expected{Nameservers: w.ExpectNameserver, Search: w.ExpectSearch, Options: w.ExpectOption}
}

// Validate refuses the expectation of none beside others.
func (w Wanted) Validate() error {
	for _, expected := range []struct {
		option string
		words  []string
	}{{"--expect-search", w.ExpectSearch}, {"--expect-option", w.ExpectOption}} {
		if len(expected.words) > 1 && slices.Contains(expected.words, None) {
			return fmt.Errorf("%s: %s stands alone: it expects that there is none", expected.option, None)
		}
	}
	return nil
}
