package accesslog

import (
	"fmt"
	"strings"
	"time"
)

// A dial is how %tl or %tg writes the time: an strftime(3) format.
type dial struct {
	layout string
	gmt    bool
}

// The formats that squid uses where none is given (src/format/Format.cc). The
// zone of %tg came with version 6.
const (
	localLayout = "%d/%b/%Y:%H:%M:%S %z"
	gmtLayout   = "%d/%b/%Y:%H:%M:%S"
)

// newDial is the dial of a %tl or %tg.
func newDial(c *code) *dial {
	d := &dial{layout: c.arg, gmt: c.name == "tg"}
	switch {
	case d.layout != "":
	case d.gmt:
		d.layout = gmtLayout
	default:
		d.layout = localLayout
	}
	// Shorthands of strftime in their long form.
	d.layout = strings.NewReplacer("%T", "%H:%M:%S", "%R", "%H:%M", "%F", "%Y-%m-%d", "%D", "%m/%d/%y", "%h", "%b", "%e", "%d", "%n", " ", "%t", " ", "%%", "%%").Replace(d.layout)
	return d
}

// readable says that what the dial shows has a known length.
func (d *dial) readable() bool {
	for i := 0; i < len(d.layout); i++ {
		if d.layout[i] != '%' {
			continue
		}
		if i++; i == len(d.layout) || strings.IndexByte("aAbBdHjmMsSyYzZ%", d.layout[i]) < 0 {
			return false
		}
	}
	return true
}

// tells is nil if the moment can be told from what the dial shows.
func (d *dial) tells() error {
	shows := func(codes string) bool {
		for _, c := range codes {
			if strings.Contains(d.layout, "%"+string(c)) {
				return true
			}
		}
		return false
	}
	if !d.readable() {
		return fmt.Errorf("its time %q cannot be read: add %%ts.%%03tu", d.layout)
	}
	switch {
	case shows("s"):
		return nil
	case !shows("yY") || !shows("mbB") || !shows("d") || !shows("H") || !shows("M") || !shows("S"):
		return fmt.Errorf("its time %q is no date and time to the second: add %%ts.%%03tu", d.layout)
	case !d.gmt && !shows("z"):
		return fmt.Errorf("its time %q is of a zone that it does not tell: add %%z, or %%ts.%%03tu", d.layout)
	}
	return nil
}

// read reads the time that b starts with, in milliseconds, and how long it is;
// 0 if there is none.
func (d *dial) read(b []byte) (ms int64, length int) {
	year, month, day, hour, minute, second, offset := 0, 1, 1, 0, 0, 0, 0
	epoch := int64(-1)
	i := 0
	for k := 0; k < len(d.layout); k++ {
		c := d.layout[k]
		if c != '%' {
			if i >= len(b) || b[i] != c {
				return 0, 0
			}
			i++
			continue
		}
		k++
		ok := true
		switch d.layout[k] {
		case 'Y':
			year, i, ok = decimal(b, i, 4)
		case 'y':
			year, i, ok = decimal(b, i, 2)
			year += 2000
		case 'm':
			month, i, ok = decimal(b, i, 2)
		case 'd':
			day, i, ok = decimal(b, i, 2)
		case 'H':
			hour, i, ok = decimal(b, i, 2)
		case 'M':
			minute, i, ok = decimal(b, i, 2)
		case 'S':
			second, i, ok = decimal(b, i, 2)
		case 'j':
			_, i, ok = decimal(b, i, 3)
		case 'b':
			month, i, ok = named(b, i, months[:], 3)
		case 'B':
			month, i, ok = named(b, i, months[:], 0)
		case 'a':
			_, i, ok = named(b, i, weekdays[:], 3)
		case 'A':
			_, i, ok = named(b, i, weekdays[:], 0)
		case 'z':
			offset, i, ok = zoneOffset(b, i)
		case 'Z':
			for ok = i < len(b) && b[i]|0x20-'a' < 26; i < len(b) && b[i]|0x20-'a' < 26; i++ {
			}
		case 's':
			var end int
			epoch, end = digits(b, i)
			i, ok = end, end != 0
		case '%':
			ok = i < len(b) && b[i] == '%'
			i++
		}
		if !ok {
			return 0, 0
		}
	}
	if epoch >= 0 {
		return epoch * 1000, i
	}
	if month > 12 || day > 31 || hour > 23 || minute > 59 || second > 60 || month*day == 0 {
		return 0, 0
	}
	return time.Date(year, time.Month(month), day, hour, minute, second-offset, 0, time.UTC).UnixMilli(), i
}

// decimal reads a number of so many digits; strftime's %e writes the first as a space.
func decimal(b []byte, i, width int) (n, end int, ok bool) {
	if i+width > len(b) {
		return 0, 0, false
	}
	for k, c := range b[i : i+width] {
		if c == ' ' && k == 0 {
			c = '0'
		}
		if c-'0' > 9 {
			return 0, 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, i + width, true
}

var months = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

var weekdays = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

// named reads one of the names, or their first bytes if cut is not 0, as its
// number from 1.
func named(b []byte, i int, names []string, cut int) (n, end int, ok bool) {
	for k, name := range names {
		if cut > 0 {
			name = name[:cut]
		}
		if i+len(name) <= len(b) && string(b[i:i+len(name)]) == name {
			return k + 1, i + len(name), true
		}
	}
	return 0, 0, false
}

// zoneOffset reads "+0530" in seconds.
func zoneOffset(b []byte, i int) (seconds, end int, ok bool) {
	if i >= len(b) || b[i] != '+' && b[i] != '-' {
		return 0, 0, false
	}
	n, end, ok := decimal(b, i+1, 4)
	seconds = (n/100*60 + n%100) * 60
	if b[i] == '-' {
		seconds = -seconds
	}
	return seconds, end, ok
}
