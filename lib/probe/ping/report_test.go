package ping

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// result is what is known after the first known packets of pattern: "." came
// back after 80 ms, ":" after 160, "x" is lost.
func result(c Config, pattern string, known int) Result {
	r := Result{Doing: `pinging "fra-1"`, Left: len(pattern) - known, Usual: c.usual().over(len(pattern), c.Spacing)}
	for _, p := range pattern[:known] {
		switch p {
		case '.':
			r.Packets = append(r.Packets, Packet{RTT: 80 * time.Millisecond})
		case ':':
			r.Packets = append(r.Packets, Packet{RTT: 160 * time.Millisecond})
		default:
			r.Packets = append(r.Packets, Packet{Lost: true})
		}
	}
	return r
}

// Loss is told of if it is both much more than usual and no chance: 5 points and 1 %
// for a warning, 20 points and 0.01 % for more, their ends included.
func TestLimitsOfLoss(t *testing.T) {
	for _, row := range []struct {
		excess, p float64
		want      verdict.Status
	}{
		{5, 0.01, verdict.Warning},
		{4.999, 0.000001, verdict.OK},
		{5, 0.010001, verdict.OK},
		{100, 0.5, verdict.OK},
		{19.999, 0.000001, verdict.Warning},
		{20, 0.000101, verdict.Warning},
		{20, 0.0001, verdict.Critical},
		{98, 0, verdict.Critical},
		{-2, 1, verdict.OK},
	} {
		samples := []metric.Sample{
			{Name: "excess", Value: row.excess},
			{Name: "p", Value: row.p},
			metric.Flag("all_lost", false, "", "", ""),
		}
		if v := verdict.Judge(metric.Report{Samples: samples}, Default().Limits()); v.Status != row.want {
			t.Errorf("%v points above the usual, p=%v: %v, want %v", row.excess, row.p, v.Status, row.want)
		}
	}
}

// The same in packets, beside a usual loss of 2 % that does not come in bursts.
func TestLimitsOfLossInPackets(t *testing.T) {
	for _, row := range []struct {
		lost, sent int
		want       verdict.Status
	}{
		{0, 100, verdict.OK},
		{6, 100, verdict.OK},        // 4 points
		{7, 100, verdict.Warning},   // 5 points, p=0.004
		{3, 20, verdict.Warning},    // 13 points, p=0.007
		{2, 20, verdict.OK},         // 8 points, p=0.06
		{21, 100, verdict.Warning},  // 19 points
		{22, 100, verdict.Critical}, // 20 points
		{6, 20, verdict.Critical},   // 28 points, p=0.000002
	} {
		c := Default()
		c.Baseline, c.Burst = Percent{2, true}, 0
		pattern := strings.Repeat("x", row.lost) + strings.Repeat(".", row.sent-row.lost)
		report := result(c, pattern, len(pattern)).Report()
		if v := verdict.Judge(report, c.Limits()); v.Status != row.want {
			t.Errorf("%d of %d: %v, want %v: %s", row.lost, row.sent, v.Status, row.want, v.Summary)
		}
	}
}

// Stopping early has no error of its own: whatever may come after the verdict
// was decided, it is the verdict.
func TestWhatIsDecidedStays(t *testing.T) {
	limits := map[string]func(*Config){
		"usual":           func(c *Config) { c.Baseline = Percent{2, true} },
		"usually much":    func(c *Config) { c.Baseline = Percent{30, true} },
		"independent":     func(c *Config) { c.Baseline, c.Burst = Percent{1, true}, 0 },
		"the user's own":  func(c *Config) { c.Warning, c.Critical = metric.MustRange("13"), metric.MustRange("40") },
		"a range inside":  func(c *Config) { c.Warning = metric.MustRange("@20:50") },
		"round trips too": func(c *Config) { c.RTTWarning, c.RTTCritical = metric.MustRange("0.1"), metric.MustRange("0.2") },
		"at least so slow": func(c *Config) {
			c.Warning, c.RTTCritical = metric.MustRange("50"), metric.MustRange("0.1:")
		},
	}
	decided := 0
	for name, change := range limits {
		c := Default()
		change(&c)
		for _, pattern := range fates() {
			final := verdict.Judge(result(c, pattern, len(pattern)).Report(), c.Limits())
			for known := 1; known < len(pattern); known++ {
				if v := verdict.Judge(result(c, pattern, known).Report(), c.Limits()); v.Decided {
					decided++
					if v.Status != final.Status {
						t.Fatalf("%s: %s is %v after %d packets and %v in the end", name, pattern, v.Status, known, final.Status)
					}
				}
			}
		}
	}
	if decided == 0 {
		t.Error("nothing was ever decided early")
	}
}

// fates are all ways that five packets can fare, and some of twenty.
func fates() []string {
	all := []string{""}
	for range 5 {
		var longer []string
		for _, way := range all {
			longer = append(longer, way+".", way+":", way+"x")
		}
		all = longer
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		way, loss := "", random.Float64()
		for range 20 {
			switch {
			case random.Float64() < loss:
				way += "x"
			case random.Float64() < 0.5:
				way += "."
			default:
				way += ":"
			}
		}
		all = append(all, way)
	}
	return all
}

func TestMedianLiesWhereItIsSaidTo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		all := make([]time.Duration, 1+random.IntN(9))
		for i := range all {
			all[i] = time.Duration(random.IntN(3000)) * time.Millisecond
		}
		known := 1 + random.IntN(len(all))
		_, lo, hi := median(slices.Sorted(slices.Values(all[:known])), len(all)-known)
		for more := known; more <= len(all); more++ { // as many as may be lost
			if v, _, _ := median(slices.Sorted(slices.Values(all[:more])), 0); v < lo || v > hi {
				t.Fatalf("the median of %v is %v, after %d it was said to come between %v and %v", all[:more], v, known, lo, hi)
			}
		}
	}
}

func TestJitter(t *testing.T) {
	ms := time.Millisecond
	for _, tt := range []struct {
		rtts []time.Duration
		want float64
	}{
		{nil, math.NaN()},
		{[]time.Duration{80 * ms}, math.NaN()},
		{[]time.Duration{80 * ms, 80 * ms}, 0},
		{[]time.Duration{80 * ms, 90 * ms, 70 * ms}, 0.015},
	} {
		if got := jitter(tt.rtts); got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%v: %v, want %v", tt.rtts, got, tt.want)
		}
	}
}

func TestText(t *testing.T) {
	based := Default()
	based.Baseline = Percent{2, true}
	limited := Default()
	limited.Warning = metric.MustRange("5")
	twenty := "x....x....x........."
	for _, tt := range []struct {
		name    string
		config  Config
		pattern string
		change  func(*Result)
		want    string
	}{
		{"a baseline", based, twenty, nil, "3/20 lost (15 %, 95 % CI 5-36 %), baseline 2 %, p=0.037"},
		{"none", Default(), twenty, nil, "3/20 lost (15 %, 95 % CI 5-36 %), no baseline (0.5 % assumed), p=0.0074"},
		{"limits instead", limited, twenty, nil, "3/20 lost (15 %, 95 % CI 5-36 %)"},
		{"nothing lost", limited, "....................", nil, "0/20 lost (0 %, 95 % CI 0-16 %)"},
		{"less than a tenth", limited, "x" + strings.Repeat(".", 59), nil, "1/60 lost (1.7 %, 95 % CI 0.3-8.9 %)"},
		{"no more than chance can be", based, "xxxxxxxxxx..........", nil, "10/20 lost (50 %, 95 % CI 30-70 %), baseline 2 %, p<0.0001"},
		{"fitted", limited, twenty, func(r *Result) {
			r.Plan.Count, r.Plan.Spacing, r.Fitted = 20, 210*time.Millisecond, 4999*time.Millisecond
		}, "3/20 lost (15 %, 95 % CI 5-36 %), 20 packets 0.21 s apart to fit into 5 s"},
		{"cut short", based, twenty, func(r *Result) { r.Packets, r.CutShort = r.Packets[:12], 8 }, "3/12 lost (25 %, 95 % CI 9-53 %), baseline 2 %, p=0.019, cut short after 12 of 20"},
		{"oddities", limited, twenty, func(r *Result) { r.Totals.Late, r.Totals.Duplicates, r.Totals.Strays, r.Stray = 2, 1, 3, host }, "3/20 lost (15 %, 95 % CI 5-36 %), 2 late, 1 duplicate, 3 from 192.0.2.1 ignored"},
		{"refused", limited, "xx..", func(r *Result) {
			r.Packets[0].Refused, r.Refusal = true, refusal{"host unreachable", host}
		}, "2/4 lost (50 %, 95 % CI 15-85 %), 1 refused (host unreachable, says 192.0.2.1)"},
	} {
		r := result(tt.config, tt.pattern, len(tt.pattern))
		if tt.change != nil {
			tt.change(&r)
		}
		if got := r.Report().Text; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSamples(t *testing.T) {
	c := Default()
	c.Baseline = Percent{2, true}
	r := result(c, "..:x", 4)
	r.Totals = Totals{Sent: 9, Received: 5, Lost: 3, Late: 2, Duplicates: 1}
	var got []string
	for _, s := range r.Report().Samples {
		got = append(got, fmt.Sprintf("%s/%s=%.5g%s", s.Name, s.Metric, s.Base(), s.UOM()))
	}
	want := []string{
		"loss/ping_loss_ratio=0.25%", "sent/=4", "received/=3",
		"rtt_min/=0.08s", "rtt_median/=0.08s", "rtt_max/=0.16s", "jitter/=0.04s",
		"excess/=23", "p/=0.059653", "all_lost/=0",
		"/ping_sent_total=9c", "/ping_received_total=5c", "/ping_lost_total=3c",
		"/ping_late_total=2c", "/ping_duplicates_total=1c", "/ping_strays_total=0c",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestStageTellsEveryPacket(t *testing.T) {
	r := result(Default(), ".x:", 3)
	r.Packets[1].Late, r.Packets[1].RTT = true, 1234*time.Millisecond
	want := metric.Stage{Doing: `pinging "fra-1"`, Said: "0: 80 ms\n1: lost, answered after 1234 ms\n2: 160 ms"}
	if got := r.Report().Stages; !slices.Equal(got, []metric.Stage{want}) {
		t.Errorf("%+v", got)
	}
}
