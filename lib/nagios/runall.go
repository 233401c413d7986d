package nagios

import (
	"context"
	"fmt"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/verdict"
)

// atOnce bounds how many hosts of one run are checked at the same time.
const atOnce = 64

// runAll runs the checks side by side. A check that does not stop when its time
// is up is left behind: the process ends soon.
func (r *run) runAll(ctx context.Context, checks []check.Check) []check.Outcome {
	end := r.began.Add(r.common.Timeout.After)
	timed, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	type numbered struct {
		i int
		check.Outcome
	}
	done := make(chan numbered, len(checks))
	slots := make(chan struct{}, atOnce)
	var all crew.Crew
	for i, c := range checks {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			done <- numbered{i, c.Run(timed)}
		})
	}
	late := time.NewTimer(time.Until(end.Add(grace)))
	defer late.Stop()
	outs := make([]check.Outcome, len(checks))
	answered := make([]bool, len(checks))
	interrupted := ctx.Done()
	for left := len(checks); left > 0; {
		select {
		case n := <-done:
			outs[n.i], answered[n.i] = Stopped(ctx, n.Outcome), true
			left--
		case <-interrupted:
			interrupted = nil
			late.Reset(grace)
		case <-late.C:
			left = 0
		}
	}
	for i, c := range checks {
		if !answered[i] {
			outs[i] = r.abandoned(ctx, c)
		}
	}
	return outs
}

// abandoned is the outcome of a check that did not stop when it should have.
func (r *run) abandoned(ctx context.Context, c check.Check) check.Outcome {
	why := fmt.Errorf("timed out after %v while measuring, and did not stop by itself", r.common.Timeout.After)
	if ctx.Err() != nil {
		why = fmt.Errorf("interrupted by %w while measuring", context.Cause(ctx))
	}
	v := verdict.Failed(why)
	if ctx.Err() == nil && r.common.Timeout.State != verdict.OK {
		v.Status = r.common.Timeout.State
	}
	return check.Outcome{Check: c.Name, Host: c.Target.Name, At: time.Now(), Took: time.Since(r.began), Verdict: v}
}
