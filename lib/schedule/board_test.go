package schedule

import (
	"fmt"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

func TestDoubt(t *testing.T) {
	epoch := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	outcome := func(end int, status verdict.Status) check.Outcome {
		return check.Outcome{Check: "x", Host: "a", At: at(end), Took: 2 * time.Second, Verdict: verdict.Verdict{Status: status, Fault: metric.FaultProxy, Reason: metric.ReasonRefused, Summary: "refused"}}
	}
	const why = "this monitor's own resolver fails"
	for _, tt := range []struct {
		name string
		do   func(*Board)
		want string
	}{
		{"nothing is doubted", func(b *Board) { b.Post(outcome(10, verdict.Critical)) }, "CRITICAL proxy refused"},
		{"doubted when it is posted", func(b *Board) {
			b.Doubt(why, metric.ReasonMonitorResolver, at(5))
			b.Post(outcome(10, verdict.Critical))
		}, "UNKNOWN monitor " + why + "; refused"},
		{"a success counts all the same", func(b *Board) {
			b.Doubt(why, metric.ReasonMonitorResolver, at(5))
			b.Post(outcome(10, verdict.OK))
		}, "OK proxy refused"},
		{"doubted afterwards, because no good self-check lies between", func(b *Board) {
			b.Doubt("", "", at(0))
			b.Post(outcome(10, verdict.Critical))
			b.Doubt(why, metric.ReasonMonitorResolver, at(12))
		}, "UNKNOWN monitor " + why + "; refused"},
		{"not doubted afterwards, because a good one does", func(b *Board) {
			b.Doubt("", "", at(0))
			b.Post(outcome(10, verdict.Critical))
			b.Doubt("", "", at(11))
			b.Doubt(why, metric.ReasonMonitorResolver, at(20))
		}, "CRITICAL proxy refused"},
		{"not doubted though it is posted late, because a good one does", func(b *Board) {
			b.Doubt("", "", at(0))
			b.Doubt("", "", at(11))
			b.Doubt(why, metric.ReasonMonitorResolver, at(20))
			b.Post(outcome(10, verdict.Critical))
		}, "CRITICAL proxy refused"},
		{"began before the monitor was fit again", func(b *Board) {
			b.Doubt(why, metric.ReasonMonitorResolver, at(0))
			b.Doubt("", "", at(9))
			b.Post(outcome(10, verdict.Critical))
		}, "UNKNOWN monitor " + why + "; refused"},
		{"began afterwards", func(b *Board) {
			b.Doubt(why, metric.ReasonMonitorResolver, at(0))
			b.Doubt("", "", at(5))
			b.Post(outcome(10, verdict.Critical))
		}, "CRITICAL proxy refused"},
	} {
		var b Board
		tt.do(&b)
		o := b.All()[0]
		if got := fmt.Sprintf("%v %s %s", o.Status, o.Fault, o.Summary); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A doubt that changes its words takes the place of the old ones.
func TestDoubtsDoNotPileUp(t *testing.T) {
	var b Board
	now := time.Now()
	b.Post(check.Outcome{Check: "x", Host: "a", At: now, Verdict: verdict.Verdict{Status: verdict.Critical, Summary: "refused"}})
	b.Doubt("no resolver", metric.ReasonMonitorResolver, now)
	b.Doubt("no resolver; no route", metric.ReasonMonitorRoute, now.Add(10*time.Second))
	o := b.All()[0]
	if o.Summary != "no resolver; no route; refused" || o.Reason != metric.ReasonMonitorRoute {
		t.Errorf("%s: %q", o.Reason, o.Summary)
	}
	if o := b.Believe(check.Outcome{At: now, Verdict: verdict.Verdict{Status: verdict.Warning, Summary: "slow"}}); o.Summary != "no resolver; no route; slow" {
		t.Errorf("%q", o.Summary)
	}
}

func TestTheBoardIsInOrder(t *testing.T) {
	var b Board
	on := func() string {
		var all []string
		for _, o := range b.All() {
			all = append(all, o.Host+o.Check)
		}
		return fmt.Sprint(all)
	}
	for _, key := range []string{"by", "ax", "bx", "cz", "ay", "bx"} {
		b.Post(check.Outcome{Host: key[:1], Check: key[1:], At: time.Now()})
	}
	if got := on(); got != "[ax ay bx by cz]" {
		t.Error(got)
	}
	if of := b.Of("b"); len(of) != 2 || of[0].Check != "x" || of[1].Check != "y" {
		t.Errorf("%+v", of)
	}
	b.Forget("b", "y", "z")
	b.Forget("c")
	b.Forget("nobody")
	if got := on(); got != "[ax ay bx]" || b.Of("c") != nil {
		t.Error(got)
	}
	b.All()[0].Host = "changed"
	if got := on(); got != "[ax ay bx]" {
		t.Errorf("who changes his copy changed the board: %s", got)
	}
}
