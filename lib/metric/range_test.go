package metric

import (
	"math"
	"strings"
	"testing"
)

func TestParseRange(t *testing.T) {
	inf := math.Inf(1)
	for _, tt := range []struct {
		text       string
		start, end float64
		inside     bool
		plain      bool
	}{
		{"10", 0, 10, false, true},
		{"0", 0, 0, false, true},
		{"010", 0, 10, false, true}, // ten, not eight
		{"10:", 10, inf, false, false},
		{":10", 0, 10, false, false},
		{"~:10", -inf, 10, false, false},
		{"~:", -inf, inf, false, false},
		{"10:20", 10, 20, false, false},
		{"-5:5", -5, 5, false, false},
		{"-0.5:0.5", -0.5, 0.5, false, false},
		{"@10:20", 10, 20, true, false},
		{"@10", 0, 10, true, false},
		{"@~:0", -inf, 0, true, false},
		{"0.0004", 0, 0.0004, false, true},
		{"5:5", 5, 5, false, false},
	} {
		r, err := ParseRange(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if r.Start != tt.start || r.End != tt.end || r.Inside != tt.inside || r.Plain != tt.plain {
			t.Errorf("%q is %v..%v inside %v plain %v", tt.text, r.Start, r.End, r.Inside, r.Plain)
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":       `range "" has neither start nor end`,
		":":      `range ":" has neither start nor end`,
		"@":      `range "@" has neither start nor end`,
		"@:":     `range "@:" has neither start nor end`,
		"2:1":    `range "2:1" starts above its end`,
		"-10":    `range "-10" starts at 0 and ends below it: write -10: or ~:-10`,
		"500ms":  `end of range "500ms": "500ms" is not a number`,
		"5x":     `end of range "5x"`,
		"nan":    `"nan" is not a number`,
		"inf":    `"inf" is not a number`,
		"1e3:":   `start of range "1e3:": "1e3" is not a number`,
		"0x10":   `"0x10" is not a number`,
		"1_000":  `"1_000" is not a number`,
		"1:~":    `"~" is not a number`,
		"~":      `"~" is not a number`,
		"1:2:3":  `"2:3" is not a number`,
		" 5":     `" 5" is not a number`,
		"+5":     `"+5" is not a number`,
		"5.5.5":  `"5.5.5" is not a number`,
		"--5:5":  `"--5" is not a number`,
		"-t":     `"-t" is not a number`,
		".:5":    `"." is not a number`,
		"@@5:10": `"@5" is not a number`,
		"5%":     `"5%" is not a number`,
		"5,5":    `"5,5" is not a number`,
	} {
		_, err := ParseRange(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestAround(t *testing.T) {
	for text, want := range map[string]string{"5": "-5:5", "0": "0:0", "-1:5": "-1:5", "@5": "@5", "0:5": "0:5"} {
		if got := MustRange(text).Around().String(); got != want {
			t.Errorf("%q around zero is %q, want %q", text, got, want)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"10", "10:", "~:10", "@10:20", "-5:5", "@10", ":5", "~:", "1e3:", "", "@~:0", "0.30000000000000004:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRange(s)
		if err != nil {
			if !r.IsZero() {
				t.Fatalf("%q: refused, and still a range", s)
			}
			return
		}
		if math.IsNaN(r.Start) || math.IsNaN(r.End) || r.Start > r.End {
			t.Fatalf("%q: %v..%v", s, r.Start, r.End)
		}
		again, err := ParseRange(r.String())
		if err != nil || again != r {
			t.Fatalf("%q prints as %q and reads as %+v, not %+v (%v)", s, r, again, r, err)
		}
	})
}

func TestFormat(t *testing.T) {
	for v, want := range map[float64]string{
		0.00042: "0.00042", 0.07: "0.07", 1e21: "1000000000000000000000", -0.0004: "-0.0004",
		math.Copysign(0, -1): "0", 1.0 / 3: "0.3333333333333333", 12: "12",
	} {
		if got := Format(v); got != want {
			t.Errorf("%v prints as %q, want %q", v, got, want)
		}
	}
}

func TestUnitsHaveTwoSpellings(t *testing.T) {
	for _, tt := range []struct {
		s    Sample
		uom  string
		base float64
	}{
		{Sample{Unit: Percent, Value: 15}, "%", 0.15},
		{Sample{Unit: Seconds, Value: 0.25}, "s", 0.25},
		{Sample{Unit: Bytes, Value: 1024}, "B", 1024},
		{Sample{Kind: Counter, Value: 7}, "c", 7},
		{Sample{Value: 3}, "", 3},
	} {
		if tt.s.UOM() != tt.uom || tt.s.Base() != tt.base {
			t.Errorf("%+v: %q %v", tt.s, tt.s.UOM(), tt.s.Base())
		}
	}
}
