package statusbar

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"milepost/lib/hoststate"
)

// TestShields holds the endpoint to what https://shields.io/badges/endpoint-badge
// says and its server refuses: keys that it does not know, another version, an empty
// message, a colour that is none, less than 300 seconds in a cache.
func TestShields(t *testing.T) {
	known := []string{
		"schemaVersion", "label", "message", "color", "labelColor", "isError", "namedLogo", "logoSvg", "logoColor", "logoWidth",
		"logoPosition", "logoSize", "style", "cacheSeconds",
	}
	colours := []string{"brightgreen", "green", "yellowgreen", "yellow", "orange", "red", "blue", "lightgrey"}
	for _, row := range []struct {
		status          hoststate.Status
		colour, message string
		isError         bool
	}{
		{hoststate.Up, "brightgreen", "up · 23:34Z", false},
		{hoststate.Degraded, "yellow", "degraded · 23:34Z", true},
		{hoststate.Down, "red", "down · 23:34Z", true},
		{hoststate.Maintenance, "blue", "maintenance · 23:34Z", true},
		{hoststate.Unknown, "lightgrey", "unknown · 23:34Z", true},
	} {
		t.Run(row.status.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				b := New(config(), nil, now)
				b.Publish(now, now, []Component{standing(row.status, "", 0, now)}, sees)
				r := get(b.Public(), "/badge/fra-1.json")
				if r.Header.Get("Content-Type") != "application/json; charset=utf-8" || r.StatusCode != http.StatusOK {
					t.Errorf("%s, %v", r.Status, r.Header)
				}
				body := text(t, r)
				var keys map[string]any
				var s shield
				if json.Unmarshal([]byte(body), &keys) != nil || json.Unmarshal([]byte(body), &s) != nil {
					t.Fatal(body)
				}
				for k := range keys {
					if !slices.Contains(known, k) {
						t.Errorf("shields.io refuses the key %q", k)
					}
				}
				if s.SchemaVersion != 1 || s.Label != "fra-1" || s.Message != row.message || s.Color != row.colour || s.IsError != row.isError {
					t.Errorf("%s", body)
				}
				if !slices.Contains(colours, s.Color) || s.CacheSeconds < 300 || !utf8.ValidString(s.Message) {
					t.Errorf("%s", body)
				}
			})
		})
	}
}
