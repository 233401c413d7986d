// Package geo knows how far apart places are, how long light needs from one to the
// other, and what round trips between them say: a path that goes a long way round,
// a better one through a third place, and a place that something cannot be at.
//
// Distances are in metres, speeds in metres per second, and a path's speed is twice
// its length by its round trip, as if the cable lay along the great circle.
package geo

import (
	"math"
	"strconv"
	"time"
)

// Mile is the international mile in metres.
const Mile = 1609.344

// Kilometre is 1000 metres.
const Kilometre = 1000.0

// MilesPerMillisecond is the unit in which people tell the speed of a path.
const MilesPerMillisecond = Mile * 1000

// Speeds, in metres per second.
const (
	// Light is the speed of light in a vacuum, which nothing exceeds.
	Light = 299792458.0
	// Fibre is the speed of light in glass of the refractive index 1.468, which is
	// what cables are made of: 126.9 miles a millisecond.
	Fibre = Light / 1.468
	// Usable is what a path's speed is a percentage of: 120.9 miles a millisecond, 65
	// per cent of Light, as customary in published tables of paths. It is a yardstick
	// and no bound: a good path over glass may reach 105 % of it.
	Usable = 120.9 * MilesPerMillisecond
)

// A Point is a place on the earth in degrees, north and east positive.
type Point struct{ Latitude, Longitude float64 }

// Valid says that p is on the earth.
func (p Point) Valid() bool {
	return math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180 // not of NaN
}

// String is p as ParsePlace reads it: "-33.8688,151.2093".
func (p Point) String() string { return degrees(p.Latitude) + "," + degrees(p.Longitude) }

func degrees(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// radius is the earth's mean radius in metres (IUGG: (2a+b)/3 of WGS84).
const radius = 6371008.8

// Distance is the great circle between a and b in metres, by the haversine formula
// (R. W. Sinnott, Sky and Telescope 68, 1984) on a sphere: at most 0.6 % off the
// geodesic on WGS84, 0.3 % between most cities, which is less than a cable's bends.
func Distance(a, b Point) float64 {
	phi1, phi2 := radians(a.Latitude), radians(b.Latitude)
	up := math.Sin((phi2 - phi1) / 2)
	across := math.Sin(radians(b.Longitude-a.Longitude) / 2)
	h := up*up + math.Cos(phi1)*math.Cos(phi2)*across*across
	return 2 * radius * math.Asin(math.Sqrt(min(h, 1))) // rounding may take antipodes beyond 1
}

func radians(deg float64) float64 { return deg * math.Pi / 180 }

// Speed is how fast a path of that length is that has this round trip, in metres
// per second; infinite if it takes no time.
func Speed(distance float64, rtt time.Duration) float64 {
	return distance / (rtt.Seconds() / 2)
}

// Fastest is the least round trip over that distance at that speed.
func Fastest(distance, speed float64) time.Duration {
	return time.Duration(2 * distance / speed * float64(time.Second))
}
