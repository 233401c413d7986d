package geo

import "testing"

func TestIsCountry(t *testing.T) {
	for s, want := range map[string]bool{"US": true, "de": true, "Italy": true, "united states": true, "XX": false, "Narnia": false, "UK": false, "": false, "#": false} {
		if IsCountry(s) != want {
			t.Errorf("%q is one: %v, want %v", s, !want, want)
		}
	}
}
