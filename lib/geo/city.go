package geo

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// table is city, ISO 3166-1 country, latitude and longitude, sorted by city.
//
//go:embed cities.csv
var table string

// City is the city of that name in the country, an ISO 3166-1 code; without one it
// must be the only city of its name in the table. Accents and case do not matter.
func City(name, country string) (Place, error) {
	asked, country := fold(name), strings.ToUpper(strings.TrimSpace(country))
	if asked == "" {
		return Place{}, errors.New("a city needs a name, or write LATITUDE,LONGITUDE in degrees")
	}
	var found []Place
	var where []string // "San Jose, CR"
	near := map[string]int{}
	for city, in := range cities() {
		written := city.Name + ", " + in
		switch known := fold(city.Name); {
		case known != asked:
			near[written] = unlike(asked, known)
		case country == "" || country == in:
			found, where = append(found, city), append(where, written)
		default:
			near[written] = 0
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Place{}, fmt.Errorf("no city %q is known here: write LATITUDE,LONGITUDE in degrees, or did you mean %s?", strings.TrimSpace(name), nearest(near))
	default:
		return Place{}, fmt.Errorf("city %q may be %s", strings.TrimSpace(name), strings.Join(where, " or "))
	}
}

// cities are the rows of the table with their countries.
func cities() func(yield func(Place, string) bool) {
	return func(yield func(Place, string) bool) {
		rows := csv.NewReader(strings.NewReader(table))
		rows.Comment, rows.ReuseRecord = '#', true
		for row, err := rows.Read(); err == nil; row, err = rows.Read() {
			lat, errLat := strconv.ParseFloat(row[2], 64)
			lon, errLon := strconv.ParseFloat(row[3], 64)
			if errLat != nil || errLon != nil {
				continue // the table's head
			}
			place := At(row[0], Point{lat, lon})
			if !yield(place, row[1]) {
				return
			}
		}
	}
}

// nearest is the three names that are most alike, for a person to choose from.
func nearest(unlike map[string]int) string {
	names := make([]string, 0, len(unlike))
	for n := range unlike {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := unlike[a] - unlike[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return strings.Join(names[:min(len(names), 3)], "; ")
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
