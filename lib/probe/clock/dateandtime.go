package clock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// errNoZone is the error of a local time that does not say where it is local.
var errNoZone = errors.New("local time without its zone (8 octets): say --tz, as in --tz Europe/Berlin or --tz +05:30")

// minYear and maxYear bound what is taken for a date. Clocks that were never set
// show 1900, or 1970; maxYear is that of maxEpoch. Differences between two such
// times fit a time.Duration.
const minYear, maxYear = 1900, 2242

// dateAndTime reads an SNMP DateAndTime (RFC 2579): year in two octets, month,
// day, hour, minute, second (60 at a leap second), decisecond, and then either
// nothing or '+' or '-', hours and minutes east or west of UTC. Without these it is
// a time in zone. The resolution is a tenth of a second; where the deciseconds are
// 0 it is taken for a whole second, because net-snmp never fills them in.
func dateAndTime(b []byte, zone Zone) (time.Time, time.Duration, error) {
	if len(b) != 8 && len(b) != 11 {
		return time.Time{}, 0, fmt.Errorf("a DateAndTime has 8 or 11 octets, not %d", len(b))
	}
	year := int(binary.BigEndian.Uint16(b))
	month, day, hour, minute, second, deci := int(b[2]), int(b[3]), int(b[4]), int(b[5]), int(b[6]), int(b[7])
	utc := time.Date(year, time.Month(month), day, hour, minute, second, deci*1e8, time.UTC)
	whole := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	switch {
	case year < minYear || year > maxYear || int(whole.Month()) != month || whole.Day() != day:
		return time.Time{}, 0, fmt.Errorf("%d-%d-%d is no date", year, month, day)
	case hour > 23 || minute > 59 || second > 60 || deci > 9:
		return time.Time{}, 0, fmt.Errorf("%d:%02d:%02d.%d is no time of day", hour, minute, second, deci)
	}
	resolution := time.Second
	if deci > 0 {
		resolution = time.Second / 10
	}
	if len(b) == 8 {
		t, err := zone.utc(utc)
		return t, resolution, err
	}
	east, err := eastOfUTC(b[8:])
	return utc.Add(-east), resolution, err
}

// eastOfUTC reads the last three octets of a DateAndTime. Zones lie between
// 12 hours west of UTC and 14 hours east of it.
func eastOfUTC(b []byte) (time.Duration, error) {
	d := time.Duration(b[1])*time.Hour + time.Duration(b[2])*time.Minute
	switch {
	case b[2] > 59, b[0] == '+' && d > 14*time.Hour, b[0] == '-' && d > 12*time.Hour, b[0] != '+' && b[0] != '-':
		return 0, fmt.Errorf("%q %d:%02d is no distance from UTC", b[0], b[1], b[2])
	case b[0] == '-':
		return -d, nil
	default:
		return d, nil
	}
}

// A Zone is the time zone of a host that does not tell it. The zero Zone is none.
type Zone struct{ location *time.Location }

// UnmarshalText reads a name of the time zone database or a distance from UTC as
// in "+05:30".
func (z *Zone) UnmarshalText(text []byte) error {
	name := string(text)
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		t, err := time.Parse("-07:00", name)
		if err != nil {
			return fmt.Errorf("time zone %q: write +05:30 or Europe/Berlin", name)
		}
		_, seconds := t.Zone()
		z.location = time.FixedZone(name, seconds)
		return nil
	}
	if name == "" || name == "Local" {
		return fmt.Errorf("time zone %q: the monitor's zone says nothing of the host's: write +05:30 or Europe/Berlin", name)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return fmt.Errorf("time zone %q: %w: write +05:30 or Europe/Berlin", name, err)
	}
	z.location = location
	return nil
}

// String is the text that UnmarshalText reads as z; "" for none.
func (z Zone) String() string {
	if z.location == nil {
		return ""
	}
	return z.location.String()
}

// utc is the time at which clocks in z showed what local shows in UTC. In the hour
// that comes twice when summer time ends there are two, and it does not guess.
func (z Zone) utc(local time.Time) (time.Time, error) {
	if z.location == nil {
		return time.Time{}, errNoZone
	}
	const aside = 26 * time.Hour // is before, or behind, any change of the zone near local
	var found []time.Time
	for _, near := range []time.Time{local.Add(-aside), local.Add(aside)} {
		_, east := near.In(z.location).Zone()
		t := local.Add(-time.Duration(east) * time.Second)
		if _, is := t.In(z.location).Zone(); is == east && (len(found) == 0 || !found[0].Equal(t)) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return time.Time{}, fmt.Errorf("%s does not exist in %s: the clocks were put forward", local.Format("15:04:05"), z)
	default:
		return time.Time{}, fmt.Errorf("%s comes twice in %s today: the clocks are put back, and 8 octets do not say which it is", local.Format("15:04:05"), z)
	}
}
