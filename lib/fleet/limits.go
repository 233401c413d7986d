package fleet

import (
	"fmt"
	"strings"

	"milepost/lib/check"
)

// contradicting refuses the limits of a host's check that leave no room for a WARNING,
// where one was asked for: at the host's own limit if it has one, else once for all hosts
// where the inventory's stands.
func (r *reader) contradicting(h Host, c check.Check, base, own value) {
	sample, never := c.NeverWarns()
	if !never {
		return
	}
	var warning, critical *entry
	find := func(v value, whose string) (is string) {
		for _, e := range entriesOf(v, c.Name) {
			for _, level := range []struct {
				key string
				at  **entry
			}{{"warning", &warning}, {"critical", &critical}} {
				part, ok := strings.CutSuffix(e.key, level.key)
				if ok && (part == "" && !strings.HasPrefix(sample, "rtt_") || part != "" && strings.HasPrefix(sample, part)) {
					*level.at, is = &e, whose
				}
			}
		}
		return is
	}
	whose := find(base, "defaults")
	if is := find(own, fmt.Sprintf("host %q", h.Name)); is != "" {
		whose = is
	}
	if warning == nil { // the default's, which nobody insists on
		return
	}
	at, said := warning, "critical's default"
	if text, ok := warning.text(); critical != nil && ok {
		if number, ok := critical.text(); ok {
			at, said = critical, "critical "+number
		}
		said += " alerts at all that warning " + text
	} else {
		said += " alerts at all that warning"
	}
	at.fault("%s: %s: %s does, and at more, so that nothing could be a WARNING: are they swapped?", whose, c.Name, said)
}
