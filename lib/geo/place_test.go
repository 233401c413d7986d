package geo

import (
	"fmt"
	"strings"
	"testing"
)

func TestParsePlace(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a city", "Paris", "Paris 48.8566,2.3522"},
		{"case, accents and blanks", "  são  PAULO ", "Sao Paulo -23.5475,-46.6361"},
		{"hyphens", "port-au_prince", "Port-au-Prince 18.5435,-72.3388"},
		{"a city with its country", "San Jose, cr", "San Jose 9.9333,-84.0833"},
		{"coordinates", "-33.9,151.2", "-33.9,151.2"},
		{"coordinates with a blank and a sign", "+48.85, -2.35", "48.85,-2.35"},
		{"the poles and the date line", "-90,180", "-90,180"},
		{"two of a name", "Valencia", `city "Valencia" may be Valencia, VE or Valencia, ES`},
		{"mistyped", "Pariss", `no city "Pariss" is known here: write LATITUDE,LONGITUDE in degrees, or did you mean Paris, FR?`},
		{"cut short", "Frankf", `no city "Frankf" is known here: ...did you mean Frankfurt, DE?`},
		{"in another country", "Paris, US", `no city "Paris" is known here: ...did you mean Paris, FR?`},
		{"too far north", "91,0", `"91,0" is not on the earth: latitudes go from -90 to 90, longitudes from -180 to 180`},
		{"too far east", "0,180.1", `"0,180.1" is not on the earth: ...`},
		{"one number", "48.85", `"48.85" is neither a city nor LATITUDE,LONGITUDE in degrees, such as -33.87,151.21`},
		{"half a pair", "48.85,", `"48.85," is neither a city nor ...`},
		{"the other half", ",2.35", `",2.35" is neither a city nor ...`},
		{"three numbers", "1,2,3", `"1,2,3" is neither a city nor ...`},
		{"no number is not a coordinate", "nan,nan", `no city "nan" is known here: ...`},
		{"exponents are none", "1e1,2", `"1e1,2" is neither a city nor ...`},
		{"only a comma", ",", `a city needs a name, or write LATITUDE,LONGITUDE in degrees`},
		{"a blank", " ", `a city needs a name, ...`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePlace(tt.text)
			got := fmt.Sprintf("%s %s", p.Name, p.Point)
			if err != nil {
				got = err.Error()
			}
			if !like(tt.want, strings.TrimSpace(got)) {
				t.Errorf("%q is\n %s, not\n %s", tt.text, got, tt.want)
			}
		})
	}
}

// like says that text is the pattern, in which "..." stands for anything.
func like(pattern, text string) bool {
	for i, part := range strings.Split(pattern, "...") {
		at := strings.Index(text, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return text == "" || strings.HasSuffix(pattern, "...")
}

func TestPlaceAsText(t *testing.T) {
	var p Place
	if err := p.UnmarshalText(nil); err != nil || !p.IsZero() || p.String() != "" {
		t.Errorf("nothing is %v, %v", p, err)
	}
	for _, text := range []string{"Zurich", "-33.8688,151.2093"} {
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if again, _ := p.MarshalText(); string(again) != text {
			t.Errorf("%q comes back as %q", text, again)
		}
	}
	if err := p.UnmarshalText([]byte("91,0")); err == nil || p.Point.Latitude != -33.8688 {
		t.Errorf("a refused text left %v behind", p)
	}
}

func TestCitiesOfTheTable(t *testing.T) {
	n, last := 0, ""
	seen := map[string]bool{}
	for r := range rows() {
		n++
		latitude, longitude, _ := strings.Cut(r.coordinates, ",")
		_, errLat := degree(latitude)
		_, errLon := degree(longitude)
		place := r.place()
		if !place.Point.Valid() || errLat != nil || errLon != nil || strings.ToUpper(r.country) != r.country {
			t.Errorf("%s stands at %q", r, r.coordinates)
		}
		if seen[r.String()] || r.city < last {
			t.Errorf("%s is there twice, or after %s", r, last)
		}
		if found, err := ParsePlace(r.String()); err != nil || found != place {
			t.Errorf("%s is not found by its name: %v", r, err)
		}
		seen[r.String()], last = true, r.city
	}
	if lines := strings.Count(table, "\n") - strings.Count(table, "#") - 1; n != lines || n < 500 {
		t.Errorf("%d cities were read of %d lines", n, lines)
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"Paris", "-33.9,151.2", "91,0", "San Jose, CR", ",", "nan,inf", "são"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePlace(s)
		if err != nil {
			return
		}
		if !p.Point.Valid() || p.IsZero() {
			t.Errorf("%q was taken for %v", s, p)
		}
		if p.Name == "" {
			if again, err := ParsePlace(p.String()); err != nil || again != p {
				t.Errorf("%q became %q, which reads as %v, %v", s, p, again, err)
			}
		}
	})
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name, city, country string
		want                string
	}{
		{"a city", "Milan", "IT", "Milan"},
		{"a country in full", "Milan", "Italy", "Milan"},
		{"no country", "zürich", "", "Zurich"},
		{"another country", "Milan", "US", ""},
		{"two of a name", "San Jose", "", ""},
		{"one of the two", "San Jose", "CR", "San Jose"},
		{"no city", "Cage 7, row 3", "US", ""},
		{"nothing", "", "", ""},
	} {
		if p, ok := Find(tt.city, tt.country); p.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q in %q is %q, %v", tt.name, tt.city, tt.country, p.Name, ok)
		}
	}
}
