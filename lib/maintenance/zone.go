package maintenance

import (
	"fmt"
	"time"
)

// A Zone is whose clock on the wall a weekly window goes by. The zero Zone is UTC.
type Zone struct{ location *time.Location }

// ParseZone reads the name of a zone, as in the IANA's database. The zone of whoever
// reads is none: it is another for the next one.
func ParseZone(name string) (Zone, error) {
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return Zone{}, fmt.Errorf("%q is unknown: write it as Europe/Berlin, or UTC", name)
	}
	return Zone{location}, nil
}

// Location is the zone for package time.
func (z Zone) Location() *time.Location {
	if z.location == nil {
		return time.UTC
	}
	return z.location
}

// IsZero says that z is the zero Zone.
func (z Zone) IsZero() bool { return z.location == nil }

// String is the zone's name.
func (z Zone) String() string { return z.Location().String() }

// MarshalText is String.
func (z Zone) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

// UnmarshalText is ParseZone.
func (z *Zone) UnmarshalText(text []byte) error {
	next, err := ParseZone(string(text))
	if err == nil {
		*z = next
	}
	return err
}
