package clock

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestBurst: the answer that was held up least counts, and who has enough of it is
// asked no more.
func TestBurst(t *testing.T) {
	kiss := fmt.Errorf("the server sends %w %q", errKiss, "RATE")
	unsynchronised := errors.New("the server is not synchronised")
	const ms, lost = time.Millisecond, time.Hour
	for _, row := range []struct {
		situation string
		precise   bool
		held      []time.Duration // how long the way back of each answer took, beside 2 ms out
		then      error           // of the question after them
		questions int
		queries   int
		want      string // of the text
		said      string
	}{
		{"all alike", false, []time.Duration{2 * ms, 2 * ms, 2 * ms, 2 * ms}, nil, 4, 1, "s ± 0.0020 s (NTP stratum 2, best of 4, RTT 4.0 ms)", ""},
		{"the first was quick", false, []time.Duration{2 * ms, 90 * ms, 200 * ms, 60 * ms}, nil, 4, 1, "s ± 0.0020 s (NTP stratum 2, best of 4, RTT 4.0 ms)", ""},
		{"the last was quick", false, []time.Duration{300 * ms, 90 * ms, 200 * ms, 2 * ms}, nil, 4, 1, "s ± 0.0020 s (NTP stratum 2, best of 4, RTT 4.0 ms)", ""},
		{"a far server", false, []time.Duration{600 * ms, 602 * ms, 601 * ms, 604 * ms}, nil, 4, 1, "(NTP stratum 2, best of 4, RTT 0.60 s)", ""},
		{"a kiss code", false, []time.Duration{2 * ms, 2 * ms}, kiss, 3, 1, "best of 2, RTT", `then: the server sends the kiss code "RATE"`},
		{"a kiss code to who wants it more precise", true, []time.Duration{2 * ms}, kiss, 2, 1, "(NTP stratum 2, RTT 4.0 ms)", `then: the server sends the kiss code "RATE"`},
		{"not synchronised any more", false, []time.Duration{2 * ms, 2 * ms, 2 * ms}, unsynchronised, 4, 1, "best of 3, RTT", "then: the server is not synchronised"},
		{"the second is lost", false, []time.Duration{2 * ms, lost}, nil, 2, 1, "(NTP stratum 2, RTT 4.0 ms)", "then: no answer"},
		{"more precise: two more in half of -t", true, []time.Duration{2 * ms, 2 * ms, 2 * ms, 2 * ms, 2 * ms, 2 * ms, 2 * ms}, nil, 6, 3, "best of 4 and 2 more, RTT 4.0 ms)", ""},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				questions := 0
				ask := func(ctx context.Context) (answer, error) {
					questions++
					if questions > len(row.held) {
						return answer{}, row.then
					}
					sent := now()
					time.Sleep(2 * ms)
					at := time.Now().Round(0).Add(3 * time.Second)
					select {
					case <-time.After(row.held[questions-1]):
					case <-ctx.Done():
						return answer{}, ctx.Err()
					}
					r := read(at, 0, sent, now())
					return answer{reading: r, said: "offset", server: "stratum 2"}, nil
				}
				m := measurement{
					config: Config{Precise: row.precise, now: now}, patience: 5 * time.Second, began: now(),
					source: source{doing: "asking", live: true, pace: headway, burst: samples, ask: ask}, tracker: tracker{live: true},
					result: Result{Source: OverNTP},
				}
				var last Result
				m.run(t.Context(), func(r Result, err error) bool {
					if last = r; err != nil {
						t.Error(err)
					}
					return false
				})
				text, said := last.Report().Text, last.Stages[0].Said
				if questions != row.questions || last.Queries != row.queries || !strings.Contains(text, row.want) || !strings.Contains(said, row.said) {
					t.Errorf("%d questions, %d queries, %q\n%s\nwant %d, %d, %q\n%s", questions, last.Queries, text, said, row.questions, row.queries, row.want, row.said)
				}
			})
		})
	}
}
