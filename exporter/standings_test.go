package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// proxies is an inventory with a proxy for each of the places: "gandi" is a label, "/eu" a
// group.
func proxies(t *testing.T, status string, places ...string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "defaults: {checks: {squid_auth: {user: monitor, password_file: %s, urls: [\"http://127.0.0.1:9/\"]}}}\nstatus: {%s}\nhosts:\n", secretFile(t, "s3cret"), status)
	for i, place := range places {
		label, group, _ := strings.Cut(place, "/")
		fmt.Fprintf(&b, "  - {name: h%d, address: 127.0.0.1, group: %q, labels: {provider: %q}}\n", i, group, label)
	}
	return b.String()
}

func TestCheckConfigTellsWhoCannotBeAsked(t *testing.T) {
	for _, row := range []struct {
		situation, status string
		places            []string
		want              string
	}{
		{"two providers", "", []string{"gandi", "ovh"}, ""},
		{"one proxy", "", []string{"gandi"}, ""},
		{"groups stand for providers", "", []string{"/eu", "/us"}, ""},
		{"all are of one", "", []string{"gandi", "gandi", "gandi", "gandi", "gandi"}, "note: status.second_opinion: nobody can be asked about h0, h1, h2 and 2 more before they are shown as down: all are of one provider; labels: {provider: NAME} tell providers apart"},
		{"nobody knows", "", []string{"", ""}, "note: status.second_opinion: nobody knows who runs h0, h1: each is taken for a provider of its own, unless labels: {provider: NAME} says otherwise"},
		{"it is switched off", "second_opinion: false", []string{"gandi", "gandi"}, ""},
	} {
		exit, out, faults := execute("check-config", inventoryFile(t, proxies(t, row.status, row.places...)))
		if note := strings.Contains(out, "note: status.second_opinion"); exit != 0 || !strings.Contains(out, row.want) || note != (row.want != "") {
			t.Errorf("%s: %d %s%s, want %q", row.situation, exit, out, faults, row.want)
		}
	}
}

// second_opinion: false asks nobody, whoever fails.
func TestSecondOpinionCanBeSwitchedOff(t *testing.T) {
	for status, want := range map[string]int{"": 1, "second_opinion: true": 1, "second_opinion: false": 0} {
		f := defaultFlags()
		f.ConfigFile, f.StateDir = inventoryFile(t, proxies(t, status, "gandi", "ovh")), t.TempDir()
		loaded, err := f.load(served())
		if err != nil {
			t.Fatal(err)
		}
		m, err := newMonitor(f, loaded, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		for n, says := range []verdict.Status{verdict.OK, verdict.Critical} {
			for _, host := range []string{"h1", "h0"}[:2-n] {
				v := verdict.Verdict{Status: says, Reason: metric.ReasonRefused}
				at := now.Add(time.Duration(n) * time.Second)
				m.standings.Take(host, []check.Outcome{{Check: "squid_auth", Host: host, At: at, Verdict: v}}, at)
			}
		}
		if got := len(m.opinions.queue); got != want {
			t.Errorf("status: {%s}: others are to be asked about %d hosts, want %d", status, got, want)
		}
	}
}
