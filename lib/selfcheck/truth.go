package selfcheck

import (
	"context"
	"fmt"
	"time"

	"milepost/lib/metric"
)

const (
	// wrong is how far this monitor's clock may be off before what fails is doubted,
	// and useless how far until nobody can tell from its stamps how old its data is.
	wrong   = 5 * time.Second
	useless = 60 * time.Second
)

// A Proof is where the monitor's clock minus the true time lies, by the word of a
// majority of references. The zero Proof is none.
type Proof struct {
	Lo, Hi time.Duration
	By     string // who says so, or why nobody does
	Proven bool
}

// off is by how much the clock is off at least; 0 if it may be right.
func (p Proof) off() time.Duration {
	switch {
	case !p.Proven:
		return 0
	case p.Lo > 0:
		return p.Lo
	case p.Hi < 0:
		return p.Hi
	default:
		return 0
	}
}

// prove asks the references, if there are any.
func (k *Checker) prove(ctx context.Context) *Proof {
	if k.Prove == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := k.Prove(ctx)
	return &p
}

func (f facts) judgeClock(s *State) {
	t, left := f.clockTest()
	s.add(t, left)
	if f.proof != nil && !f.proof.Proven {
		s.note("this monitor's clock is not proven by references.ntp: %s", f.proof.By)
	}
}

// clockTest looks at a jump first: what references said before it no longer holds.
func (f facts) clockTest() (Test, Sight) {
	t := Test{Name: Clock, Reason: metric.ReasonMonitorClock, Why: jumped(f.jump)}
	if f.proof == nil {
		return t, Impaired
	}
	off, left := f.proof.off(), Impaired
	if off.Abs() > useless {
		left = Blind
	}
	if off.Abs() > wrong {
		direction := "ahead"
		if off < 0 {
			direction = "behind"
		}
		t.Why = fmt.Sprintf("this monitor's clock is %v %s, by %s", off.Abs().Round(time.Millisecond), direction, f.proof.By)
	}
	return t, left
}
