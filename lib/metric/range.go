package metric

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Range is a threshold, "[@][start:][end]", as the Monitoring Plugins
// development guidelines define it. Both ends belong to the range; a value
// outside it alerts, with @ a value inside. The zero Range is no threshold.
//
// It reads and prints itself, so that a flag and a file share one type.
type Range struct {
	Start, End float64 // ±Inf where open
	Inside     bool    // written with @
	Plain      bool    // written as one number: "10" and not "0:10"
	set        bool
}

// IsZero says that r is no threshold.
func (r Range) IsZero() bool { return !r.set }

// Around is r with a plain N read as -N:N, for a sample that has a sign.
func (r Range) Around() Range {
	if r.Plain {
		r.Start, r.Plain = -r.End, false
	}
	return r
}

// ParseRange reads s to its end. What is no range is refused with the reason.
func ParseRange(s string) (Range, error) {
	bounds, inside := strings.CutPrefix(s, "@")
	if bounds == "" || bounds == ":" {
		return Range{}, fmt.Errorf("range %q has neither start nor end: write 10, 5:10, 10:, ~:10 or @5:10", s)
	}
	start, end, both := strings.Cut(bounds, ":")
	if !both {
		start, end = "", bounds
	}
	r := Range{End: math.Inf(1), Inside: inside, Plain: !both && !inside, set: true}
	var err error
	switch start {
	case "":
	case "~":
		r.Start = math.Inf(-1)
	default:
		if r.Start, err = number(start); err != nil {
			return Range{}, fmt.Errorf("start of range %q: %w", s, err)
		}
	}
	if end != "" {
		if r.End, err = number(end); err != nil {
			return Range{}, fmt.Errorf("end of range %q: %w", s, err)
		}
	}
	if r.Start > r.End {
		if !both {
			return Range{}, fmt.Errorf("range %q starts at 0 and ends below it: write %s: or ~:%s", s, end, end)
		}
		return Range{}, fmt.Errorf("range %q starts above its end", s)
	}
	return r, nil
}

// MustRange is ParseRange for constants in the source; it panics on a bad one.
func MustRange(s string) Range {
	r, err := ParseRange(s)
	if err != nil {
		panic(err)
	}
	return r
}

var errNumber = errors.New("not a number: digits, one point and a sign are allowed, units and exponents are not")

// number reads the guidelines' NUMERAL: -?digits[.digits]. ParseFloat alone
// would take "nan", "inf", "0x1p3", "1_000" and "1e3" too.
func number(s string) (float64, error) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789.") != "" || strings.Trim(digits, ".") == "" {
		return 0, fmt.Errorf("%q is %w", s, errNumber)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is %w", s, errNumber)
	}
	return v, nil
}

// UnmarshalText is ParseRange.
func (r *Range) UnmarshalText(text []byte) error {
	p, err := ParseRange(string(text))
	if err == nil {
		*r = p
	}
	return err
}

// MarshalText is String.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String is the shortest text that ParseRange reads as r; "" for no threshold.
func (r Range) String() string {
	if !r.set {
		return ""
	}
	var b strings.Builder
	if r.Inside {
		b.WriteByte('@')
	}
	switch {
	case math.IsInf(r.Start, -1):
		b.WriteString("~:")
	case r.Plain:
	case r.Inside && r.Start == 0 && !math.IsInf(r.End, 1): // "@5" has no plain reading
	default:
		b.WriteString(Format(r.Start) + ":")
	}
	if !math.IsInf(r.End, 1) {
		b.WriteString(Format(r.End))
	}
	return b.String()
}

// All is a conjunction, by sample name: it alerts if every range in it does.
type All map[string]Range

// A Limit says when a measurement is bad. Nearly always each level holds one
// range; packet loss needs two that agree.
type Limit struct{ Warning, Critical All }

// On is the usual limit: one sample, a range for each level.
func On(name string, warning, critical Range) Limit {
	return Limit{All{name: warning}, All{name: critical}}
}

// Never is the limit on a flag that must not be yes: CRITICAL if it is.
func Never(name string) Limit {
	return Limit{Critical: All{name: {set: true}}}
}

// Seldom is the limit on a flag that is a WARNING if it is yes.
func Seldom(name string) Limit {
	return Limit{Warning: All{name: {set: true}}}
}
