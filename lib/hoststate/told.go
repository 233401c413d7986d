package hoststate

import "time"

// Told is what was told of a host last, and when: what is told next may be dated back,
// and must not rewrite what has been told. The zero Told is that of a host of which
// nothing was.
type Told struct {
	Standing
	At time.Time
}

// From is since when the host is what it is now, as far as that changes what was told
// before. An outage is dated back, and so changes it. A host that is out of
// maintenance, or seen again, is what it was before: but it was not meanwhile. It is zero
// if the host never was anything.
func (t Told) From(now Standing) time.Time {
	overlaid := t.Status == Maintenance || t.Status == Unknown
	if !t.At.IsZero() && now.Since.Before(t.At) && (now.Status == t.Status || overlaid && now.Since.Before(t.Since)) {
		return t.At
	}
	return now.Since
}

// Stayed says that the host stayed as it was told up to from, when it became now, which
// is something else: nobody looked away for longer than a lease between. interval is how
// far its rounds are apart.
func (t Told) Stayed(from time.Time, interval time.Duration, now Status) bool {
	return t.At.Before(from) && t.Status != now && !Lend(t.At, interval).Over(from)
}
