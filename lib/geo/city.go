package geo

import (
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// table is city, ISO 3166-1 country, latitude and longitude, sorted by city.
//
//go:embed cities.csv
var table string

// City is the city of that name in the country, an ISO 3166-1 code; without one it
// must be the only city of its name in the table. Accents and case do not matter.
func City(name, country string) (Place, error) {
	name, country = strings.TrimSpace(name), strings.TrimSpace(country)
	found := named(name, country)
	switch {
	case name == "":
		return Place{}, errors.New("a city needs a name, or write LATITUDE,LONGITUDE in degrees")
	case len(found) == 1:
		return found[0].place(), nil
	case len(found) == 0:
		return Place{}, fmt.Errorf("no city %q is known here: write LATITUDE,LONGITUDE in degrees, or did you mean %s?", name, nearest(name))
	}
	return Place{}, fmt.Errorf("city %q may be %s", name, written(found))
}

// Suggest is what City would have found, for a person to choose from: the cities of
// that name ("San Jose, CR or San Jose, US"), else those whose names are most alike.
func Suggest(name, country string) string {
	if found := named(name, country); len(found) > 0 {
		return written(found)
	}
	return nearest(name)
}

func written(found []row) string {
	all := make([]string, len(found))
	for i, r := range found {
		all[i] = r.String()
	}
	return strings.Join(all, " or ")
}

// Find is City for a name that may be anything: it is false, soon, where the table
// does not have exactly one such city. A country may stand after the name ("Paris,
// FR"); one that is no code does not count.
func Find(name, country string) (Place, bool) {
	if country == "" {
		name, country, _ = strings.Cut(name, ",")
		country = strings.TrimSpace(country)
	}
	found := named(name, country)
	if len(found) == 0 && len(country) != codeLength {
		found = named(name, "")
	}
	if len(found) != 1 {
		return Place{}, false
	}
	return found[0].place(), true
}

// codeLength is that of an ISO 3166-1 code.
const codeLength = 2

// named are the rows of that name, in the country if one is given.
func named(name, country string) []row {
	name = fold(name)
	var found []row
	for r := range rows() {
		if name != "" && strings.EqualFold(r.city[:1], name[:1]) && fold(r.city) == name &&
			(country == "" || strings.EqualFold(country, r.country)) {
			found = append(found, r)
		}
	}
	return found
}

// A row is one of the table.
type row struct{ city, country, coordinates string }

// String is how to write the city so that it is found.
func (r row) String() string { return r.city + ", " + r.country }

// place is where the row says.
func (r row) place() Place {
	latitude, longitude, _ := strings.Cut(r.coordinates, ",")
	lat, _ := degree(latitude) // a test has read all of them
	lon, _ := degree(longitude)
	return At(r.city, Point{lat, lon})
}

// rows is the table. No name in it has a comma.
func rows() iter.Seq[row] {
	return func(yield func(row) bool) {
		for line := range strings.Lines(table) {
			city, rest, _ := strings.Cut(strings.TrimSpace(line), ",")
			country, coordinates, _ := strings.Cut(rest, ",")
			if comment := strings.HasPrefix(city, "#"); comment || len(country) != codeLength {
				continue // or the table's head
			}
			if !yield(row{city, country, coordinates}) {
				return
			}
		}
	}
}

// nearest is up to three cities whose names are most alike, for a person to choose
// from: the most alike in any case.
func nearest(name string) string {
	name = fold(name)
	type candidate struct {
		row
		unlike int
	}
	var all []candidate
	for r := range rows() {
		all = append(all, candidate{r, unlike(name, fold(r.city))})
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.unlike - b.unlike })
	alike := max(len(name)/3, all[0].unlike)
	var written []string
	for _, c := range all[:3] {
		if c.unlike <= alike {
			written = append(written, c.String())
		}
	}
	return strings.Join(written, ", or ")
}

// unlike is how many letters must change to make b of a: V. I. Levenshtein's
// distance, where what b goes on with after a costs nothing (a name cut short).
func unlike(a, b string) int {
	if strings.HasPrefix(b, a) {
		return 0
	}
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		diagonal := last[0]
		last[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = last[j+1]
			last[j+1] = min(replaced, diagonal+1, last[j]+1)
		}
	}
	return last[len(b)]
}

// fold is a name as it is compared: lower case, without accents, its blanks and
// hyphens one blank each.
func fold(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch plain, accented := accents[r]; {
		case accented:
			b.WriteString(plain)
		case r == '-' || r == '_':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// accents are the letters of city names that ASCII lacks.
var accents = map[rune]string{
	'á': "a", 'à': "a", 'â': "a", 'ä': "a", 'ã': "a", 'å': "a", 'ā': "a", 'ă': "a", 'æ': "ae",
	'ç': "c", 'ć': "c", 'č': "c", 'ď': "d", 'đ': "d", 'ð': "d",
	'é': "e", 'è': "e", 'ê': "e", 'ë': "e", 'ē': "e", 'ė': "e", 'ę': "e", 'ě': "e",
	'ğ': "g", 'í': "i", 'ì': "i", 'î': "i", 'ï': "i", 'ī': "i", 'ı': "i", 'ł': "l", 'ľ': "l",
	'ñ': "n", 'ń': "n", 'ň': "n", 'ó': "o", 'ò': "o", 'ô': "o", 'ö': "o", 'õ': "o", 'ő': "o", 'ø': "o", 'ō': "o",
	'ř': "r", 'ś': "s", 'š': "s", 'ş': "s", 'ș': "s", 'ß': "ss", 'ť': "t", 'ț': "t", 'þ': "th",
	'ú': "u", 'ù': "u", 'û': "u", 'ü': "u", 'ű': "u", 'ů': "u", 'ū': "u", 'ý': "y", 'ź': "z", 'ž': "z", 'ż': "z",
}
