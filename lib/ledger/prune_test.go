package ledger

import (
	"testing"
	"time"
)

// Old buckets wait for the fleet's ledger that is configured, and for no other.
func TestOldBucketsWaitForTheFleet(t *testing.T) {
	const here, elsewhere = "db.example.net/milepost", "old.example.net/milepost"
	for _, row := range []struct {
		situation, url string
		published      map[string]int64 // revision by target
		left           int
	}{
		{"there is none", "", nil, 0},
		{"there was one once", "", map[string]int64{elsewhere: -1}, 0},
		{"it was never reached", "postgres://u@" + here, nil, 1},
		{"it has not got them yet", "postgres://u@" + here, map[string]int64{here: 0}, 1},
		{"it has them", "postgres://u@" + here, map[string]int64{here: 100}, 0},
		{"it has them, and one that was there before has not", "postgres://u@" + here, map[string]int64{here: 100, elsewhere: -1}, 0},
	} {
		t.Run(row.situation, func(t *testing.T) {
			c := config(t.TempDir())
			write(t, c.Globs[0], line(time.Now().Add(-900*24*time.Hour), "TCP_MISS", 200, 7, "alice"))
			follow(t, c).Close()
			c.KeepBuckets, c.Fleet.URL = 400*24*time.Hour, row.url
			l, err := Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for target, revision := range row.published {
				if _, err := l.db.Exec("INSERT INTO published VALUES ($1, $2, '', '')", target, revision); err != nil {
					t.Fatal(err)
				}
			}
			drain(t, l)
			var left int
			if err := l.db.QueryRow("SELECT count(*) FROM usage").Scan(&left); err != nil || left != row.left {
				t.Errorf("%d buckets are left, want %d, %v", left, row.left, err)
			}
			if got := usage(t, c, "user"); got["alice"] != "7/1" {
				t.Errorf("%v", got)
			}
		})
	}
}
