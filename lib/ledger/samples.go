package ledger

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/metric"
)

// Samples are the totals of the ledger, which never start at 0 again.
func (l *Ledger) Samples() iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		for _, s := range l.samples() {
			if !yield(s) {
				return
			}
		}
	}
}

func (l *Ledger) samples() []metric.Sample {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []metric.Sample
	count := func(name, help string, value int64, labels ...string) {
		all = append(all, metric.Sample{
			Metric: name, Help: help, Kind: metric.Counter, Value: float64(value),
			Labels: append([]string{"host", l.config.Server}, labels...),
		})
	}
	count("squid_bytes_total", "Bytes that squid sent its clients (out) and got from them (in).", l.totals.out, "direction", "out")
	if l.format.HasReceived {
		count("squid_bytes_total", "Bytes that squid sent its clients (out) and got from them (in).", l.totals.in, "direction", "in")
	}
	for _, r := range accesslog.Results {
		count("squid_requests_total", "Requests in squid's access log, by what came of them.", l.totals.results[r], "result", r.String())
	}
	for _, kind := range []string{"counted", "skipped", "malformed"} {
		count("squid_log_lines_total", "Lines of squid's access log.", l.totals.lines[kind], "kind", kind)
	}
	for _, kind := range slices.Sorted(maps.Keys(l.holes)) {
		count("ledger_holes_total", "Gaps in what was counted.", l.holes[kind], "kind", kind)
	}
	all = append(all, metric.Sample{
		Metric: "squid_log_lag_bytes", Help: "Bytes of the access log that are not counted yet.",
		Value: float64(l.lag), Labels: []string{"host", l.config.Server},
	})
	if !l.commit.IsZero() {
		all = append(all, metric.Sample{
			Metric: "ledger_last_commit_timestamp_seconds", Help: "When the ledger was last written.",
			Value: float64(l.commit.UnixMilli()) / 1000,
		})
	}
	return all
}

// other is the name of all users who are not among the top ones.
const other = "_other"

// UserSamples are what users consumed: the top ones by name, the rest together.
func (l *Ledger) UserSamples() iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		l.mu.Lock()
		users := maps.Clone(l.users)
		l.mu.Unlock()
		names := slices.SortedFunc(maps.Keys(users), func(a, b string) int {
			return cmp.Or(cmp.Compare(users[b].Out, users[a].Out), cmp.Compare(a, b))
		})
		tell := func(user string, s sums) bool {
			who := []string{"host", l.config.Server, "user", user}
			bytes := func(direction string, n int64) bool {
				return yield(metric.Sample{
					Metric: "squid_user_bytes_total", Help: "Bytes that squid sent to a user (out) and got from it (in).", Kind: metric.Counter,
					Value: float64(n), Labels: append(slices.Clone(who), "direction", direction),
				})
			}
			return bytes("out", s.Out) && (!l.format.HasReceived || bytes("in", s.In)) && yield(metric.Sample{
				Metric: "squid_user_requests_total", Help: "Requests of a user that are billed.", Kind: metric.Counter,
				Value: float64(s.Requests), Labels: who,
			})
		}
		var rest sums
		for i, name := range names {
			if l.config.TopUsers > 0 && i >= l.config.TopUsers {
				rest = rest.plus(users[name])
				continue
			}
			if !tell(accesslog.Shown(name), users[name]) {
				return
			}
		}
		if rest.Requests > 0 {
			tell(other, rest)
		}
	}
}

// Bytes is what all users together were sent, ever and in the last 24 hours.
func (l *Ledger) Bytes() (total, day uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := time.Now().Add(-24 * time.Hour).Unix()
	for bucket, n := range l.days {
		if bucket >= since {
			day += uint64(n)
		}
	}
	return uint64(l.totals.out), day
}
