package geo

import (
	_ "embed"
	"strings"
)

// countries is ISO 3166-1 alpha-2 code, tab, usual English name: iso3166.tab of the tz
// database, https://www.iana.org/time-zones, which is in the public domain.
//
//go:embed countries.tsv
var countries string

// IsCountry says that s is a country's ISO 3166-1 alpha-2 code, or its usual English
// name. Case does not matter.
func IsCountry(s string) bool {
	for line := range strings.Lines(countries) {
		code, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if strings.EqualFold(s, code) || strings.EqualFold(s, name) {
			return true
		}
	}
	return false
}
