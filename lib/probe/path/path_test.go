package path

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"milepost/lib/geo"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// trips are round trips that are known beforehand.
type trips []time.Duration

func (t trips) RoundTrips(ctx context.Context, _ metric.Target, count int, _ time.Duration) ([]time.Duration, error) {
	if len(t) == 0 {
		return nil, ctx.Err()
	}
	return t[:min(len(t), count)], nil
}

func (trips) Needs(context.Context, metric.Target) []metric.Need { return nil }

const ms = time.Millisecond

func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string
		trips          trips
		text           string
		flags          string // the sentences of the flags that are yes
		fibre          string // value, and between what, in percent
	}{
		{
			"the best of the published paths", "Paris", "New York",
			trips{80 * ms, 77310 * time.Microsecond, 79 * ms},
			"77.3 ms from Paris to New York, 5837 km (3627 miles): 93.8 miles/ms, 77.6 % of light in fibre", "", "77.6 77.1..78.1",
		},
		{
			"the published detour", "Baltimore", "New York",
			trips{174610 * time.Microsecond},
			"174.6 ms from Baltimore to New York, 273 km (169 miles): 1.94 miles/ms, 1.60 % of light in fibre",
			"detour: no usual path of that length takes longer than 60.7 ms", "1.60 1.37..1.84",
		},
		{
			"far and slow, but not too slow", "Paris", "Sydney",
			trips{348 * ms},
			"348.0 ms from Paris to Sydney, 16961 km (10539 miles): 60.6 miles/ms, 50.1 % of light in fibre", "", "50.1 50.0..50.2",
		},
		{
			"faster than glass", "Paris", "Milan",
			trips{5 * ms},
			"5.000 ms from Paris to Milan, 640 km (397 miles): 159 miles/ms, 131 % of light in fibre",
			"cannot be there: Milan answers after 5.000 ms, and light needs 5.872 ms there and back through fibre: it is within 511 km of Paris", "131 123..140",
		},
		{
			"faster than light", "Paris", "Milan",
			trips{time.Millisecond},
			"1.000 ms from Paris to Milan, 640 km (397 miles): 795 miles/ms, 657 % of light in fibre",
			"cannot be there: Milan answers after 1.000 ms, and light needs 5.872 ms there and back through fibre, 4.000 ms through nothing: it is within 102 km of Paris", "657 616..699",
		},
		{
			"as fast as glass allows, and faster than the yardstick", "Paris", "Singapore",
			trips{106 * ms},
			"106.0 ms from Paris to Singapore, 10737 km (6671 miles): 126 miles/ms, 104 % of light in fibre", "", "104 104..105",
		},
		{
			"in the same rack", "Paris", "Paris",
			trips{90 * time.Microsecond},
			"0.090 ms from Paris to Paris, 0 km (0 miles): too near for a speed to mean anything", "", "0.00 0.00..105",
		},
		{
			"in the same city, faster than its coordinates", "Paris", "48.95,2.45",
			trips{90 * time.Microsecond},
			"0.090 ms from Paris to 48.95,2.45, 13 km (8 miles): too near for a speed to mean anything", "", "105 0.00..105",
		},
		{
			"the long way within a city", "Paris", "Paris",
			trips{70 * ms},
			"70.0 ms from Paris to Paris, 0 km (0 miles): too near for a speed to mean anything",
			"detour: no usual path of that length takes longer than 55.7 ms", "0.00 0.00..105",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Using{tt.trips}.Default()
			c.From, c.To = at(t, tt.from), at(t, tt.to)
			for r, err := range Measure(t.Context(), metric.Target{Name: "host", Address: "host"}, c) {
				if err != nil {
					t.Fatal(err)
				}
				hold(t, r.Report(), tt.text, tt.flags, tt.fibre)
			}
		})
	}
}

// TestLimits: -w and -c are on the percentage of light in fibre, and what that is is
// --fibre-speed's; that a host cannot be there is not.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name              string
		rtt               time.Duration
		warning, critical string
		fibre             float64
		want              string
	}{
		{"within both", 21 * ms, "25:", "20:", 120.9, "OK 21.0 ms from Paris to Milan, 640 km (397 miles): 37.8 miles/ms, 31.3 % of light in fibre"},
		{"slower than the one", 21 * ms, "40:", "20:", 120.9, "WARNING slow for its length; 21.0 ms"},
		{"slower than both", 21 * ms, "40:", "35:", 120.9, "CRITICAL slow for its length; 21.0 ms"},
		{"of another yardstick", 21 * ms, "55:", "", 60.45, "OK 21.0 ms from Paris to Milan, 640 km (397 miles): 37.8 miles/ms, 62.6 % of light in fibre"},
		{"at the edge of what its coordinates tell", 21 * ms, "31:", "", 120.9, "OK cannot exclude WARNING: limit inside the uncertainty; 21.0 ms"},
		{"a detour that the user's own limit allows", 100 * ms, "1:", "", 120.9, "OK 100.0 ms"},
		{"no limits, and a detour", 100 * ms, "", "", 120.9, "WARNING detour: no usual path of that length takes longer than 67.4 ms; 100.0 ms"},
		{"physics, whatever the limits and the yardstick", 2 * ms, "1:", "1:", 186, "CRITICAL cannot be there: Milan answers after 2.000 ms"},
	} {
		c := Using{trips{tt.rtt}}.Default()
		c.From, c.To, c.FibreSpeed = at(t, "Paris"), at(t, "Milan"), tt.fibre
		if tt.warning != "" {
			c.Warning = metric.MustRange(tt.warning)
		}
		if tt.critical != "" {
			c.Critical = metric.MustRange(tt.critical)
		}
		for r, err := range Measure(t.Context(), metric.Target{Name: "host", Address: "host"}, c) {
			v := verdict.Judge(r.Report(), c.Limits())
			if got := v.Status.String() + " " + v.Summary; err != nil || !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s: %q, want %q (%v)", tt.name, got, tt.want, err)
			}
		}
	}
}

// TestPast: who answered from near within the last days is no farther away now,
// however long the way is that packets take today; the speed is that of today.
func TestPast(t *testing.T) {
	for _, tt := range []struct {
		name       string
		now, past  time.Duration
		impossible string
		week       string
	}{
		{"nothing is remembered", 21 * ms, 0, "", ""},
		{"as today", 21 * ms, 21 * ms, "", "0.021"},
		{"faster today", 20 * ms, 21 * ms, "", "0.02"},
		{"faster than light, days ago", 21 * ms, 2 * ms, "cannot be there: Milan answered after 2.000 ms within the last 7 days, and light needs 5.872 ms there and back through fibre, 4.000 ms through nothing: it is within 204 km of Paris", "0.002"},
		{"faster than light, and today still more", 2 * ms, 3 * ms, "cannot be there: Milan answers after 2.000 ms, and light needs 5.872 ms there and back through fibre, 4.000 ms through nothing: it is within 204 km of Paris", "0.002"},
	} {
		c := Using{trips{tt.now}}.Default()
		c.From, c.To = at(t, "Paris"), at(t, "Milan")
		c.Past = func(metric.Target) (time.Duration, time.Duration) { return tt.past, 7 * 24 * time.Hour }
		for r, err := range Measure(t.Context(), metric.Target{Name: "host", Address: "host"}, c) {
			impossible, week := "", ""
			for _, s := range r.Report().Samples {
				switch {
				case s.Name == "impossible" && s.Value == 1:
					impossible = s.Text
				case s.Metric == "path_rtt_min_7d_seconds":
					week = metric.Format(s.Value)
				case s.Name == "rtt_min" && s.Value != tt.now.Seconds():
					t.Errorf("%s: now %v", tt.name, s.Value)
				}
			}
			if err != nil || impossible != tt.impossible || week != tt.week {
				t.Errorf("%s: %q, %q, %v", tt.name, impossible, week, err)
			}
		}
	}
}

func at(t *testing.T, s string) geo.Place {
	t.Helper()
	p, err := geo.ParsePlace(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hold(t *testing.T, r metric.Report, text, flags, fibre string) {
	t.Helper()
	if r.Text != text {
		t.Errorf("it says\n %s, not\n %s", r.Text, text)
	}
	var yes []string
	for _, s := range r.Samples {
		if s.Kind == metric.IsFlag && s.Value == 1 {
			yes = append(yes, s.Text)
		}
		if lo, hi := s.Interval(); s.Name == "fibre" {
			if got := figure(s.Value) + " " + figure(lo) + ".." + figure(hi); got != fibre {
				t.Errorf("fibre is %s, not %s", got, fibre)
			}
			if near := strings.Contains(text, "too near"); near != (s.Metric == "") {
				t.Errorf("near %v, and exported as %q", near, s.Metric)
			}
		}
	}
	if got := strings.Join(yes, "; "); got != flags {
		t.Errorf("it finds\n %s, not\n %s", got, flags)
	}
}

func TestNotMeasured(t *testing.T) {
	somewhere := metric.Coordinates{Latitude: 1, Longitude: 2, Known: true}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		target metric.Target
		trips  trips
		want   string
	}{
		{
			"nobody said where this machine is", t.Context(),
			metric.Target{Name: "fra-1", At: somewhere},
			trips{ms},
			"where this machine is was not said: give --from CITY or --from=LATITUDE,LONGITUDE, or the inventory's vantage its latitude and longitude",
		},
		{
			"nobody said where the host is", t.Context(),
			metric.Target{Name: "fra-1", From: somewhere},
			trips{ms},
			`where "fra-1" is was not said: give --to CITY or --to=LATITUDE,LONGITUDE, or the host its latitude and longitude, or a known city, in the inventory`,
		},
		{
			"silence is no speed", t.Context(),
			metric.Target{Name: "fra-1", Address: "fra-1.example.net", At: somewhere, From: somewhere},
			nil,
			`measuring the path to "fra-1.example.net": no packet came back, so there is no speed`,
		},
		{
			"nor is a round trip of nothing", t.Context(),
			metric.Target{Address: "fra-1", At: somewhere, From: somewhere},
			trips{0, ms},
			`measuring the path to "fra-1": a round trip of 0s cannot be: this machine's clock or its kernel's stamps are wrong`,
		},
		{"interrupted", ended, metric.Target{Address: "fra-1", At: somewhere, From: somewhere}, nil, "context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for r, err := range Measure(tt.ctx, tt.target, Using{tt.trips}.Default()) {
				if err == nil || err.Error() != tt.want {
					t.Errorf("it says %v, not %s", err, tt.want)
				}
				if len(r.Report().Samples) > 0 {
					t.Errorf("and samples: %v", r.Report().Samples)
				}
			}
		})
	}
}

// broken is a Pinger that may not ping.
type broken struct{ trips }

func (broken) RoundTrips(context.Context, metric.Target, int, time.Duration) ([]time.Duration, error) {
	return nil, errors.New("no permission")
}

func TestNoPermission(t *testing.T) {
	c := Using{broken{}}.Default()
	c.From, c.To = at(t, "Paris"), at(t, "Milan")
	for _, err := range Measure(t.Context(), metric.Target{}, c) {
		if err == nil || err.Error() != "no permission" {
			t.Errorf("it says %v", err)
		}
	}
}

func TestApplies(t *testing.T) {
	somewhere := metric.Coordinates{Known: true}
	for _, tt := range []struct {
		name   string
		target metric.Target
		to     string
		want   bool
	}{
		{"both ends", metric.Target{At: somewhere, From: somewhere}, "", true},
		{"no vantage", metric.Target{At: somewhere}, "", false},
		{"no place of the host", metric.Target{From: somewhere}, "", false},
		{"the place among the options", metric.Target{From: somewhere}, "Paris", true},
	} {
		c := Default()
		if tt.to != "" {
			c.To = at(t, tt.to)
		}
		if got := c.Applies(tt.target); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"": func(*Config) {},
		"--fibre-speed: 0 is not between 1 and the speed of light, 186.28 miles a millisecond":   func(c *Config) { c.FibreSpeed = 0 },
		"--fibre-speed: 187 is not between 1 and the speed of light, 186.28 miles a millisecond": func(c *Config) { c.FibreSpeed = 187 },
		"--count: 0 is not between 1 and 1000":                                                   func(c *Config) { c.Count = 0 },
		"--spacing: 1µs is not between 1ms and 1h0m0s":                                           func(c *Config) { c.Spacing = time.Microsecond },
	} {
		c := Default()
		change(&c)
		got := ""
		if err := c.Validate(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
