package fleet

import (
	"milepost/lib/geo"
	"milepost/lib/metric"
	"milepost/lib/option"
)

// Coordinates are where the host is: what the inventory says in degrees, else where
// its city is, if that is a well-known one.
func (h Host) Coordinates() metric.Coordinates {
	return coordinates(h.Name, h.Located, h.Latitude, h.Longitude, h.City, h.Country)
}

// Coordinates are where this monitor is, by the same rule.
func (v Vantage) Coordinates() metric.Coordinates {
	return coordinates(v.Name, v.Located, v.Latitude, v.Longitude, v.City, "")
}

func coordinates(name string, located bool, latitude, longitude float64, city, country string) metric.Coordinates {
	if located {
		return metric.Coordinates{Name: name, Latitude: latitude, Longitude: longitude, Known: true}
	}
	place, ok := geo.Find(city, country)
	return metric.Coordinates{Name: name, Latitude: place.Point.Latitude, Longitude: place.Point.Longitude, Known: ok}
}

// vantageOf reads the section "vantage".
func vantageOf(section value) Vantage {
	var v Vantage
	options := option.New(&v)
	given := map[string]bool{}
	for _, e := range entriesOf(section, "vantage") {
		given[e.key] = true
		e.put(options, "vantage")
	}
	v.Located = both(section, "vantage", given, v.Latitude, v.Longitude)
	return v
}

// both says whether latitude and longitude were given. It refuses one without the
// other, and coordinates that are nowhere.
func both(v value, whose string, given map[string]bool, latitude, longitude float64) bool {
	if given["latitude"] != given["longitude"] {
		v.fault("%s has one of latitude and longitude, not both", whose)
	}
	if !(latitude >= -90 && latitude <= 90) {
		v.fault("latitude %v is not between -90 and 90 degrees", latitude)
	}
	if !(longitude >= -180 && longitude <= 180) {
		v.fault("longitude %v is not between -180 and 180 degrees", longitude)
	}
	return given["latitude"] && given["longitude"]
}
