package ping

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"milepost/lib/echo"
	"milepost/lib/metric"
)

// A round is one run of Measure.
type round struct {
	ledger
	plan   echo.Plan
	fitted time.Duration // the time that the plan had to be fitted into; 0 = it is as it was wanted
	doing  string        // pinging "fra-1" (192.0.2.1)
	usual  Usual
	begin  func(echo.Plan) (pinger, error)
}

func newRound(ctx context.Context, t metric.Target, c Config, usual Usual) *round {
	to := t.Addrs[0].Unmap()
	r := &round{
		plan:  echo.Plan{To: to, Count: c.Count, Spacing: c.Spacing},
		doing: doing(t, to),
		usual: usual,
		begin: overNetwork,
	}
	if c.begin != nil {
		r.begin = c.begin
	}
	r.ledger = ledger{to: to, began: time.Now(), patience: t.Patience, keep: c.Count}
	if deadline, ok := ctx.Deadline(); ok {
		r.end = deadline.Add(-closing)
		r.fit(time.Until(deadline))
	}
	r.usual = r.usual.over(r.plan.Count, r.plan.Spacing)
	return r
}

// doing is what is being done, for people.
func doing(t metric.Target, to netip.Addr) string {
	s := fmt.Sprintf("pinging %q", t.Address)
	if t.Address != to.String() {
		s += fmt.Sprintf(" (%v)", to)
	}
	return s
}

// fit fits the plan into the time there is.
func (r *round) fit(time time.Duration) {
	n, spacing := fit(r.plan.Count, r.plan.Spacing, r.wait(), time-closing)
	if n != r.plan.Count || spacing != r.plan.Spacing {
		r.plan.Count, r.plan.Spacing, r.fitted = n, spacing, time
	}
}

// run pings until the round is over, ctx ends or yield says so.
func (r *round) run(ctx context.Context, yield func(Result, error) bool) {
	pinger, err := r.begin(r.plan)
	if err != nil {
		yield(r.result(), fmt.Errorf("%s: %w", r.doing, err))
		return
	}
	defer pinger.Close()
	for {
		events, err := pinger.Next(ctx, r.until())
		failed := err
		for _, e := range events { // what came in time is heard before time is called
			r.note(e)
			if failed == nil {
				failed = r.unsendable(e)
			}
		}
		if errors.Is(err, echo.ErrOverlooked) { // and which were, nobody knows
			yield(Result{Doing: r.doing}, fmt.Errorf("%s: %w", r.doing, err))
			return
		}
		if ctx.Err() != nil { // what could not be sent is not judged now
			r.cutShort(ctx, yield)
			return
		}
		r.expire(time.Now())
		if !r.report(failed, yield) {
			return
		}
	}
}

// until is when the time of the next packet is up.
func (r *round) until() time.Time {
	if due, ok := r.due(); ok {
		return due
	}
	return time.Now().Add(time.Hour) // the next event comes first
}

// unsendable is why e could not be sent, if it could not.
func (r *round) unsendable(e echo.Event) error {
	if e.Err == nil {
		return nil
	}
	return unsendable(r.to, e.Err)
}

// report yields what is new and says whether to go on. A round ends with its last
// packet or the first that cannot be sent.
func (r *round) report(failed error, yield func(Result, error) bool) bool {
	settled := r.settle()
	if failed != nil {
		yield(r.result(), fmt.Errorf("%s: %w", r.doing, failed))
		return false
	}
	if !settled {
		return true
	}
	return yield(r.result(), nil) && r.settled < r.plan.Count
}

// cutShort yields what there is now that ctx has ended. Of a round that settled
// less than a few packets only what is proven already counts.
func (r *round) cutShort(ctx context.Context, yield func(Result, error) bool) {
	r.expire(time.Now())
	r.settle()
	result := r.result()
	result.CutShort = result.Left
	if r.settled < min(few, r.plan.Count) {
		yield(result, &metric.Interrupted{Stage: r.doing, Err: ctx.Err()})
		return
	}
	result.Left = 0
	yield(result, nil)
}

// result is what is known now.
func (r *round) result() Result {
	window := r.window(r.plan.Count)
	return Result{
		Doing:   r.doing,
		Packets: window,
		Left:    r.plan.Count - len(window),
		Totals:  r.totals,
		Stray:   r.stray,
		Refusal: r.refusal,
		Usual:   r.usual,
		Plan:    r.plan,
		Fitted:  r.fitted,
		Took:    time.Since(r.began),
	}
}
