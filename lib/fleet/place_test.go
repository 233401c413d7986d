package fleet

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"milepost/lib/check"
	"milepost/lib/metric"
)

// A trail is a check that is about where its target is.
type trail struct{}

func (trail) Limits() []metric.Limit       { return nil }
func (trail) Applies(t metric.Target) bool { return t.At.Known && t.From.Known }

// A walk is what it measures.
type walk struct{}

func (walk) Report() metric.Report { return metric.Report{} }

func trails() []check.Kind {
	nowhere := func(context.Context, metric.Target, trail) iter.Seq2[walk, error] {
		return func(func(walk, error) bool) {}
	}
	return []check.Kind{check.Define("trail", func() trail { return trail{} }, nowhere)}
}

// roles keeps the default roles, of checks that are not here, out.
const roles = "status: {down: [], degraded: []}\n"

// TestPlaces: who has a check that is about places, and what it knows of them.
func TestPlaces(t *testing.T) {
	const defaults = "defaults: {checks: {trail: {}}}\n"
	for _, tt := range []struct{ name, text, want string }{
		{
			"degrees", "vantage: {latitude: 43.65, longitude: -79.38}\n" + defaults + "hosts: [{name: a, latitude: 0, longitude: 0}]",
			"a from 43.65,-79.38 to 0,0",
		},
		{"cities", "vantage: {city: paris}\n" + defaults + "hosts: [{name: a, city: San Jose, country: CR}]", "a from 48.8566,2.3522 to 9.9333,-84.0833"},
		{
			"degrees go before the city", "vantage: {city: Paris, latitude: 1, longitude: 2}\n" + defaults + "hosts: [{name: a, city: Paris, latitude: 3, longitude: 4}]",
			"a from 1,2 to 3,4",
		},
		{"a city after whose name the country stands", "vantage: {city: 'San Jose, CR'}\n" + defaults + "hosts: [{name: a, city: 'Paris, FR'}]", "a from 9.9333,-84.0833 to 48.8566,2.3522"},
		{"a city is a label beside degrees", "vantage: {city: Lab, latitude: 1, longitude: 2}\n" + defaults + "hosts: [{name: a, city: Cage 7, latitude: 3, longitude: 4}]", "a from 1,2 to 3,4"},
		{"a city that nobody knows, without such a check", "vantage: {city: Lab}\nhosts: [{name: a, city: Cage 7}]", ""},
		{"or with one that is off", "vantage: {city: Lab}\n" + defaults + "hosts: [{name: a, city: Cage 7, checks: {trail: false}}]", ""},
		{"no city at all", "vantage: {city: Paris}\n" + defaults + "hosts: [{name: a}]", ""},
		{"unless it asks for one", "vantage: {city: Paris}\nhosts: [{name: a, checks: {trail: {}}}]", "a from 48.8566,2.3522 to nowhere"},
		{"a monitor that is nowhere", defaults + "hosts: [{name: a, city: Paris}]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("milepost.yml", []byte(roles+tt.text), trails())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range f.Hosts {
				for _, c := range h.Checks {
					got = append(got, fmt.Sprintf("%s from %s to %s", h.Name, where(c.Target.From), where(c.Target.At)))
				}
			}
			if strings.Join(got, "; ") != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
		})
	}
}

func where(c metric.Coordinates) string {
	if !c.Known {
		return "nowhere"
	}
	return fmt.Sprintf("%v,%v", c.Latitude, c.Longitude)
}

func TestPlaceFaults(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"half a place", "vantage: {latitude: 1}", "vantage has one of latitude and longitude, not both"},
		{"half a host's", "hosts: [{name: a, longitude: 1}]", `host "a" has one of latitude and longitude, not both`},
		{"off the earth", "vantage: {latitude: 91, longitude: 0}", "latitude 91 is not between -90 and 90 degrees"},
		{"round the earth", "hosts: [{name: a, latitude: 0, longitude: -181}]", "longitude -181 is not between -180 and 180 degrees"},
		{
			"a mistyped city", "defaults: {checks: {trail: {}}}\nvantage: {city: Paris}\nhosts: [{name: a, city: Baltimor}]",
			`milepost.yml:4:25: host "a": city "Baltimor" is not known here, which trail needs: did you mean Baltimore, US? Else give latitude and longitude`,
		},
		{
			"a city in another country, the host's own check", "vantage: {city: Paris}\nhosts: [{name: a, city: Paris, country: US, checks: {trail: {}}}]",
			`milepost.yml:3:25: host "a": city "Paris, US" is not known here, which trail needs: did you mean Paris, FR?`,
		},
		{
			"a city of several", "defaults: {checks: {trail: {}}}\nvantage: {city: Paris}\nhosts: [{name: a, city: San Jose}]",
			"did you mean San Jose, US or San Jose, CR?",
		},
		{
			"a mistyped city of the monitor", "vantage: {city: Pariss}\ndefaults: {checks: {trail: {}}}\nhosts: [{name: a, latitude: 1, longitude: 1}, {name: b}]",
			`milepost.yml:2:17: vantage: city "Pariss" is not known here, which trail needs: did you mean Paris, FR?`,
		},
		{"no number", "hosts: [{name: a, latitude: nan, longitude: 0}]", "latitude"},
	} {
		if _, err := Parse("milepost.yml", []byte(roles+tt.text), trails()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, not %s", tt.name, err, tt.want)
		}
	}
}
