// Package clock measures the offset of a host's clock: the host's time minus the
// true time, so that a clock that is ahead has a positive offset.
//
// A host tells its time over SNMP, NTP or HTTP; SNMP and HTTP in whole seconds; this
// machine's own clock is simply read. An
// answer proves that the host's clock was in an interval as wide as the round trip
// and the resolution, and nothing more: the interval is what is reported.
// Further questions are aimed at the tick of the host's clock and narrow it.
//
// The true time is the monitor's, as far as somebody vouches for it: see Reference.
package clock

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"milepost/lib/metric"
)

const (
	// moreQueries is how often the host is asked again.
	moreQueries = 5

	// usualPatience is how long a stage may take where nobody said.
	usualPatience = 5 * time.Second

	// maxStep is what the monitor's wall and monotonic clocks may differ by before
	// the wall clock must have been set: above what a busy machine puts between
	// the two readings.
	maxStep = 50 * time.Millisecond
)

// A Result is what is known of the host's clock so far.
type Result struct {
	Source     Source
	Queries    int           // how many were answered, a burst being one
	BestOf     int           // how many answers the first burst had; 0 = there was none
	Resolution time.Duration // of the host's answers
	RTT        time.Duration // the shortest round trip

	// The host's clock minus the true time lies between Lo and Hi if the host's
	// answers were no older than they seem. Age is by how much they may be older.
	// That makes a clock look late; an old answer that looks on time would have to
	// be as old as the clock is ahead, to the second, which is not assumed.
	Lo, Hi, Age time.Duration

	Last   bool          // the host cannot be asked again
	Cached bool          // some answers came out of a cache
	Still  time.Duration // for how long the same answer was given
	Set    bool          // the host's clock was set while it was measured
	Server string        // what an NTP server says of itself
	Clock  MonitorClock  // who vouches for the monitor's clock

	OID            OID
	Virtualization string
	Stages         []metric.Stage
}

// A source asks a host for its time.
type source struct {
	doing string                                // what errors and stages call a question
	live  bool                                  // see tracker
	fresh bool                                  // see tracker
	pace  time.Duration                         // the least time from one question to the next, a burst's aside
	burst int                                   // the first question is as many, sent one after the other; 0 = one
	hint  string                                // what silence usually means
	ask   func(context.Context) (answer, error) // one question
	close func()
}

// An answer is a reading and what was said.
type answer struct {
	reading
	said   string // the exchange
	server string // what an NTP server says of itself
	of     int    // how many answers this is the best of; 0 = one
	enough error  // why the host must not be asked again; nil = it may be
}

// Measure yields what is known of t's clock after each answer. Who reads on has not
// heard enough: it asks up to five times more, for at most t.Patience. With
// c.Precise it yields once, at the end.
//
// A clock that looks late is not yet known to be: see Result.Age. If it cannot be
// asked again, the last thing yielded is that error. One that looks early to a single
// answer in whole seconds is asked again as well; if it cannot be, it stays early.
func Measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		if c.now == nil {
			c.now = now
		}
		m := measurement{config: c, patience: patienceOf(ctx, t), began: c.now()}
		m.result = Result{Source: c.Source, OID: c.SNMP.OID, Virtualization: c.Virtualization}
		if m.result.Virtualization == "" {
			m.result.Virtualization = t.Virtualization
		}
		if err := m.vouch(ctx); err != nil {
			yield(m.result, err)
			return
		}
		src, err := c.open(ctx, t, m.result.Clock)
		if err != nil {
			yield(m.result, err)
			return
		}
		defer src.close()
		m.source = src
		m.tracker = tracker{live: src.live, fresh: src.fresh}
		m.run(ctx, yield)
	}
}

// patienceOf is how long one stage may wait.
func patienceOf(ctx context.Context, t metric.Target) time.Duration {
	if t.Patience > 0 {
		return t.Patience
	}
	if end, ok := ctx.Deadline(); ok {
		return time.Until(end) / 2
	}
	return usualPatience
}

// open makes the source that c says, for a monitor whose clock is known so.
func (c Config) open(ctx context.Context, t metric.Target, monitor MonitorClock) (source, error) {
	switch c.Source {
	case OverSNMP:
		return c.overSNMP(ctx, t)
	case OverHTTP:
		return c.overHTTP(t), nil
	case Local:
		return c.onThisMachine(t, monitor)
	default:
		return c.overNTP(t), nil
	}
}

// A measurement is one run of Measure.
type measurement struct {
	config   Config
	patience time.Duration
	began    instant
	source   source
	tracker  tracker
	result   Result
	enough   error // why the host must not be asked again; nil = it may be
}

// run asks, and asks again until nobody listens any more.
func (m *measurement) run(ctx context.Context, yield func(Result, error) bool) {
	err := m.ask(ctx, m.patience, m.patience/7)
	if err != nil {
		yield(m.result, err)
		return
	}
	end := time.Now().Add(m.patience)
	for range moreQueries {
		if !m.config.Precise && !yield(m.result, nil) {
			return
		}
		if err = m.again(ctx, end); err != nil {
			break
		}
	}
	m.result.Last = true
	switch r := m.result; {
	case err == nil, r.Queries == 0:
	case r.Age == unbounded && r.Hi < 0:
		err = fmt.Errorf("the clock looks %s behind, which may be an old answer's doing: %w", short(-r.Hi), err)
	default:
		err = nil // what is known stands
	}
	yield(m.result, err)
}

// again waits for the moment that tells most and asks once more. It ends at end.
func (m *measurement) again(ctx context.Context, end time.Time) error {
	if m.enough != nil {
		return fmt.Errorf("%s again: %w", m.source.doing, m.enough)
	}
	soon, best := m.tracker.next(m.config.now())
	pace := m.source.pace - m.config.now().since(m.tracker.last.sent)
	left := time.Until(end)
	wait := max(best, pace)
	if wait+m.tracker.rtt > left {
		wait = max(soon, pace)
	}
	if wait+m.tracker.rtt > left {
		return fmt.Errorf("%s again: that takes %s and -t leaves %s for it: raise -t",
			m.source.doing, short(wait+m.tracker.rtt), short(left))
	}
	select {
	case <-ctx.Done():
		return &metric.Interrupted{Stage: m.source.doing + " again", Err: ctx.Err()}
	case <-time.After(wait):
	}
	left = time.Until(end)
	return m.ask(ctx, left, max(left/7, 3*m.tracker.rtt))
}

// ask asks until there is an answer, for at most patience. The first question
// waits for share, each further one twice as long as the one before it: a lost
// packet costs little, and a slow path is heard in the end.
func (m *measurement) ask(ctx context.Context, patience, share time.Duration) error {
	stage := metric.Stage{Doing: m.source.doing}
	began := time.Now()
	defer func() {
		stage.Took = time.Since(began)
		m.result.Stages = append(m.result.Stages, stage)
	}()
	tries := 0
	for {
		tries++
		wait := patience - time.Since(began)
		if wait > share+share/2 { // else too little would be left for another
			wait = share
		}
		limited, cancel := context.WithTimeout(ctx, wait)
		a, err := m.source.ask(limited)
		cancel()
		if err == nil {
			if m.tracker.n == 0 {
				a = m.burst(ctx, a, patience-time.Since(began))
			}
			stage.Said = fmt.Sprintf("%s; here it was %s", a.said, a.received.wall.UTC().Format(time.RFC3339Nano))
			return m.learn(a)
		}
		share *= 2
		enough := time.Since(began) >= patience
		switch {
		case ctx.Err() != nil:
			return &metric.Interrupted{Stage: stage.Doing, Err: ctx.Err()}
		case silent(err) && enough:
			return silence(stage.Doing, patience, tries, m.source.hint)
		case silent(err), errors.Is(err, errGarbled) && tries < maxGarbled:
		default:
			return fmt.Errorf("%s: %w", stage.Doing, err)
		}
	}
}

// maxGarbled is how many answers may be garbled.
const maxGarbled = 3

// learn takes an answer into account.
func (m *measurement) learn(a answer) error {
	if by := a.received.stepped(m.began); by.Abs() > maxStep {
		m.result.Queries = 0 // what was measured is worth nothing
		return distrust("was stepped by %s during the measurement", short(by))
	}
	t, r := &m.tracker, &m.result
	t.add(a.reading)
	m.enough, r.BestOf = a.enough, max(r.BestOf, a.of)
	r.Queries, r.Resolution, r.RTT = t.n, a.resolution, t.rtt
	r.Lo, r.Hi, r.Age = t.interval()
	r.Lo += r.Clock.Lo
	r.Hi += r.Clock.Hi
	r.Cached, r.Still, r.Set = t.cached, t.still, t.set
	r.Server = a.server
	return nil
}
