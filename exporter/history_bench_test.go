package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/statusbar"
)

// BenchmarkRound folds a round of 1,000 hosts into the history and publishes it, up
// to the compressed status.json.
func BenchmarkRound(b *testing.B) {
	p := openPast(b.Context(), b.TempDir(), slog.New(slog.DiscardHandler))
	defer p.close()
	now := time.Now()
	bar := statusbar.New(statusbar.Config{Interval: time.Minute, Days: p.days, Changes: p.changes}, nil, now)
	hosts := func() []statusbar.Component {
		all := make([]statusbar.Component, 1000)
		for i := range all {
			all[i].ID = fmt.Sprintf("proxy-%04d", i)
			all[i].Standing = hoststate.Standing{Status: hoststate.Up, Since: now, CheckedAt: now, Latency: time.Second}
		}
		return all
	}
	at := now
	for b.Loop() {
		at = at.Add(time.Minute)
		all := hosts()
		p.tell(at, time.Minute, all)
		bar.Publish(at, at, all, hoststate.Monitor{Total: 1, Healthy: 1})
		r := httptest.NewRequest(http.MethodGet, "/status.json", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		bar.Public().ServeHTTP(httptest.NewRecorder(), r)
	}
}
