package ping

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"milepost/lib/metric"
)

// A Percent is a share from 0 to below 100 that may not have been given.
type Percent struct {
	value float64
	given bool
}

// Value is the share in percent, and whether it was given.
func (p Percent) Value() (percent float64, given bool) { return p.value, p.given }

// UnmarshalText reads "2", "0.5" or "2%"; nothing is not given.
func (p *Percent) UnmarshalText(text []byte) error {
	s := strings.TrimSuffix(string(text), "%")
	if s == "" && len(text) == 0 {
		*p = Percent{}
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.") != "" || math.IsInf(v, 0) || v >= 100 {
		return fmt.Errorf("%q is no percentage from 0 to below 100: write 2 or 0.5", text)
	}
	*p = Percent{v, true}
	return nil
}

// MarshalText is String.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String is what UnmarshalText reads.
func (p Percent) String() string {
	if !p.given {
		return ""
	}
	return metric.Format(p.value)
}
