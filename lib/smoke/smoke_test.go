package smoke

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const ms = time.Millisecond

// round is a minute that began so long before noon.
func round(before time.Duration, sent, lost int, median time.Duration) Round {
	r := Round{Start: noon.Add(-before), Length: time.Minute, Sent: sent, Lost: lost}
	if lost < sent {
		for i, share := range [7]int{90, 95, 98, 100, 105, 115, 150} {
			r.RTT[i] = median * time.Duration(share) / 100
		}
	}
	return r
}

// day is a graph with everything in it: calm, loss, a gap, silence, calm elsewhere.
func day() Graph {
	g := Graph{Host: "baltimore", Span: "3 hours", From: noon.Add(-3 * time.Hour), To: noon, Light: 57 * ms}
	for i, lost := range []int{0, 0, 1, 3, 6, 8, 11, 20, 45, 60, 60, 0} {
		g.Rounds = append(g.Rounds, round(time.Duration(150-i)*time.Minute, 60, lost, 80*ms))
	}
	for i := range 30 {
		g.Rounds = append(g.Rounds, round(time.Duration(60-i)*time.Minute, 60, 0, 102*ms))
	}
	return g
}

func draw(t *testing.T, g Graph) string {
	t.Helper()
	var b bytes.Buffer
	if err := g.SVG(&b); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v\n%s", err, b.String())
		}
	}
	if bad := regexp.MustCompile(`NaN|Inf|%!`).FindString(b.String()); bad != "" {
		t.Errorf("%s in the picture:\n%s", bad, b.String())
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	got := draw(t, day())
	path := filepath.Join("testdata", "day.svg")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it is not %s any more: look at it, then UPDATE_GOLDEN=1", path)
	}
}

// TestPicture: what must be there, and how often, in pictures of some situations.
func TestPicture(t *testing.T) {
	all := day()
	silent := Graph{Host: "a", Span: "3 hours", From: all.From, To: all.To, Rounds: []Round{round(time.Hour, 60, 60, 0), round(59*time.Minute, 60, 60, 0)}}
	for _, tt := range []struct {
		name  string
		graph Graph
		what  string
		times int
	}{
		{"a gap or a silence ends the smoke", all, `class="smoke"`, 3},
		{"and begins it again: three runs", all, `Z`, 3*3 + 9},
		{"silences that follow each other are one", all, `hatch[)]" x="[0-9.]+" y="46"`, 1},
		{"every shade of loss has bars of its own", all, `<path class="bar l[1-7]"`, 7},
		{"the line is in the colour of the loss", all, `<path class="line l[0-6]"`, 7},
		{"light is in the picture", all, `light in fibre takes 57.0 ms`, 1},
		{"it has a title and a description", all, `aria-labelledby="title desc"`, 1},
		{"the description is the summary", all, `<desc id="desc">3 hours to Mon 23 November 2026 12:00 UTC: median 102 ms, most from 96.9 ms to 117 ms, 214 of 2520 packets lost \(8.49 %\), worst 100 % at Mon 09:39, 2 h 18 min not measured.</desc>`, 1},
		{"it knows the night", all, `@media\(prefers-color-scheme:dark\)`, 1},
		{"nothing was measured", Graph{Host: "a", Span: "3 hours", From: all.From, To: all.To}, `Nothing was measured`, 1},
		{"and nothing is drawn", Graph{Host: "a", Span: "3 hours", From: all.From, To: all.To}, `<path class="(smoke|line|bar)`, 0},
		{"only silence", silent, `<path class="(smoke|line)`, 0},
		{"is loss all the same", silent, `<path class="bar l7"`, 1},
		{"a name is no markup", Graph{Host: `<script>"&'`, From: all.From, To: all.To}, `<script`, 0},
		{"and a long one is cut", Graph{Host: strings.Repeat("long.", 40), From: all.From, To: all.To}, `>long[^<]{50,60}…<`, 1},
		{"what light cannot be seen in is not drawn", Graph{Host: "a", From: all.From, To: all.To, Light: time.Hour, Rounds: all.Rounds}, `class="light"`, 0},
		{"rounds from elsewhere are left out", Graph{Host: "a", From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour), Rounds: all.Rounds}, `Nothing was measured`, 1},
		{"a round of no length and no packet is none", Graph{Host: "a", From: all.From, To: all.To, Rounds: []Round{{Start: noon.Add(-time.Hour)}}}, `Nothing was measured`, 1},
		{"round trips of nothing", Graph{Host: "a", From: all.From, To: all.To, Rounds: []Round{round(time.Hour, 1, 0, 0)}}, `class="line l0"`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			svg := draw(t, tt.graph)
			_, drawn, _ := strings.Cut(svg, "</style>")
			if strings.HasPrefix(tt.what, "@media") || strings.Contains(tt.what, "desc") {
				drawn = svg
			}
			if got := len(regexp.MustCompile(tt.what).FindAllString(drawn, -1)); got != tt.times {
				t.Errorf("%s is there %d times, not %d", tt.what, got, tt.times)
			}
		})
	}
}

// TestDelays: what is calm looks calm, what is not is seen.
func TestDelays(t *testing.T) {
	for _, tt := range []struct {
		name    string
		medians []time.Duration
		want    string
	}{
		{"calm and far", []time.Duration{200 * ms, 201 * ms}, "150..350"},
		{"near", []time.Duration{100 * time.Microsecond}, "0.09..0.12"},
		{"calm, then twice as long", []time.Duration{50 * ms, 100 * ms}, "0..150"},
		{"nothing", nil, "0..100"},
		{"zero", []time.Duration{0}, "0..0.01"},
	} {
		var rounds []Round
		for _, m := range tt.medians {
			rounds = append(rounds, round(0, 60, 0, m))
		}
		a, ticks := delays(rounds, 1, 0)
		if got := fmt.Sprintf("%s..%s", label(a.lo), label(a.hi)); got != tt.want || len(ticks) < 3 || len(ticks) > 11 {
			t.Errorf("%s: %s with %d ticks, not %s", tt.name, got, len(ticks), tt.want)
		}
	}
}

func TestMoments(t *testing.T) {
	for span, want := range map[time.Duration]string{
		3 * time.Hour:         "09:00 09:30 10:00 10:30 11:00 11:30",
		30 * time.Hour:        "06:00 09:00 12:00 15:00 18:00 21:00 Mon 23 03:00 06:00 09:00",
		10 * 24 * time.Hour:   "Sat 14 Sun 15 Mon 16 Tue 17 Wed 18 Thu 19 Fri 20 Sat 21 Sun 22 Mon 23",
		9000 * 24 * time.Hour: "",
	} {
		var got []string
		for _, m := range moments(noon.Add(-span), noon) {
			got = append(got, m.text)
		}
		if want == "" && len(got) > 0 && len(got) <= 30 {
			continue
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v: %q, not %q", span, strings.Join(got, " "), want)
		}
	}
}

func TestShades(t *testing.T) {
	for share, want := range map[float64]string{
		0: "none lost", 0.001: "to 5 %", 0.05: "to 5 %", 0.051: "to 10 %", 0.5: "to 50 %", 0.51: "more", 0.99: "more", 1: "all lost",
	} {
		if got := shades[shadeOf(share)].words; got != want {
			t.Errorf("%v of the packets lost is %q, not %q", share, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, tt := range []struct {
		lost, sent int
		want       string
	}{{0, 60, "0"}, {1, 100000, "<0.01"}, {1, 60, "1.67"}, {3, 60, "5"}, {59, 60, "98"}, {9999, 10000, "99"}, {60, 60, "100"}} {
		if got := Percent(tt.lost, tt.sent); got != tt.want {
			t.Errorf("%d of %d is %s %%, not %s", tt.lost, tt.sent, got, tt.want)
		}
	}
}

func TestPage(t *testing.T) {
	var b bytes.Buffer
	g := day()
	g.Host = `a"b<i>`
	if err := (Page{Host: g.Host, Note: "it is new", Graphs: []Graph{g}}).HTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<img src="./a%22b%3Ci%3E.svg?range=3h"`, `alt="Round trips and loss of a&#34;b&lt;i&gt;, 3 hours: median 102 ms`, "it is new",
		"<td>Mon 23 Nov 09:32</td><td>60</td><td>1 (1.67 %)</td><td>72.0 ms</td>", `<td>60 (100 %)</td><td colspan="5">no answer</td>`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %s:\n%s", want, b.String())
		}
	}
}

func TestFile(t *testing.T) {
	for host, want := range map[string]string{
		"fra-1": "./fra-1", "rack/fra-1": "./fra-1", "a?b#c%d e": "./a%3Fb%23c%25d%20e", "javascript:x": "./javascript:x", "": "./",
	} {
		if got := (Graph{Host: host}).File(); got != want {
			t.Errorf("the pictures of %q are at %s, not %s", host, got, want)
		}
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	g := day()
	g.Rounds = g.Rounds[1:11]
	if err := g.CSV(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if lines[0] != "start,length,sent,lost,rtt_min,rtt_10,rtt_25,rtt_median,rtt_75,rtt_90,rtt_max" ||
		lines[1] != "2026-11-23T09:31:00Z,60,60,0,0.072,0.076,0.0784,0.08,0.084,0.092,0.12" || lines[10] != "2026-11-23T09:40:00Z,60,60,60,,,,,,," {
		t.Errorf("%s", b.String())
	}
}
