package hoststate

import "time"

// Work is maintenance of a host that is under way.
type Work struct {
	From, Until time.Time
	Reason      string // in the words of who announced it; "" = none was given
	Beneath     Status // what the host would be without it
}

// Under is s while the work is under way: announced, so neither up nor down, and no
// word on any other host. What the host is beneath stays known.
func (s Standing) Under(w Work) Standing {
	w.Beneath = s.Status
	s.Work = &w
	s.Status, s.Since, s.Reason, s.LastKnown = Maintenance, w.From, "", Unknown
	return s
}
