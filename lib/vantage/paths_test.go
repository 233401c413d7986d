package vantage

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestPlaces: what an engine tells of where a vantage is may be wrong.
func TestPlaces(t *testing.T) {
	for _, tt := range []struct{ name, latitude, longitude, want string }{
		{"in Paris", "48.8566", "2.3522", "map[par-1:{par-1 48.8566 2.3522 true}]"},
		{"at the date line's south pole", "-90", "180", "map[par-1:{par-1 -90 180 true}]"},
		{"nobody says", "", "", "map[]"},
		{"no longitude", "48.8566", "", "map[par-1:{par-1 0 0 false}]"},
		{"no latitude", "", "2.3522", "map[par-1:{par-1 0 0 false}]"},
		{"NaN", "NaN", "2.3522", "map[par-1:{par-1 0 0 false}]"},
		{"infinitely far east", "48.8566", "+Inf", "map[par-1:{par-1 0 0 false}]"},
		{"no such latitude", "1000", "2.3522", "map[par-1:{par-1 0 0 false}]"},
		{"no such longitude", "48.8566", "-180.1", "map[par-1:{par-1 0 0 false}]"},
	} {
		series := map[string]string{"milepost_vantage_latitude_degrees": tt.latitude, "milepost_vantage_longitude_degrees": tt.longitude}
		c := serving(t, func(w http.ResponseWriter, r *http.Request) {
			said := ""
			if v := series[r.FormValue("query")]; v != "" {
				said = fmt.Sprintf(`{"metric":{"vantage":"par-1"},"value":[1,%q]}`, v)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[`+said+`]}}`)
		})
		if got, err := c.places(t.Context(), time.Now()); err != nil || fmt.Sprint(got) != tt.want {
			t.Errorf("%s: %v, %v, not %s", tt.name, got, err, tt.want)
		}
	}
}

// TestPaths: an engine knows two vantages, one of which did not say where it is.
func TestPaths(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		series := map[string]string{
			"milepost_vantage_latitude_degrees":          `{"metric":{"vantage":"par-1"},"value":[1,"48.8566"]}`,
			"milepost_vantage_longitude_degrees":         `{"metric":{"vantage":"par-1"},"value":[1,"2.3522"]}`,
			"milepost_path_rtt_min_7d_seconds" + pathsOf: `{"metric":{"vantage":"par-1","host":"nyc-1"},"value":[1,"0.07"]}`,
			"milepost_path_rtt_min_seconds" + pathsOf: `{"metric":{"vantage":"par-1","host":"nyc-1"},"value":[1,"0.077"]},{"metric":{"vantage":"cage","host":"nyc-1"},"value":[1,"0.1"]},` +
				`{"metric":{"vantage":"cage","host":"x"},"value":[1,"NaN"]},{"metric":{"vantage":"cage","host":"y"},"value":[1,"0"]},{"metric":{"vantage":"cage","host":"z"},"value":[1,"+Inf"]}`,
		}[r.FormValue("query")]
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[`+series+`]}}`)
	})
	paths, err := c.Paths(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	const want = "[{par-1 {par-1 48.8566 2.3522 true} nyc-1 77ms false} {cage { 0 0 false} nyc-1 100ms false} {par-1 {par-1 48.8566 2.3522 true} nyc-1 70ms true}]"
	if got := fmt.Sprint(paths); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	none := engine(t, "application/json", `{"status":"error","error":"too busy"}`)
	if _, err := none.Paths(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "too busy") {
		t.Errorf("an engine that is too busy: %v", err)
	}
}
