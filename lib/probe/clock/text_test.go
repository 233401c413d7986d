package clock

import (
	"testing"
	"time"
)

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "0 s",
		7:                       "7 ns",
		340 * time.Microsecond:  "340 µs",
		1500 * time.Microsecond: "1.5 ms",
		20 * time.Millisecond:   "20 ms",
		100 * time.Millisecond:  "0.10 s",
		510 * time.Millisecond:  "0.51 s",
		1250 * time.Millisecond: "1.2 s",
		-3200 * time.Second:     "-3200 s",
		5 * time.Second:         "5.0 s",
		time.Hour:               "3600 s",
	} {
		if got := short(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	const ms, us = time.Millisecond, time.Microsecond
	for _, row := range []struct {
		lo, hi time.Duration
		want   string
	}{
		{2690 * ms, 3710 * ms, "+3.2 s ± 0.51 s"},
		{-7600 * ms, -6400 * ms, "-7.0 s ± 0.60 s"},
		{-510 * ms, 490 * ms, "+0.0 s ± 0.50 s"},
		{-28 * time.Second, 0, "-14 s ± 14 s"},
		{-10 * ms, 16 * ms, "+0.00 s ± 0.013 s"},
		{3000 * us, 3400 * us, "+0.0032 s ± 0.00020 s"},
		{time.Second, time.Second, "+1 s ± 0 s"},
		{3, 4, "+0.00000 s ± 0.000000 s"},
	} {
		if got := span(row.lo, row.hi); got != row.want {
			t.Errorf("%v..%v: %s, want %s", row.lo, row.hi, got, row.want)
		}
	}
}
