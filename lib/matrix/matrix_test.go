package matrix

import (
	"bytes"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"milepost/lib/geo"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const ms = time.Millisecond

func site(t *testing.T, name string) Site {
	t.Helper()
	p, err := geo.City(name, "")
	if err != nil {
		t.Fatal(err)
	}
	return Site{Name: name, At: p}
}

// published is the published matrix, whose paths lib/geo is tested with too.
func published(t *testing.T) Matrix {
	t.Helper()
	m := Matrix{At: noon}
	for trip := range geo.Published() {
		m.Put(site(t, trip.From), site(t, trip.To), trip.RTT)
	}
	return m
}

// TestPublishedFindings: the sentences about the seven pairs, dearest first.
func TestPublishedFindings(t *testing.T) {
	want := []string{
		"Baltimore – New York: detour through Paris (D1, D2, D3): From Baltimore to New York, 273 km (169 miles) apart, a round trip takes at least 174.6 ms (at 2026-11-23 12:00 UTC). " +
			"Light in fibre needs 2.67 ms. No usual path of that length takes longer than 60.7 ms. By way of Dallas the same packets would take 71.3 ms, 103.3 ms less. " +
			"It takes as long as going by way of Paris does (175.0 ms), which is where it seems to go. Please look at the routes between the two.",
		"Brisbane – Moscow: detour (D1): From Brisbane to Moscow, 14072 km (8744 miles) apart, a round trip takes at least 357.2 ms (at 2026-11-23 12:00 UTC). Light in fibre needs 137.8 ms. " +
			"No usual path of that length takes longer than 311.6 ms. Please look at the routes between the two.",
		"Paris – Zurich: detour (D1, D2): From Paris to Zurich, 488 km (303 miles) apart, ...By way of Milan the same packets would take 32.5 ms, 75.6 ms less. Please look...",
		"Moscow – Sydney: detour (D1): ...", "Fremont – Paris: faster through a third place (D2): ...By way of New York...", "Dallas – Paris: faster through a third place (D2): ...",
		"Milan – New York: faster through a third place (D2): ...",
	}
	found := published(t).Findings()
	if len(found) != len(want) {
		t.Errorf("%d findings, not %d", len(found), len(want))
	}
	for _, w := range want {
		name, _, _ := strings.Cut(w, ":")
		said := ""
		for _, f := range found {
			if f.From+" – "+f.To == name || f.To+" – "+f.From == name {
				said = name + ": " + f.What + " (" + f.Rules + "): " + f.Sentence
			}
		}
		if !like(w, said) {
			t.Errorf("it says\n %s, not\n %s", said, w)
		}
	}
	for i, f := range found[1:] {
		if f.Cost > found[i].Cost {
			t.Errorf("%s – %s comes too late", f.From, f.To)
		}
	}
}

// like says that text is the pattern, in which "..." stands for anything.
func like(pattern, text string) bool {
	for i, part := range strings.Split(pattern, "...") {
		at := strings.Index(text, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return text == "" || strings.HasSuffix(pattern, "...")
}

func TestFalsePlace(t *testing.T) {
	m := Matrix{At: noon, Over: time.Hour}
	vantage := site(t, "Paris")
	claimed := site(t, "Singapore")
	claimed.Address = "198.51.100.7"
	m.Put(vantage, claimed, 9*ms)
	found := m.Findings()
	const want = "Singapore (198.51.100.7) is said to be 10737 km from Paris, and answers after 9.00 ms (the least of 1 h to 2026-11-23 12:00 UTC). " +
		"However near in their cities the two are, light needs 104.8 ms in fibre and 71.4 ms even in a vacuum there and back: what answers is within 919 km of Paris. Please tell us where this machine is."
	if len(found) != 1 || found[0].What != "cannot be there" || found[0].Sentence != want {
		t.Errorf("%+v, not\n%s", found, want)
	}
}

// TestWeek: what answered so soon days ago cannot be so far away now; what is slow now
// is slow, though it was not.
func TestWeek(t *testing.T) {
	m := Matrix{At: noon, Over: 10 * time.Minute}
	paris, claimed, slow := site(t, "Paris"), site(t, "Singapore"), site(t, "Milan")
	m.Put(paris, claimed, 200*ms)
	m.PutWeek(paris, claimed, 9*ms)
	m.PutWeek(paris, claimed, 0) // nobody knows
	m.Put(paris, slow, 100*ms)
	m.PutWeek(paris, slow, 21*ms)
	what := func(m Matrix) string {
		var all []string
		for _, f := range m.Findings() {
			all = append(all, f.From+" – "+f.To+": "+f.What)
		}
		return strings.Join(all, ", ")
	}
	if got, want := what(m), "Paris – Singapore: cannot be there, Paris – Milan: detour"; got != want {
		t.Errorf("now: %s, not %s", got, want)
	}
	if got, want := m.Findings()[0].Sentence, "Singapore is said to be 10737 km from Paris, and answered after 9.00 ms (the least of 7 days to 2026-11-23 12:00 UTC). However near"; !strings.HasPrefix(got, want) {
		t.Errorf("%s, not %s", got, want)
	}
	week := View{Week: true}.Of(m)
	if got, want := what(week), "Paris – Singapore: cannot be there"; got != want {
		t.Errorf("over a week: %s, not %s", got, want)
	}
	if r := week.Rows(ByRTT, false); r[0].RTT != 9*ms || r[1].RTT != 21*ms {
		t.Errorf("over a week: %+v", r)
	}
}

// TestOneRule: the 20 km that a machine may be from where it is said to be count on the
// page as in the check: what they can explain is neither refuted nor faster than glass.
func TestOneRule(t *testing.T) {
	m := Matrix{At: noon}
	here, near := Site{Name: "a", At: geo.At("a", geo.Point{Latitude: 50})}, Site{Name: "b", At: geo.At("b", geo.Point{Latitude: 50, Longitude: 1})}
	m.Put(here, near, 500*time.Microsecond) // light needs 0.70 ms for their 71 km, and 0.31 ms if each is 20 km off
	r := m.Rows(ByName, false)[0]
	if found := m.Findings(); len(found) > 0 || heat(r.Percent()) != "h5" {
		t.Errorf("%+v, %v %%", found, r.Percent())
	}
	m.Put(here, near, 300*time.Microsecond)
	r = m.Rows(ByName, false)[0]
	found := m.Findings()
	if len(found) != 1 || !strings.Contains(found[0].Sentence, "However near in their cities the two are, light needs 0.31 ms in fibre there and back") || heat(r.Percent()) != "no" {
		t.Errorf("%+v, %v %%", found, r.Percent())
	}
}

// TestDirection: a monitor tells of its paths from where it is.
func TestDirection(t *testing.T) {
	m := Matrix{At: noon}
	m.Put(site(t, "Paris"), site(t, "Milan"), 100*ms)
	if found := m.Findings(); len(found) != 1 || found[0].From != "Paris" || !strings.HasPrefix(found[0].Sentence, "From Paris to Milan, ") {
		t.Errorf("%+v", found)
	}
}

func TestRows(t *testing.T) {
	m := Matrix{At: noon}
	here := site(t, "Paris")
	nowhere := Site{Name: "cage-7"}
	near := Site{Name: "par-2", At: here.At}
	for s, rtt := range map[Site]time.Duration{
		site(t, "Milan"): 21 * ms, site(t, "New York"): 77 * ms, site(t, "Sydney"): 348 * ms, nowhere: 5 * ms, near: ms / 10,
	} {
		m.Put(here, s, rtt)
		m.Put(here, s, 2*rtt) // the least counts
	}
	m.Put(here, here, ms)
	m.Put(here, site(t, "Zurich"), 0)
	for _, tt := range []struct {
		by   Order
		desc bool
		want string
	}{
		{BySpeed, false, "Milan Sydney New York cage-7 par-2"},
		{BySpeed, true, "New York Sydney Milan cage-7 par-2"},
		{ByName, false, "Milan New York Sydney cage-7 par-2"},
		{ByName, true, "par-2 cage-7 Sydney New York Milan"},
		{ByRTT, false, "par-2 cage-7 Milan New York Sydney"},
		{ByDistance, false, "par-2 Milan New York Sydney cage-7"},
		{ByDistance, true, "Sydney New York Milan par-2 cage-7"},
	} {
		var got []string
		for _, r := range m.Rows(tt.by, tt.desc) {
			got = append(got, r.To.Name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s, descending %v: %q, not %q", tt.by, tt.desc, strings.Join(got, " "), tt.want)
		}
	}
	var b bytes.Buffer
	if err := m.CSV(&b, ByRTT, false); err != nil {
		t.Fatal(err)
	}
	const want = "from,to,rtt_ms,distance_miles,miles_per_ms,percent_of_fibre\nParis,par-2,0.100,0,,\nParis,cage-7,5.000,,,\n" +
		"Paris,Milan,21.000,397,37.85,31.31\nParis,New York,77.000,3627,94.21,77.92\nParis,Sydney,348.000,10539,60.57,50.10\n"
	if b.String() != want {
		t.Errorf("CSV is\n%s, not\n%s", b.String(), want)
	}
}

func TestPage(t *testing.T) {
	m := published(t)
	m.Put(Site{Name: `=<b>"`}, site(t, "Paris"), ms)
	m.Notes = []string{"of <one> monitor"}
	for _, tt := range []struct {
		name, query string
		want        []string
	}{
		{"as it comes", "", []string{
			`aria-sort="ascending"><a href="?order=desc&amp;show=percent&amp;sort=speed#list">miles/ms`, "<strong>% of light in fibre</strong>", "of &lt;one&gt; monitor",
			`<td class="h0" title="Baltimore to New York: 174.7 ms, 273 km, 1.9 miles/ms, 2 % of light in fibre">2</td>`, `href="paths.csv?show=percent&amp;sort=speed"`,
			"Baltimore – New York: detour through Paris", "=&lt;b&gt;&#34; – Paris",
		}},
		{"turned round", "sort=rtt&order=desc&show=rtt", []string{`aria-sort="descending"><a href="?show=rtt&amp;sort=rtt#list">round trip`, ">174.7</td>"}},
		{"in miles", "show=speed", []string{">1.9</td>"}},
		{"of a week", "over=7d&sort=name", []string{`<a href="?show=percent&amp;sort=name">now</a> <strong>at their best in 7 days</strong>`, `href="paths.csv?over=7d&amp;show=percent&amp;sort=name"`, `href="?order=desc&amp;over=7d&amp;show=percent&amp;sort=name#list"`}},
		{"nonsense is the usual", "sort=<x>&show=y&order=z", []string{`aria-sort="ascending"><a href="?order=desc&amp;show=percent&amp;sort=speed#list">miles/ms`}},
	} {
		q, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := m.HTML(&b, ParseView(q)); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: %s is not in the page", tt.name, want)
			}
		}
		if out := os.Getenv("PAGE"); out != "" && tt.query == "" {
			_ = os.WriteFile(out, b.Bytes(), 0o644)
		}
	}
	var b bytes.Buffer
	if err := (Matrix{}).HTML(&b, View{}); err != nil || !strings.Contains(b.String(), "nothing was measured yet") || strings.Contains(b.String(), `id="matrix"`) {
		t.Errorf("an empty one: %v", err)
	}
	b.Reset()
	if err := m.CSV(&b, ByName, false); err != nil || !strings.Contains(b.String(), "\"'=<b>\"\"\",Paris,1.000,,,") {
		t.Errorf("a name that is a formula: %v\n%s", err, b.String()[len(b.String())-200:])
	}
}

func TestHeat(t *testing.T) {
	for percent, want := range map[float64]string{1.6: "h0", 10: "h1", 54: "h3", 77: "h5", 104.9: "h5", 106: "no"} {
		if got := heat(percent); got != want {
			t.Errorf("%v %% is %s, not %s", percent, got, want)
		}
	}
}
