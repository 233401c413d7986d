package prom

import (
	"bytes"
	"hash/maphash"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"milepost/lib/metric"
)

// A text is a page in one of Prometheus' text formats. Samples come host by host and
// a page is family by family, so each family has lines of its own: a tenth of the
// memory and a quarter of the time that a page of objects takes.
type text struct {
	open     bool // OpenMetrics 1.0, else the text format 0.0.4
	seed     maphash.Seed
	families map[string]*lines
	before   map[string]int // how long the families were on the page before
	scratch  [32]byte       // for a number
}

// lines are those of one family.
type lines struct {
	bytes.Buffer
	seen map[uint64]struct{} // the series, hashed
}

func newText(open bool, before map[string]int) *text {
	return &text{open: open, seed: maphash.MakeSeed(), families: map[string]*lines{}, before: before}
}

// of is the family called name, without prefix, and that it is new.
func (t *text) of(name string) (f *lines, isNew bool) {
	if f = t.families[name]; f != nil {
		return f, false
	}
	f = &lines{seen: map[uint64]struct{}{}}
	f.Grow(t.before[name] + 256)
	t.families[name] = f
	return f, true
}

// saw says that the series with these label values was there before.
func (t *text) saw(f *lines, values []string) bool {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, v := range values {
		h.WriteString(v) // never fails
		h.WriteByte(0xff)
	}
	sum := h.Sum64()
	_, saw := f.seen[sum]
	f.seen[sum] = struct{}{}
	return saw
}

// head begins a family.
func (t *text) head(f *lines, name, help, kind string) {
	if t.open && kind == "counter" {
		name = strings.TrimSuffix(name, "_total")
	}
	f.WriteString("# HELP " + prefix + name + " ")
	t.escape(f, help, t.open)
	f.WriteString("\n# TYPE " + prefix + name + " " + kind + "\n")
}

// line is one sample; le is a bucket's bound, "" for none.
func (t *text) line(f *lines, name, suffix string, names, values []string, le string, v []byte) {
	f.WriteString(prefix)
	f.WriteString(name)
	f.WriteString(suffix)
	separator := byte('{')
	for i, n := range names {
		f.WriteByte(separator)
		separator = ','
		f.WriteString(n)
		f.WriteString(`="`)
		t.escape(f, values[i], true)
		f.WriteByte('"')
	}
	if le != "" {
		f.WriteByte(separator)
		separator = ','
		f.WriteString(`le="`)
		f.WriteString(le)
		f.WriteByte('"')
	}
	if separator == ',' {
		f.WriteByte('}')
	}
	f.WriteByte(' ')
	f.Write(v)
	f.WriteByte('\n')
}

// created is the line that says since when a counter counts; only OpenMetrics has it.
func (t *text) created(f *lines, name string, names, values []string, since time.Time) {
	if t.open {
		t.line(f, strings.TrimSuffix(name, "_total"), "_created", names, values, "", t.value(float64(since.UnixNano())/1e9))
	}
}

// count spells how many there are, which is never a fraction.
func (t *text) count(n uint64) []byte { return strconv.AppendUint(t.scratch[:0], n, 10) }

// value spells v until the next is spelled.
func (t *text) value(v float64) []byte { return t.number(t.scratch[:0], v) }

// number spells v as the format does.
func (t *text) number(b []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(b, "+Inf"...)
	case math.IsInf(v, -1):
		return append(b, "-Inf"...)
	case math.IsNaN(v):
		return append(b, "NaN"...)
	}
	at := len(b)
	b = strconv.AppendFloat(b, v, 'g', -1, 64)
	if t.open && !bytes.ContainsAny(b[at:], ".e") {
		b = append(b, ".0"...)
	}
	return b
}

// escape writes s as a label's value, or as help, which needs no escaped quotes
// in the older format.
func (t *text) escape(f *lines, s string, quotes bool) {
	if !strings.ContainsAny(s, "\\\n\"") {
		f.WriteString(s)
		return
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			f.WriteString(`\\`)
		case c == '\n':
			f.WriteString(`\n`)
		case c == '"' && quotes:
			f.WriteString(`\"`)
		default:
			f.WriteByte(c)
		}
	}
}

// histogram writes h with its classic buckets; native ones have no text.
func (t *text) histogram(f *lines, h *metric.Histogram, names, values []string, classic bool) {
	if classic {
		for _, b := range h.Classic {
			t.line(f, h.Metric, "_bucket", names, values, string(t.number(nil, b.UpTo)), t.count(b.Count))
		}
	}
	t.line(f, h.Metric, "_bucket", names, values, "+Inf", t.count(h.Count))
	t.line(f, h.Metric, "_sum", names, values, "", t.value(h.Sum))
	t.line(f, h.Metric, "_count", names, values, "", t.count(h.Count))
}

// write writes the families, and these of others, in order of their names.
func (t *text) write(to io.Writer, others []*dto.MetricFamily) error {
	for _, other := range others {
		f := &lines{}
		encode := expfmt.MetricFamilyToText
		if t.open {
			encode = func(to io.Writer, mf *dto.MetricFamily) (int, error) {
				return expfmt.MetricFamilyToOpenMetrics(to, mf, expfmt.WithCreatedLines())
			}
		}
		if _, err := encode(f, other); err != nil {
			return err
		}
		t.families[strings.TrimPrefix(other.GetName(), prefix)] = f
	}
	for _, name := range slices.Sorted(maps.Keys(t.families)) {
		if _, err := t.families[name].WriteTo(to); err != nil {
			return err
		}
	}
	if t.open {
		_, err := expfmt.FinalizeOpenMetrics(to)
		return err
	}
	return nil
}

// lengths are how long the families are, for the page after.
func (t *text) lengths() map[string]int {
	all := make(map[string]int, len(t.families))
	for name, f := range t.families {
		all[name] = f.Len()
	}
	return all
}

func kindOf(v prometheus.ValueType) string {
	if v == prometheus.CounterValue {
		return "counter"
	}
	return "gauge"
}
