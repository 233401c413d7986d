package ledger

import (
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
	now := &l.served
	var all []metric.Sample
	add := func(s metric.Sample, labels ...string) {
		s.Labels = append([]string{"host", l.config.Server}, labels...)
		all = append(all, s)
	}
	count := func(name, help string, value int64, labels ...string) {
		add(metric.Sample{Metric: name, Help: help, Kind: metric.Counter, Value: float64(value)}, labels...)
	}
	count("squid_bytes_total", "Bytes that squid sent its clients (out) and got from them (in).", now.out, "direction", "out")
	if l.format.HasReceived {
		count("squid_bytes_total", "Bytes that squid sent its clients (out) and got from them (in).", now.in, "direction", "in")
	}
	for _, r := range accesslog.Results {
		count("squid_requests_total", "Requests in squid's access log, by what came of them.", now.results[r], "result", r.String())
	}
	for _, kind := range []string{"counted", "skipped", "malformed"} {
		count("squid_log_lines_total", "Lines of squid's access log.", now.lines[kind], "kind", kind)
	}
	for _, kind := range holeKinds {
		count("ledger_holes_total", "Gaps in what was counted.", now.holes[kind], "kind", kind)
	}
	counting := metric.Flag("", now.counting, "", "", "")
	counting.Metric, counting.Help = "ledger_counting", CountingHelp
	add(counting)
	if now.lag >= 0 {
		add(metric.Sample{Metric: "squid_log_lag_bytes", Help: "Bytes of the access log that are not counted yet.", Value: float64(now.lag)})
	}
	if now.committed > 0 {
		all = append(all, metric.Sample{
			Metric: "ledger_last_commit_timestamp_seconds", Help: "When the ledger was last written.", Value: float64(now.committed) / 1000,
		})
	}
	if now.publishing {
		published := metric.Flag("", now.publishedOK, "", "", "")
		published.Metric, published.Help = "ledger_publishing", "Whether the last try to bring the fleet's ledger up to date went well."
		add(published)
		add(metric.Sample{Metric: "ledger_unpublished_commits", Help: "Commits that the fleet's ledger has not got yet.", Value: float64(now.unsent)})
		if now.published > 0 {
			add(metric.Sample{Metric: "ledger_last_publish_timestamp_seconds", Help: "When the fleet's ledger was last brought up to date.", Value: float64(now.published) / 1000})
		}
	}
	return all
}

// CountingHelp explains ledger_counting, which is told of a ledger that cannot be opened too.
const CountingHelp = "Whether the access log is being counted here: 0 while the ledger cannot be written, another process writes it, or a log has not been there, or readable, for half a minute."

// other is the name of all users who are not among the top ones, and spelled what a
// user of that very name is called, so that the two stay apart.
const (
	other   = "_other"
	spelled = "%5Fother"
)

// UserSamples are what users consumed: the top ones by name, the rest together.
func (l *Ledger) UserSamples() iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		l.mu.Lock()
		users := maps.Clone(l.served.users)
		rest := l.served.other
		l.served.floor = rest // from now on it must not be less
		l.mu.Unlock()
		best, _ := top(maps.All(users), l.config.TopUsers)
		for _, r := range best {
			if !l.tell(l.label(r.name), r.user, yield) {
				return
			}
		}
		if rest.Requests > 0 {
			l.tell(other, user{sums: rest}, yield)
		}
	}
}

// A Consumer is what one user consumed since the ledger began.
type Consumer struct {
	User          string // as shown, or its pseudonym; "" = nobody
	Out, Requests int64  // bytes that squid sent, and requests
}

// Top are the n users that were sent the most, the greatest first.
func (l *Ledger) Top(n int) []Consumer {
	l.mu.Lock()
	users := maps.Clone(l.served.users)
	l.mu.Unlock()
	best, _ := top(maps.All(users), n)
	var all []Consumer
	for _, r := range best {
		all = append(all, Consumer{l.label(r.name), r.user.Out, r.user.Requests})
	}
	return all
}

// tell yields what one user consumed.
func (l *Ledger) tell(label string, u user, yield func(metric.Sample) bool) bool {
	who := []string{"host", l.config.Server, "user", label}
	var since time.Time
	if u.since > 0 {
		since = time.Unix(u.since, 0)
	}
	bytes := func(direction string, n int64) bool {
		return yield(metric.Sample{
			Metric: "squid_user_bytes_total", Help: "Bytes that squid sent to a user (out) and got from it (in).", Kind: metric.Counter,
			Value: float64(n), Labels: append(slices.Clone(who), "direction", direction), Since: since,
		})
	}
	return bytes("out", u.Out) && (!l.format.HasReceived || bytes("in", u.In)) && yield(metric.Sample{
		Metric: "squid_user_requests_total", Help: "Requests of a user that are billed.", Kind: metric.Counter,
		Value: float64(u.Requests), Labels: who, Since: since,
	})
}

// label is a user's name as metrics have it.
func (l *Ledger) label(key string) string {
	switch {
	case key == "" || l.config.Pseudonyms.IsZero() && key != other:
		return accesslog.Shown(key)
	case l.config.Pseudonyms.IsZero():
		return spelled
	default:
		return pseudonym(l.config.Pseudonyms, key)
	}
}
