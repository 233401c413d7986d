package clock

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"
)

// maxEpoch bounds the seconds since 1970 that are taken for a time (the year
// 2242). It is far below what the same time is in milliseconds, and near enough to
// be subtracted from the present.
const maxEpoch = 1 << 33

// hostTime reads the value of an OID that tells the time: seconds since 1970 UTC
// as a number of any type but TimeTicks (those count an uptime) or as text, or a
// DateAndTime. The host's clock stood between the time and the time plus the
// resolution.
func hostTime(v gosnmp.SnmpPDU, zone Zone) (time.Time, time.Duration, error) {
	switch n := v.Value.(type) {
	case int: // INTEGER
		if n < 0 {
			return time.Time{}, 0, fmt.Errorf("%d is %w", n, errNoEpoch)
		}
		return wholeEpoch(uint64(n))
	case uint: // Gauge32, Counter32
		return wholeEpoch(uint64(n))
	case uint32: // Unsigned32, and TimeTicks
		if v.Type != gosnmp.TimeTicks {
			return wholeEpoch(uint64(n))
		}
	case uint64: // Counter64
		return wholeEpoch(n)
	case []byte:
		// No text of digits is a DateAndTime: '0' to '9' are no months.
		if text := strings.Trim(string(n), "\" \t\r\n\x00"); isDecimal(text) {
			return decimalEpoch(text)
		}
		return dateAndTime(n, zone)
	}
	return time.Time{}, 0, fmt.Errorf("a value of type %s is no time: serve UTC seconds since 1970 as Gauge32, Counter64 or STRING", v.Type)
}

var errNoEpoch = errors.New("not a time in seconds since 1970")

func wholeEpoch(s uint64) (time.Time, time.Duration, error) {
	if s > maxEpoch {
		return time.Time{}, 0, fmt.Errorf("%d is %w", s, errNoEpoch)
	}
	return time.Unix(int64(s), 0), time.Second, nil
}

// isDecimal says that s is digits, perhaps with a point and more digits.
func isDecimal(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	return whole != "" && strings.Trim(whole, "0123456789") == "" &&
		strings.Trim(fraction, "0123456789") == "" && point == (fraction != "")
}

// decimalEpoch reads what isDecimal accepts. Each digit behind the point makes the
// resolution ten times finer, to the nanosecond.
func decimalEpoch(s string) (time.Time, time.Duration, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > maxEpoch {
		return time.Time{}, 0, fmt.Errorf("%s is %w", s, errNoEpoch)
	}
	const digits = 9
	fraction = fraction[:min(len(fraction), digits)]
	resolution := time.Second
	for range fraction {
		resolution /= 10
	}
	nanos, err := strconv.ParseInt("0"+fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("%s is %w", s, errNoEpoch)
	}
	return time.Unix(seconds, nanos), resolution, nil
}
