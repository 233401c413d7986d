package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/secret"
)

// What one transaction or one statement does not take goes in several, each row once;
// and the password comes from where libpq's users keep it.
func TestRealFleetLedgerInBatches(t *testing.T) {
	postgres := peers.StartPostgres(t)
	central := Central{URL: postgres.URL, Password: secret.New(postgres.Password)}
	x := newProxy(t, "fra-1", central)
	const commits, buckets, users = 5, 90, 1200
	for i := range commits { // a commit's buckets are not parted
		var lines []string
		for j := range buckets {
			lines = append(lines, line(noon.Add(-time.Duration(i*buckets+j)*15*time.Minute), "TCP_MISS", 200, 1, "alice"))
		}
		x.serves(lines...)
	}
	var lines []string
	for i := range users {
		lines = append(lines, line(noon, "TCP_MISS", 200, 2, fmt.Sprint("user", i)))
	}
	x.serves(lines...)

	l, err := Open(t.Context(), x.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := &publisher{Ledger: l, central: central, target: "test", forgotten: map[note]bool{}}
	defer p.close()
	if p.remote, err = central.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.local, err = openWritten(t.Context(), x.Path); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{200, 400, commits*buckets + 1} {
		more, err := p.send(t.Context())
		if err != nil || more != (i < 2) {
			t.Fatalf("transaction %d: more %v, %v", i+1, more, err)
		}
		if got := asked(t, central, Query{By: []string{"user"}, To: noon.Add(time.Hour)}); !strings.HasPrefix(got, fmt.Sprintf("alice %[1]d/-/%[1]d", want)) {
			t.Errorf("after transaction %d: %.100s, want %d", i+1, got, want)
		}
		if i == 0 { // one in a bucket that was sent, one in a bucket that was not, of others who have some there
			x.serves(line(noon.Add(-(commits*buckets-1)*15*time.Minute), "TCP_MISS", 200, 3, "bob"), line(noon, "TCP_MISS", 200, 1, "alice"))
		}
	}
	if more, err := p.send(t.Context()); err != nil || more {
		t.Fatalf("what came meanwhile: more %v, %v", more, err)
	}
	if got, want := asked(t, central, Query{By: []string{"server"}}), fmt.Sprintf("fra-1 %d/-/%d", commits*buckets+1+3+2*users, commits*buckets+2+users); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var there int
	if err := p.remote.QueryRow("SELECT count(*) FROM usage").Scan(&there); err != nil || there != commits*buckets+1+users {
		t.Errorf("%d rows, %v", there, err)
	}
	byUser := func(rows []Row, _ []Hole, err error) string { return fmt.Sprint(len(rows), rows, err) }
	q := Query{By: []string{"user", "month"}}
	if here, there := byUser(Usage(t.Context(), x.Path, q)), byUser(central.Usage(t.Context(), q)); here != there {
		t.Errorf("the proxy's own has\n%.300s\nthe fleet's\n%.300s", here, there)
	}

	t.Run("a commit between two questions", func(t *testing.T) {
		x.serves(line(noon, "TCP_MISS", 200, 10, "carol"))
		s, err := p.state(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		x.serves(line(noon, "TCP_MISS", 200, 20, "dave")) // in carol's bucket
		tx, err := p.remote.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		w, err := p.fill(t.Context(), tx, s, window{from: s.acked, upTo: -1, after: -1})
		if err := errors.Join(err, tx.Commit()); err != nil || w.more || w.upTo != s.revision+1 {
			t.Fatalf("%+v, of revision %d: %v", w, s.revision, err)
		}
		for _, user := range []string{"carol 10/-/1", "dave 20/-/1"} {
			if got := asked(t, central, Query{By: []string{"user"}}); !strings.Contains(got, user) {
				t.Errorf("no %s in %.200s", user, got)
			}
		}
	})
	t.Run("PGPASSFILE", func(t *testing.T) {
		bare := Central{URL: postgres.URL}
		t.Setenv("PGPASSFILE", filepath.Join(t.TempDir(), "none"))
		if _, _, err := bare.Usage(t.Context(), Query{}); err == nil {
			t.Error("it needs no password")
		}
		file := filepath.Join(t.TempDir(), "pgpass")
		if err := os.WriteFile(file, []byte(fmt.Sprintf("127.0.0.1:%d:postgres:milepost:%s\n", postgres.Port, postgres.Password)), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PGPASSFILE", file)
		if got := asked(t, bare, Query{By: []string{"server"}}); !strings.HasPrefix(got, "fra-1 ") {
			t.Error(got)
		}
	})
}

// BenchmarkRealYear is what a bill asks of the fleet's ledger: a year of 10,000 users, each
// at five of 50 servers, one a day.
func BenchmarkRealYear(b *testing.B) {
	postgres := peers.StartPostgres(b)
	central := Central{URL: postgres.URL, Password: secret.New(postgres.Password)}
	db, err := central.open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`INSERT INTO ledgers SELECT 'server' || s, 'ledger' || s, 'UTC', 0, 1, '', 0 FROM generate_series(0, 49) s`,
		`INSERT INTO usage_monthly SELECT 'server' || (u + s * 7) % 50, 'ledger' || (u + s * 7) % 50, 'user' || u, to_char(date '2026-01-01' + m * interval '1 month', 'YYYY-MM'), u + m, u, 6
			FROM generate_series(0, 9999) u, generate_series(0, 4) s, generate_series(0, 11) m`,
		`INSERT INTO usage_daily SELECT 'server' || (u + d % 5 * 7) % 50, 'ledger' || (u + d % 5 * 7) % 50, 'user' || u, to_char(date '2026-01-01' + d, 'YYYY-MM-DD'), u + d, u, 1
			FROM generate_series(0, 9999) u, generate_series(0, 364) d`,
		"ANALYZE",
	} {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	year := Query{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, row := range []struct {
		by   string
		from time.Time
	}{
		{"user", year.From},
		{"user,server", year.From},
		{"user,month", year.From},
		{"server,month", year.From},
		{"user", year.From.AddDate(0, 0, 9)},
		{"server,day", year.From},
		{"day", year.From},
		{"user,server,day", year.From.AddDate(0, 11, 0)}, // a month's bill: the whole year is 3,650,000 rows, which takes more than a minute
	} {
		b.Run(row.by+" from "+row.from.Format(time.DateOnly), func(b *testing.B) {
			q := year
			q.From, q.By = row.from, strings.Split(row.by, ",")
			rows := 0
			for b.Loop() {
				all, _, err := central.Usage(b.Context(), q)
				if err != nil {
					b.Fatal(err)
				}
				rows = len(all)
			}
			b.ReportMetric(float64(rows), "rows")
		})
	}
}
