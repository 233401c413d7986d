package statusbar

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// daysOf is a past with an outage yesterday and, the day before it, maintenance,
// after a week that was good; what was before nobody knows.
func daysOf(_ string, now time.Time) []Day {
	all := make([]Day, pastDays)
	for i := range 7 {
		all[pastDays-10+i] = Day{Up: 86400}
	}
	all[pastDays-3] = Day{Up: 80000, Maintenance: 6400}
	all[pastDays-2] = Day{Up: 60000, Degraded: 3600, Down: 7200, Unknown: 15600}
	today := uint32(now.Sub(now.UTC().Truncate(24 * time.Hour)).Seconds())
	all[pastDays-1] = Day{Up: today}
	return all
}

func TestHistoryJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.Days = daysOf
		b := published(c)
		var d struct {
			Schema     string
			From       string
			Days       int
			Today      int `json:"today_s"`
			Components []struct {
				ID, Name string
				Days     [][]int
			}
		}
		if err := json.NewDecoder(get(b.Public(), "/history.json").Body).Decode(&d); err != nil {
			t.Fatal(err)
		}
		if d.Schema != "milepost.history/1" || d.From != "1999-10-04" || d.Days != 90 || d.Today != 42 || len(d.Components) != 6 {
			t.Errorf("%+v", d)
		}
		one := d.Components[1]
		if one.ID != "fra-1" || one.Name != "fra-1" || len(one.Days) != 90 {
			t.Errorf("%+v", one)
		}
		want := [][]int{nil, {86400}, {86400}, {86400}, {86400}, {86400}, {86400}, {86400}, {80000, 0, 0, 6400}, {60000, 3600, 7200}, {42}}
		if diff := cmp.Diff(want, one.Days[79:]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHistoryOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		var d struct{ Components []struct{ Days []any } }
		if err := json.NewDecoder(get(b.Public(), "/history.json").Body).Decode(&d); err != nil {
			t.Fatal(err)
		}
		if len(d.Components) != 6 || len(d.Components[0].Days) != 90 || d.Components[0].Days[89] != nil {
			t.Errorf("%+v", d)
		}
	})
}
