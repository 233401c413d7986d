package geo

import (
	"fmt"
	"strconv"
	"strings"
)

// A Place is a point that may have a name.
type Place struct {
	Name  string // "Paris"; "" = only coordinates were given
	Point Point

	given bool
}

// give is how far, in metres, a machine may be from where it is said to be. A name
// stands for a city, its suburbs and the data centres outside, and so do coordinates
// as people write them down.
const give = 20 * Kilometre

// Between is the distance from a to b in metres: what the points say, and the least
// and the most that it may be between two machines that are said to be there.
func Between(a, b Point) (distance, least, most float64) {
	distance = Distance(a, b)
	return distance, max(distance-2*give, 0), distance + 2*give
}

// At is the place at p, which may be called name.
func At(name string, p Point) Place { return Place{Name: name, Point: p, given: true} }

// IsZero says that no place was given.
func (p Place) IsZero() bool { return !p.given }

// String is the name of p, or its coordinates; "" if no place was given.
func (p Place) String() string {
	switch {
	case p.IsZero():
		return ""
	case p.Name != "":
		return p.Name
	default:
		return p.Point.String()
	}
}

// ParsePlace reads a city by name, with or without its country ("Paris", "San Jose,
// CR"), or latitude and longitude in degrees ("-33.87,151.21").
func ParsePlace(s string) (Place, error) {
	first, second, two := strings.Cut(s, ",")
	lat, errLat := degree(first)
	lon, errLon := degree(second)
	switch {
	case two && errLat == nil && errLon == nil:
		p := Point{lat, lon}
		if !p.Valid() {
			return Place{}, fmt.Errorf("%q is not on the earth: latitudes go from -90 to 90, longitudes from -180 to 180", s)
		}
		return At("", p), nil
	case errLat == nil || two && errLon == nil:
		return Place{}, fmt.Errorf("%q is neither a city nor LATITUDE,LONGITUDE in degrees, such as -33.87,151.21", s)
	case two:
		return City(first, second)
	default:
		return City(s, "")
	}
}

// degree reads digits, one point and a sign; ParseFloat alone would take "nan" and
// "1e2" too.
func degree(s string) (float64, error) {
	s = strings.TrimSpace(s)
	if strings.Trim(strings.TrimLeft(s, "+-"), "0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}

// UnmarshalText is ParsePlace; nothing is no place.
func (p *Place) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = Place{}
		return nil
	}
	place, err := ParsePlace(string(text))
	if err == nil {
		*p = place
	}
	return err
}

// MarshalText is String.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
