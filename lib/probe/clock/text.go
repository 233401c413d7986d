package clock

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// short is d with two significant digits, for a person: "20 ms", "1.3 s".
func short(d time.Duration) string {
	if d == 0 {
		return "0 s"
	}
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if v := float64(d.Abs()) / float64(u.unit); v >= 1 || u.unit == time.Second && v >= 0.1 {
			return strconv.FormatFloat(float64(d)/float64(u.unit), 'f', decimals(v), 64) + " " + u.name
		}
	}
	return strconv.FormatInt(d.Nanoseconds(), 10) + " ns"
}

// decimals is how many digits behind the point give v two significant digits.
func decimals(v float64) int {
	if v == 0 {
		return 0
	}
	return max(0, 1-int(math.Floor(math.Log10(math.Abs(v)))))
}

// span is the interval as a person reads it: "+3.2 s ± 0.51 s". The uncertainty has
// two significant digits, and the value ends where they begin.
func span(lo, hi time.Duration) string {
	middle, half := (lo + (hi-lo)/2).Seconds(), (hi-lo).Seconds()/2
	digits := min(decimals(half), 6)
	value := fmt.Sprintf("%+.*f", max(0, digits-1), middle)
	if strings.Trim(value, "-0.") == "" {
		value = "+" + value[1:] // zero has no sign to speak of
	}
	return fmt.Sprintf("%s s ± %.*f s", value, digits, half)
}

// count is n things, as in "1 question" and "3 questions".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
