package ping

import (
	"context"
	"fmt"
	"time"

	"milepost/lib/crew"
	"milepost/lib/metric"
)

// A round is one run of Measure: some packets, or a stream without end.
type round struct {
	ledger
	plan   Plan
	window int           // how many packets are judged
	fitted time.Duration // the time that the plan had to be fitted into; 0 = it is as it was wanted
	doing  string        // pinging "fra-1" (192.0.2.1)
	began  time.Time
	usual  Usual
	echo   func(context.Context, Plan, func(Event)) error
}

func newRound(ctx context.Context, t metric.Target, c Config) *round {
	to := t.Addrs[0].Unmap()
	r := &round{
		plan:   Plan{To: to, Count: c.Count, Spacing: c.Spacing},
		window: c.Count,
		doing:  fmt.Sprintf("pinging %q", t.Address),
		began:  time.Now(),
		echo:   c.Echo,
	}
	if t.Address != to.String() {
		r.doing += fmt.Sprintf(" (%v)", to)
	}
	if r.echo == nil {
		r.echo = overNetwork
	}
	r.ledger = ledger{to: to, patience: t.Patience}
	if deadline, ok := ctx.Deadline(); ok && c.Count > 0 {
		r.end = deadline.Add(-closing)
		r.fit(time.Until(deadline))
	}
	if c.Count == 0 {
		r.window = c.Window
	}
	r.keep = max(r.window, remembered)
	r.usual = c.usual(r.plan.Spacing, r.window)
	r.onset = r.usual.chain.Onset()
	return r
}

// remembered is how many settled packets are kept at least, to know late
// answers by.
const remembered = 16

// fit fits the plan into the time there is.
func (r *round) fit(time time.Duration) {
	n, spacing := fit(r.plan.Count, r.plan.Spacing, r.wait(), time-closing)
	if n != r.plan.Count || spacing != r.plan.Spacing {
		r.plan.Count, r.plan.Spacing, r.window, r.fitted = n, spacing, n, time
	}
}

// run pings until the round is over, ctx ends or yield says so. The pinger has
// ended when it returns.
func (r *round) run(ctx context.Context, yield func(Result, error) bool) {
	var pinger crew.Crew
	defer pinger.Wait()
	sending, stop := context.WithCancel(ctx)
	defer stop()
	events, over := make(chan Event, 64), make(chan error, 1)
	pinger.Go(func() {
		defer close(over)
		over <- r.echo(sending, r.plan, func(e Event) {
			select {
			case events <- e:
			case <-sending.Done():
			}
		})
	})
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	ended := false // the pinger gave up
	for {
		alarm.Reset(r.untilDue())
		var failed error
		select {
		case e := <-events:
			r.note(e)
			failed = e.Err
		case <-alarm.C:
		case err, ok := <-over:
			if !ok {
				return // it panicked: Wait says so
			}
			over, failed, ended = nil, err, err != nil
		case <-ctx.Done():
			_ = r.hear(events) // what could not be sent is not judged now
			r.cutShort(ctx, yield)
			return
		}
		if err := r.hear(events); failed == nil { // what came in time is heard before time is called
			failed = err
		}
		r.expire(time.Now())
		if !r.report(failed, yield) || ended {
			return
		}
	}
}

// untilDue is how long the next packet is still waited for.
func (r *round) untilDue() time.Duration {
	if due, ok := r.due(); ok {
		return time.Until(due)
	}
	return time.Hour // the next event comes first
}

// hear notes the events that are there, and why one could not be sent.
func (r *round) hear(events <-chan Event) error {
	var failed error
	for {
		select {
		case e := <-events:
			r.note(e)
			if failed == nil {
				failed = e.Err
			}
		default:
			return failed
		}
	}
}

// report yields what is new and says whether to go on. A round ends with its
// last packet or the first that cannot be sent; a stream goes on.
func (r *round) report(failed error, yield func(Result, error) bool) bool {
	settled := r.settle()
	if failed != nil {
		return yield(r.result(), fmt.Errorf("%s: %w", r.doing, failed)) && r.isStream()
	}
	if !settled {
		return true
	}
	last := !r.isStream() && r.settled == r.plan.Count
	return yield(r.result(), nil) && !last
}

func (r *round) isStream() bool { return r.plan.Count == 0 }

// cutShort yields what there is now that ctx has ended. Of a round that settled
// less than a few packets only what is proven already counts.
func (r *round) cutShort(ctx context.Context, yield func(Result, error) bool) {
	r.expire(time.Now())
	r.settle()
	if r.isStream() && r.settled > 0 {
		return
	}
	result := r.result()
	result.CutShort = result.Left
	if r.settled < min(few, r.plan.Count) || r.isStream() {
		yield(result, &metric.Interrupted{Stage: r.doing, Err: ctx.Err()})
		return
	}
	result.Left = 0
	yield(result, nil)
}

// result is what is known now. Of a stream it takes what is new with it.
func (r *round) result() Result {
	window := r.ledger.window(r.window)
	result := Result{
		Doing:   r.doing,
		Stream:  r.isStream(),
		Packets: window,
		Left:    r.window - len(window),
		Fresh:   r.fresh,
		Totals:  r.totals,
		Stray:   r.stray,
		Score:   r.onset.Score(),
		Usual:   r.usual,
		Plan:    r.plan,
		Fitted:  r.fitted,
		Took:    time.Since(r.began),
	}
	if r.isStream() {
		r.fresh = nil
		r.forget()
	}
	return result
}
