// Package maintenance knows when work on hosts was announced: windows of the
// inventory, once or every week, and those that somebody starts by hand, which are
// kept over a restart. A window is of the hosts it names and of no other.
package maintenance

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// All is the host name that stands for every host.
const All = "*"

// A Window is a time of announced work: once, from From until To, or every week.
type Window struct {
	ID     string    `json:"id"` // of one that was started by hand; "" = the inventory's
	Hosts  []string  `json:"hosts,omitempty"`
	Groups []string  `json:"groups,omitempty"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Weekly Weekly    `json:"weekly,omitzero"`
	Zone   Zone      `json:"timezone,omitzero"` // of Weekly
	Reason string    `json:"reason,omitempty"`
}

// Validate refuses a window that is never, always, or nobody's.
func (w Window) Validate() error {
	switch {
	case len(w.Hosts)+len(w.Groups) == 0:
		return fmt.Errorf("neither hosts nor groups: name whose maintenance it is, or say hosts: [%q]", All)
	case w.Weekly.IsZero() && w.From.IsZero() && w.To.IsZero():
		return errors.New("neither weekly nor from and to: say when it is")
	case !w.Weekly.IsZero() && (!w.From.IsZero() || !w.To.IsZero()):
		return errors.New("weekly and from or to: a window is either once or every week")
	case w.Weekly.IsZero() && (w.From.IsZero() || w.To.IsZero()):
		return errors.New("one of from and to, not both")
	case w.Weekly.IsZero() && !w.From.Before(w.To):
		return fmt.Errorf("to %s is not after from %s", w.To.Format(time.RFC3339), w.From.Format(time.RFC3339))
	}
	return nil
}

// Concerns says that the window is one of this host's.
func (w Window) Concerns(host, group string) bool {
	return slices.Contains(w.Hosts, host) || slices.Contains(w.Hosts, All) || group != "" && slices.Contains(w.Groups, group)
}

// At is the occurrence of the window that now lies in.
func (w Window) At(now time.Time) (from, until time.Time, in bool) {
	if !w.Weekly.IsZero() {
		return w.Weekly.at(now, w.Zone.Location())
	}
	return w.From, w.To, !now.Before(w.From) && now.Before(w.To)
}

// Time reads a moment: RFC 3339, or "2026-11-23 02:00" and "2026-11-23" in the zone.
func Time(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(`%q is no time: write it as "2026-11-23 02:00" or 2026-11-23T02:00:00Z`, text)
}
