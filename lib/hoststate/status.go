// Package hoststate is what the outcomes of a host's checks amount to over time,
// and what its hosts amount to as a fleet: the one place that judges time. It is
// functions of a state and an event; it does no I/O and has no clock of its own.
//
//	outcomes ── Roles.Round ──► Round ── Host.Next ──► Host ── Host.At ──► Standing ── RollUp ──► Page
package hoststate

import "cmp"

// A Status is the state of a host, of one of its rounds, or of the whole page.
type Status uint8

// The states. The zero Status is Unknown, so that what nobody decided is never
// green.
const (
	Unknown Status = iota
	Up
	Degraded
	Down
	Maintenance
)

// Statuses is every state, Unknown first.
func Statuses() []Status { return []Status{Unknown, Up, Degraded, Down, Maintenance} }

// String is the state's word in status.json.
func (s Status) String() string {
	switch s {
	case Up:
		return "up"
	case Degraded:
		return "degraded"
	case Down:
		return "down"
	case Maintenance:
		return "maintenance"
	default:
		return "unknown"
	}
}

// MarshalText is String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state's word. A word that is none is Unknown and no
// error: a reader of status.json must take a state it has never heard of so.
func (s *Status) UnmarshalText(text []byte) error {
	*s = Unknown
	for _, known := range Statuses() {
		if known.String() == string(text) {
			*s = known
		}
	}
	return nil
}

// WorstFirst orders states as a list of hosts should: down, degraded, unknown,
// maintenance, up. It is negative if a comes before b.
func WorstFirst(a, b Status) int { return cmp.Compare(b.severity(), a.severity()) }

func (s Status) severity() int {
	switch s {
	case Up:
		return 0
	case Maintenance:
		return 1
	case Degraded:
		return 3
	case Down:
		return 4
	default:
		return 2
	}
}
