package ledger

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"milepost/lib/peers"
	"milepost/lib/secret"
)

// vocabulary is the SQL that PostgreSQL, CockroachDB, YugabyteDB and Citus all take, as
// their manuals have it: no types, functions, locks or sequences that one of them lacks.
const vocabulary = `SELECT DISTINCT FROM WHERE AND OR IN AS GROUP ORDER BY HAVING FOR UPDATE SET INSERT INTO VALUES ON CONFLICT DO EXCLUDED
	DELETE CREATE TABLE IF NOT EXISTS NULL PRIMARY KEY TEXT BIGINT CASE WHEN THEN END IS CAST COUNT SUM MIN MAX COALESCE SUBSTR
	BEGIN COMMIT ROLLBACK ISOLATION LEVEL REPEATABLE READ ONLY`

// statements hears what is sent to the database.
type statements struct {
	mu  sync.Mutex
	all map[string]bool
}

// TraceQueryStart is part of pgx.QueryTracer.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[q.SQL] = true
	return ctx
}

// TraceQueryEnd is part of pgx.QueryTracer.
func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Only PostgreSQL is here to be tried: that the others take every statement too is held
// by what statements may be made of.
func TestRealSQLThatAllTake(t *testing.T) {
	postgres := peers.StartPostgres(t)
	heard := &statements{all: map[string]bool{}}
	central := Central{URL: postgres.URL, Password: secret.New(postgres.Password), tracer: heard}
	x := newProxy(t, "fra-1", central)
	x.serves(line(noon, "TCP_MISS", 200, 1, "alice"), line(noon.Add(-70*24*time.Hour), "TCP_MISS", 200, 1, "bob"), "no line\n")
	x.mustPublish()
	if _, err := central.Forget(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := Forget(t.Context(), x.Path, "bob"); err != nil {
		t.Fatal(err)
	}
	x.mustPublish()
	x.Timezone = "Asia/Tokyo"
	x.serves(line(noon, "TCP_MISS", 200, 1, "alice"))
	x.mustPublish()
	tokyo, err := time.LoadLocation(x.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range [][]string{nil, {"user"}, {"server", "hour"}, {"user", "day"}, {"month"}} {
		for _, from := range []time.Time{{}, noon.Add(-100 * 24 * time.Hour).Truncate(time.Hour)} {
			for _, zone := range []*time.Location{time.UTC, tokyo} {
				asked(t, central, Query{By: by, From: from, Zone: zone})
			}
		}
	}

	columns := strings.Fields("usage usage_daily usage_monthly ledgers holes forgotten server ledger user bucket day month bytes_out bytes_in requests " +
		"timezone pruned revision stamp seen kind path detail begins quarter ends at until count hash pseudonym blind")
	words := regexp.MustCompile(`[A-Za-z_]+`)
	quoted := regexp.MustCompile(`'[^']*'|--[^\n]*`)
	if len(heard.all) < 30 {
		t.Errorf("only %d statements were heard", len(heard.all))
	}
	for statement := range heard.all {
		for _, word := range words.FindAllString(quoted.ReplaceAllString(statement, ""), -1) {
			if !slices.Contains(strings.Fields(vocabulary), strings.ToUpper(word)) && !slices.Contains(columns, word) {
				t.Errorf("%q is not what all of them take:\n%.300s", word, statement)
			}
		}
		for _, sign := range []string{"::", "||", "~", "->", "[", "$$"} {
			if strings.Contains(quoted.ReplaceAllString(statement, ""), sign) {
				t.Errorf("%s is not what all of them take:\n%.300s", sign, statement)
			}
		}
	}
	// Each table but the small list of names has the server in its key: by it they are spread.
	for _, table := range strings.Split(CentralSchema(), "CREATE TABLE IF NOT EXISTS ")[1:] {
		name, _, _ := strings.Cut(table, " ")
		if name != "forgotten" && !regexp.MustCompile(`PRIMARY KEY \(server, ledger, |server TEXT NOT NULL PRIMARY KEY`).MatchString(table) {
			t.Errorf("%s is not keyed by the server", name)
		}
	}
}
