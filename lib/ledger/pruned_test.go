package ledger

import (
	"os"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/secret"
)

// What was pruned in the fleet's ledger is not taken for what was never sent.
func TestRealPrunedFleetLedger(t *testing.T) {
	postgres := peers.StartPostgres(t)
	central := Central{URL: postgres.URL, Password: secret.New(postgres.Password)}
	x := newProxy(t, "fra-1", central)
	old := time.Date(2025, 10, 20, 12, 0, 0, 0, time.UTC)
	x.serves(line(old, "TCP_MISS", 200, 100, "alice"), line(noon, "TCP_MISS", 200, 5, "alice"), line(time.Unix(3, 0), "TCP_MISS", 200, 1, "alice"))
	x.mustPublish()
	prune, err := os.ReadFile("../../contrib/postgresql/prune.sql")
	if err != nil {
		t.Fatal(err)
	}
	remote, err := central.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	remote.SetMaxOpenConns(1) // BEGIN and COMMIT belong together
	for statement := range strings.SplitSeq(string(prune), ";\n") {
		exec1(t, remote, statement)
	}
	var id string
	if err := remote.QueryRow("SELECT ledger FROM ledgers").Scan(&id); err != nil {
		t.Fatal(err)
	}
	expect := func(situation, want string) {
		t.Helper()
		for _, by := range []string{"month", "day"} {
			got := asked(t, central, Query{By: []string{"user", by}})
			if by == "day" {
				got = strings.NewReplacer("2025-10-20", "2025-10", "2026-11-20", "2026-11").Replace(got)
			}
			if got, _, _ = strings.Cut(got, ", hole"); got != want {
				t.Errorf("%s, by %s:\ngot  %s\nwant %s", situation, by, got, want)
			}
		}
	}
	const more = "alice 2025-10 110/-/2, alice 2026-11 6/-/2, alice unknown 1/-/1, bob 2025-10 7/-/1"
	const first = "alice 2025-10 100/-/1, alice 2026-11 5/-/1, alice unknown 1/-/1"
	expect("pruned", first)
	if err := Adopt(t.Context(), x.Path, id); err != nil { // it sends all that it has
		t.Fatal(err)
	}
	_ = x.publishes()
	x.waits()
	x.mustPublish()
	expect("sent again", first)
	x.serves(line(old.Add(time.Hour), "TCP_MISS", 200, 7, "bob"), line(old.Add(time.Hour), "TCP_MISS", 200, 10, "alice"), line(noon, "TCP_MISS", 200, 1, "alice"))
	x.mustPublish()
	expect("more of a day that was pruned", more)
	x.Timezone = "Asia/Tokyo"
	x.serves()
	const want = "nothing is sent: its days before 2025-11-01 are those of UTC, and the quarters of an hour that would tell those of Asia/Tokyo are pruned: billing.timezone must stay UTC"
	if err := x.publishes(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v", err)
	}
	expect("another zone", more)
	x.Timezone = "UTC"
	x.serves()
	x.mustPublish()
	expect("and back", more)
}
