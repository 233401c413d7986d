package clock

import (
	"context"
	"errors"
	"time"
)

const (
	// samples is how often an NTP server is asked at first, as check_ntp_time and
	// ntpdate do: one answer may have waited in a queue on one of its two ways.
	samples = 4

	// leastWait is how long the rest of a burst waits at least for an answer.
	leastWait = 250 * time.Millisecond
)

// burst asks the rest of the source's burst and returns the answer with the
// shortest round trip, a among them: the less an answer was delayed, the less its
// offset can be wrong (the clock filter of RFC 5905, section 10). It asks no
// longer than left, and no more after a question that is not answered: who does not
// want to be asked so often says so, or is silent.
func (m *measurement) burst(ctx context.Context, a answer, left time.Duration) answer {
	if m.source.burst <= 1 {
		return a
	}
	best, said, end := a, a.said, time.Now().Add(left)
	var enough error
	of := 1
	for ; of < m.source.burst; of++ {
		limited, cancel := context.WithTimeout(ctx, min(max(leastWait, 3*best.rtt), time.Until(end)))
		next, err := m.source.ask(limited)
		cancel()
		if err != nil {
			said += "\nthen: " + why(err)
			if errors.Is(err, errKiss) {
				enough = err
			}
			break
		}
		said += "\n" + next.said
		if next.rtt < best.rtt {
			best = next
		}
	}
	best.said, best.of, best.enough = said, of, enough
	return best
}

// why is err for those who read the exchange.
func why(err error) string {
	if silent(err) {
		return "no answer"
	}
	return err.Error()
}
