package fleet

import (
	"fmt"

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
	if city == "" { // of ten thousand hosts, which are not to search the cities for nothing
		return metric.Coordinates{Name: name}
	}
	place, ok := geo.Find(city, country)
	return metric.Coordinates{Name: name, Latitude: place.Point.Latitude, Longitude: place.Point.Longitude, Known: ok}
}

// vantageOf reads the section "vantage"; city is where that stands, if it is given.
func vantageOf(section value) (v Vantage, city value) {
	options := option.New(&v)
	given := map[string]value{}
	for _, e := range entriesOf(section, "vantage") {
		given[e.key] = e.value
		e.put(options, "vantage")
	}
	v.Located = both(section, "vantage", given, v.Latitude, v.Longitude)
	return v, given["city"]
}

// unplaced refuses the cities that leave a check without the place it is about: to drop
// the check in silence would look like a check that passes. at is the value of the
// host's city. A city beside coordinates is only a label, and may be anything.
func (r *reader) unplaced(check string, f *Fleet, h Host, at value) {
	for _, end := range []struct {
		whose         string
		at            value
		place         metric.Coordinates
		city, country string
	}{
		{fmt.Sprintf("host %q", h.Name), at, h.Coordinates(), h.City, h.Country},
		{"vantage", r.vantageCity, f.Vantage.Coordinates(), f.Vantage.City, ""},
	} {
		if end.city == "" || end.place.Known {
			continue
		}
		asked := end.city
		if end.country != "" {
			asked += ", " + end.country
		}
		end.at.fault("%s: city %q is not known here, which %s needs: did you mean %s? Else give latitude and longitude",
			end.whose, asked, check, geo.Suggest(end.city, end.country))
	}
}

// both says whether latitude and longitude were given. It refuses one without the
// other, and coordinates that are nowhere.
func both(v value, whose string, given map[string]value, latitude, longitude float64) bool {
	_, hasLatitude := given["latitude"]
	_, hasLongitude := given["longitude"]
	if hasLatitude != hasLongitude {
		v.fault("%s has one of latitude and longitude, not both", whose)
	}
	if !(latitude >= -90 && latitude <= 90) {
		given["latitude"].fault("latitude %v is not between -90 and 90 degrees", latitude)
	}
	if !(longitude >= -180 && longitude <= 180) {
		given["longitude"].fault("longitude %v is not between -180 and 180 degrees", longitude)
	}
	return hasLatitude && hasLongitude
}
