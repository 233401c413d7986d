package ping

import (
	"iter"
	"maps"
	"net/netip"
	"slices"

	"milepost/lib/metric"
)

// counters are what is counted of packets, for Prometheus.
var counters = [...]struct {
	name, help string
	of         func(Totals) uint64
}{
	{"ping_sent_total", "Echo requests sent.", func(t Totals) uint64 { return t.Sent }},
	{"ping_received_total", "Echo requests answered in time.", func(t Totals) uint64 { return t.Received }},
	{"ping_lost_total", "Echo requests not answered in their time.", func(t Totals) uint64 { return t.Lost }},
	{"ping_late_total", "Lost echo requests that were answered afterwards.", func(t Totals) uint64 { return t.Late }},
	{"ping_duplicates_total", "Further answers to one echo request.", func(t Totals) uint64 { return t.Duplicates }},
	{"ping_strays_total", "Answers from another address than was asked.", func(t Totals) uint64 { return t.Strays }},
	{"ping_void_total", "Echo requests whose answer this monitor may have missed itself.", func(t Totals) uint64 { return t.Void }},
}

// voids is how many of counters a round has: nothing of it is void.
const voids = len(counters) - 1

// A standing is what is exported of one stream.
type standing struct {
	host   string
	totals Totals
	usual  float64
	score  float64
	state  float64
}

// Samples are the streams' counters, baselines and scores as they are now.
func (s *Streams) Samples() iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		all := s.standings()
		pages := []metric.Sample{
			{Metric: "ping_socket_dropped_total", Help: "Answers that the kernel dropped because they were not read in time.", Kind: metric.Counter, Value: float64(s.echo.Dropped())},
			{Metric: "ping_common_cause", Help: "Whether so many hosts lose packets at once that this monitor's own path must be at fault.", Value: truth(s.common.is())},
		}
		for _, sample := range pages {
			if !yield(sample) {
				return
			}
		}
		for _, c := range counters {
			for _, st := range all {
				if !yield(metric.Sample{Metric: c.name, Help: c.help, Kind: metric.Counter, Value: float64(c.of(st.totals)), Labels: []string{"host", st.host}}) {
					return
				}
			}
		}
		for _, g := range []struct {
			name, help string
			unit       metric.Unit
			of         func(standing) float64
		}{
			{"ping_baseline_loss_ratio", "Share of packets whose loss is usual.", metric.Percent, func(st standing) float64 { return st.usual }},
			{"ping_loss_score", "Evidence that more is lost than usual: above 14.8 is one false alarm in 30 days of a packet a second.", metric.None, func(st standing) float64 { return st.score }},
			{"ping_loss_state", "How the loss is beside the usual: 0 as usual, 1 degraded, 2 down.", metric.None, func(st standing) float64 { return st.state }},
		} {
			for _, st := range all {
				if !yield(metric.Sample{Metric: g.name, Help: g.help, Unit: g.unit, Value: g.of(st), Labels: []string{"host", st.host}}) {
					return
				}
			}
		}
	}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// standings are of all hosts, by name.
func (s *Streams) standings() []standing {
	var all []standing
	for _, f := range s.sorted() {
		all = append(all, f.standing())
	}
	return all
}

// sorted are the streams by name.
func (s *Streams) sorted() []*flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	flows := make([]*flow, 0, len(s.hosts))
	for _, host := range slices.Sorted(maps.Keys(s.hosts)) {
		flows = append(flows, s.hosts[host])
	}
	return flows
}

func (f *flow) standing() standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settleAll()
	return standing{f.host, f.ledger.totals, f.usual.Loss, f.watch.Score(), float64(f.watch.State())}
}

// Histograms are the streams' round trips. Each is good until the next.
func (s *Streams) Histograms() iter.Seq[*metric.Histogram] {
	return func(yield func(*metric.Histogram) bool) {
		h := &metric.Histogram{Metric: "ping_rtt_seconds", Help: "Round trips.", Labels: []string{"host", ""}}
		for _, f := range s.sorted() {
			h.Labels[1] = f.host
			f.mu.Lock()
			f.rtts.into(h)
			f.mu.Unlock()
			if !yield(h) {
				return
			}
		}
	}
}

// Broken is how often a socket could not be read, and another had to be opened.
func (s *Streams) Broken() uint64 { return s.echo.Broken() }

// A Seen is what was seen of one stream.
type Seen struct {
	Host    string
	Address netip.Addr
	Totals  Totals
	Trips   metric.Histogram
}

// Seen is what was seen of all streams, by host. Each is good until the next.
func (s *Streams) Seen() iter.Seq[*Seen] {
	return func(yield func(*Seen) bool) {
		var seen Seen
		for _, f := range s.sorted() {
			f.mu.Lock()
			f.settleAll()
			seen.Host, seen.Address, seen.Totals = f.host, f.ledger.to, f.ledger.totals
			f.rtts.into(&seen.Trips)
			f.mu.Unlock()
			if !yield(&seen) {
				return
			}
		}
	}
}
