package resolvconf

import (
	"fmt"
	"strings"
	"time"
)

// A Health is how a nameserver meets a question.
type Health int

// The ways to meet a question.
const (
	Answers Health = iota
	Refuses        // says at once that it will not or cannot: the next is asked without waiting
	Silent         // says nothing: it is waited for
)

// A Stall is how long a lookup of one name waits for nameservers that do not
// answer before one does, or before it fails.
type Stall struct {
	Worst time.Duration
	Mean  time.Duration // differs from Worst only with option rotate
	Waits int           // with option rotate: this many
	Of    int           // of so many lookups wait
	Fails bool          // no nameserver answers

	silent []string // `nameserver 1 (9.9.9.9)`
}

// Stall forecasts the lookups of an application that uses glibc; health is that
// of Asked, in order. glibc keeps no memory of the dead: each lookup pays.
//
// Nameserver k (from 0) of n is waited for timeout<<k seconds, from the second on
// divided by n and rounded down, at least 1 s; the list is gone through attempts
// times (res_send.c, send_dg and __res_context_send). With option rotate a lookup
// begins anywhere in the list. A and AAAA are asked together and wait once. A
// name that the search list completes waits once for every completion.
func (f File) Stall(health []Health) Stall {
	asked := f.Asked()
	n := min(len(asked), len(health))
	if n == 0 {
		return Stall{}
	}
	var s Stall
	starts := 1
	if f.Rotate {
		starts = n
	}
	var total time.Duration
	reached := make([]bool, n)
	for start := range starts {
		waited, answered := f.wait(health[:n], start, reached)
		total += waited
		s.Worst = max(s.Worst, waited)
		s.Fails = s.Fails || !answered
		if waited > 0 {
			s.Waits++
		}
	}
	s.Of, s.Mean = starts, total/time.Duration(starts)
	for k, hit := range reached {
		if hit {
			s.silent = append(s.silent, fmt.Sprintf("%d (%s)", k+1, asked[k]))
		}
	}
	return s
}

// wait goes through the list from start, as glibc does, and marks the silent
// nameservers that it met.
func (f File) wait(health []Health, start int, reached []bool) (waited time.Duration, answered bool) {
	for range f.Attempts {
		for shift := range health {
			k := (start + shift) % len(health)
			switch health[k] {
			case Answers:
				return waited, true
			case Silent:
				reached[k] = true
				waited += f.share(k, len(health))
			case Refuses:
			}
		}
	}
	return waited, false
}

// share is how long nameserver k of n is waited for.
func (f File) share(k, n int) time.Duration {
	seconds := int(f.Timeout/time.Second) << k
	if k > 0 {
		seconds /= n
	}
	return time.Duration(max(seconds, 1)) * time.Second
}

// String is a sentence for a person: "every lookup waits 5s because nameserver 1
// (9.9.9.9) is silent"; "" if no lookup waits or fails.
func (s Stall) String() string {
	switch {
	case s.Fails && s.Worst == 0:
		return "every lookup fails: no nameserver answers"
	case s.Fails:
		return fmt.Sprintf("every lookup fails after %v: no nameserver answers", s.Worst)
	case s.Waits == 0:
		return ""
	case s.Of > 1 && s.Waits == 1:
		return fmt.Sprintf("1 lookup in %d waits %v because %s", s.Of, s.Worst, s.because())
	case s.Of > 1 && s.Waits < s.Of:
		return fmt.Sprintf("%d lookups in %d wait, up to %v, because %s", s.Waits, s.Of, s.Worst, s.because())
	case s.Of > 1:
		return fmt.Sprintf("every lookup waits, up to %v, because %s", s.Worst, s.because())
	default:
		return fmt.Sprintf("every lookup waits %v because %s", s.Worst, s.because())
	}
}

func (s Stall) because() string {
	if len(s.silent) == 1 {
		return "nameserver " + s.silent[0] + " is silent"
	}
	return "nameservers " + strings.Join(s.silent, " and ") + " are silent"
}
