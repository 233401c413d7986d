package ping

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/echo"
	"milepost/lib/metric"
)

var host = netip.MustParseAddr("192.0.2.1")

// path is a network whose packets fare as the letters say, over and over: "." is
// answered after 80 ms, "o" after 400 ms and so after the next one, "r" after
// 700 ms, "L" after 1.2 s, "l" after a minute, "x" never, "d" twice, "s" by a
// stranger.
func path(pattern string) func(echo.Plan) (pinger, error) {
	return func(p echo.Plan) (pinger, error) {
		var s script
		for i := range p.Count {
			at := time.Now().Add(time.Duration(i) * p.Spacing)
			answer := func(after time.Duration, from netip.Addr) {
				s.events = append(s.events, echo.Event{Seq: i, At: at.Add(after), From: from})
			}
			s.events = append(s.events, echo.Event{Seq: i, At: at})
			switch pattern[i%len(pattern)] {
			case '.':
				answer(80*time.Millisecond, p.To)
			case 'o':
				answer(400*time.Millisecond, p.To)
			case 'r':
				answer(700*time.Millisecond, p.To)
			case 'L':
				answer(1200*time.Millisecond, p.To)
			case 'l':
				answer(time.Minute, p.To)
			case 'd':
				answer(80*time.Millisecond, p.To)
				answer(90*time.Millisecond, p.To)
			case 's':
				answer(80*time.Millisecond, netip.MustParseAddr("198.51.100.9"))
			}
		}
		slices.SortStableFunc(s.events, func(a, b echo.Event) int { return a.At.Compare(b.At) })
		return &s, nil
	}
}

// A script is what will happen.
type script struct{ events []echo.Event }

func (s *script) Close() {}

func (s *script) Next(ctx context.Context, until time.Time) ([]echo.Event, error) {
	coming := len(s.events) > 0 && !s.events[0].At.After(until)
	if coming {
		until = s.events[0].At
	}
	select {
	case <-time.After(time.Until(until)):
	case <-ctx.Done():
		return nil, nil
	}
	if !coming {
		return nil, nil
	}
	next := s.events[:1]
	s.events = s.events[1:]
	return next, nil
}

func run(t *testing.T, c Config, timeout time.Duration) check.Outcome {
	t.Helper()
	bound, err := check.Define("packet_loss", Default, Measure).Bind(&c, metric.Target{Name: "fra-1", Address: host.String()})
	if err != nil {
		t.Fatal(err)
	}
	bound.Timeout = timeout
	return bound.Run(t.Context())
}

func TestRounds(t *testing.T) {
	percent := func(s string) (p Percent) {
		if err := p.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	with := func(change func(*Config)) func(*Config) { return change }
	base := func(p string) func(*Config) { return with(func(c *Config) { c.Baseline = percent(p) }) }
	for _, tt := range []struct {
		name, pattern string
		change        func(*Config)
		timeout       time.Duration
		want          string
	}{
		{"clean", ".", base("2"), 0, "OK 0/16 lost (0 %, 95 % CI 0-19 %), baseline 2 %, p=1, decided after 16 of 20"},
		{"no baseline", ".", with(func(*Config) {}), 0, "OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (0.5 % assumed), p=1, decided after 18 of 20"},
		{"dead", "x", base("2"), 0, "CRITICAL 9/9 lost (100 %, 95 % CI 70-100 %), baseline 2 %, p<0.0001, decided after 9 of 20"},
		{"dead, and no time for all", "x", base("2"), 3 * time.Second, "CRITICAL 7/7 lost (100 %, 95 % CI 65-100 %), baseline 2 %, p<0.0001, 10 packets 0.2 s apart to fit into 3 s, decided after 7 of 10"},
		{"hardly any time", ".", with(func(*Config) {}), time.Second, "OK 0/3 lost (0 %, 95 % CI 0-56 %), no baseline (0.5 % assumed), p=1, 4 packets 0.1 s apart to fit into 1 s, decided after 3 of 4"},
		{"hardly any time, and dead", "x", with(func(c *Config) { c.Count = 3 }), time.Second, "CRITICAL no packet came back; 3/3 lost (100 %, 95 % CI 44-100 %), no baseline (0.5 % assumed), p=0.00054, 3 packets 0.15 s apart to fit into 1 s"},
		{"time for one", "x", with(func(*Config) {}), 400 * time.Millisecond, "CRITICAL no packet came back; 1/1 lost (100 %, 95 % CI 21-100 %), no baseline (0.5 % assumed), p=0.005, 1 packet to fit into 0.4 s"},
		{"hardly any time, and one is lost", ".x.", with(func(*Config) {}), 1500 * time.Millisecond, "OK 1/4 lost (25 %, 95 % CI 5-70 %), no baseline (0.5 % assumed), p=0.015, 4 packets 0.183 s apart to fit into 1.5 s"},
		{"size without significance", ".....x....x....x....", base("2"), 0, "OK 3/19 lost (16 %, 95 % CI 6-38 %), baseline 2 %, p=0.037, decided after 19 of 20"},
		{"much more than usual", "x..x..x..x..x..x..x.", base("2"), 0, "WARNING "},
		{"as much as usual here", "x...x...x...x...x...", base("20"), 0, "OK "},
		{"the user's own limit", "x...................", with(func(c *Config) { c.Warning = metric.MustRange("4"); c.Critical = metric.MustRange("50") }), 0, "WARNING 1/"},
		{"the user's own limit, kept", "x...................", with(func(c *Config) { c.Warning = metric.MustRange("5") }), 0, "OK 1/20 lost"},
		{"slow", "r", with(func(c *Config) { c.RTTWarning = metric.MustRange("0.5") }), 0, "WARNING the median round trip is 0.7 s; 0/"},
		{"late is lost", "l", base("2"), 0, "CRITICAL 9/9 lost (100 %, 95 % CI 70-100 %), baseline 2 %, p<0.0001, decided after 9 of 20"},
		{"out of order is no loss", "o.", base("2"), 0, "OK 0/16 lost (0 %, 95 % CI 0-19 %), baseline 2 %, p=1, decided after 16 of 20"},
		{"slower than thought is late once", "L", base("2"), 0, "OK 1/17 lost (5.9 %, 95 % CI 1-27 %), baseline 2 %, p=0.25, decided after 17 of 20, 1 late"},
		{"twice is once", "d", base("2"), 0, "OK 0/16 lost (0 %, 95 % CI 0-19 %), baseline 2 %, p=1, decided after 16 of 20, 15 duplicate"},
		{"a stranger's answer is none", "s", base("2"), 0, "CRITICAL 9/9 lost (100 %, 95 % CI 70-100 %), baseline 2 %, p<0.0001, decided after 9 of 20, 12 from 198.51.100.9 ignored"},
		{"one packet", ".", with(func(c *Config) { c.Count = 1 }), 0, "OK 0/1 lost"},
		{"one packet, lost", "x", with(func(c *Config) { c.Count = 1 }), 0, "CRITICAL no packet came back; 1/1 lost (100 %, 95 % CI 21-100 %)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := Default()
				c.begin = path(tt.pattern)
				tt.change(&c)
				if tt.timeout == 0 {
					tt.timeout = 10 * time.Second
				}
				began := time.Now()
				o := run(t, c, tt.timeout)
				if got := o.Status.String() + " " + o.Summary; !strings.HasPrefix(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
				if took := time.Since(began); took > tt.timeout {
					t.Errorf("took %v of %v", took, tt.timeout)
				}
			})
		})
	}
}

func TestWhatCannotBeSentIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Default()
		c.begin = func(echo.Plan) (pinger, error) { return nil, errors.New("no permission for ICMP") }
		if o := run(t, c, 10*time.Second); o.Status.String() != "UNKNOWN" || o.Summary != `pinging "192.0.2.1": no permission for ICMP` {
			t.Errorf("%v %q", o.Status, o.Summary)
		}
	})
}

// overlooking is a network whose answers this machine drops from the third on.
type overlooking struct{ pinger }

func (o overlooking) Next(ctx context.Context, until time.Time) ([]echo.Event, error) {
	events, err := o.pinger.Next(ctx, until)
	if len(events) > 0 && events[0].Seq > 2 && events[0].From.IsValid() {
		return nil, echo.ErrOverlooked
	}
	return events, err
}

func TestWhatThisMachineDropsIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Default()
		c.begin = func(p echo.Plan) (pinger, error) {
			s, err := path("xxx.")(p)
			return overlooking{s}, err
		}
		const want = `UNKNOWN pinging "192.0.2.1": this machine dropped answers before they could be read`
		if o := run(t, c, 10*time.Second); o.Status.String()+" "+o.Summary != want {
			t.Errorf("%v %q", o.Status, o.Summary)
		}
	})
}

func TestAPanicOfThePingerIsTheChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Default()
		c.begin = func(echo.Plan) (pinger, error) { panic("boom") }
		if o := run(t, c, 10*time.Second); o.Summary != "the check itself is broken: panic: boom" {
			t.Errorf("%v %q", o.Status, o.Summary)
		}
	})
}

// However a run ends before its time, what is known counts, and what is not is
// nobody's fault.
func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		count         int
		after         time.Duration
		want          string
	}{
		{"before the start", ".", 20, 0, `UNKNOWN interrupted by SIGTERM while pinging "192.0.2.1"`},
		{"while the first is out", ".", 20, 50 * time.Millisecond, `UNKNOWN interrupted by SIGTERM while pinging "192.0.2.1"`},
		{"too few to judge", ".", 20, 600 * time.Millisecond, `UNKNOWN interrupted by SIGTERM while pinging "192.0.2.1"`},
		{"too few, all lost", "x", 20, 1300 * time.Millisecond, `UNKNOWN interrupted by SIGTERM while pinging "192.0.2.1"`},
		{"too few, and that much is proven", "x", 20, 1600 * time.Millisecond, `WARNING cannot exclude CRITICAL: limit inside the uncertainty; 3/3 lost (100 %, 95 % CI 44-100 %), no baseline (0.5 % assumed), p=0.0074, cut short after 3 of 20; limit crossed: excess at least 5 and p within 0 to 0.01; interrupted by SIGTERM while pinging "192.0.2.1"`},
		{"enough", ".", 20, 900 * time.Millisecond, "OK 0/4 lost (0 %, 95 % CI 0-49 %), no baseline (0.5 % assumed), p=1, cut short after 4 of 20"},
		{"enough, all lost", "x", 20, 1800 * time.Millisecond, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %), no baseline (0.5 % assumed), p=0.00018, cut short after 4 of 20"},
		{"enough of few", ".", 2, 100 * time.Millisecond, `UNKNOWN interrupted by SIGTERM while pinging "192.0.2.1"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := Default()
				c.Count, c.begin = tt.count, path(tt.pattern)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				sigterm := func() { cancel(errors.New("SIGTERM")) }
				if tt.after == 0 {
					sigterm()
				} else {
					time.AfterFunc(tt.after, sigterm)
				}
				bound, err := check.Define("packet_loss", Default, Measure).Bind(&c, target())
				if err != nil {
					t.Fatal(err)
				}
				o := bound.Run(ctx)
				if got := o.Status.String() + " " + o.Summary; got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

func target() metric.Target {
	return metric.Target{Name: "fra-1", Address: host.String(), Addrs: []netip.Addr{host}}
}

func TestFit(t *testing.T) {
	ms := time.Millisecond
	for _, tt := range []struct {
		name    string
		count   int
		spacing time.Duration
		budget  time.Duration
		n       int
		apart   time.Duration
	}{
		{"it fits", 20, 250 * ms, 9 * time.Second, 20, 250 * ms},
		{"closer", 20, 250 * ms, 5 * time.Second, 20, 210 * ms},
		{"closer and fewer", 20, 250 * ms, 3 * time.Second, 11, 200 * ms},
		{"one", 20, 250 * ms, 500 * ms, 1, 200 * ms},
		{"a few, closer", 20, 250 * ms, 1300 * ms, 4, 100 * ms},
		{"all of few, closer", 3, 250 * ms, 1300 * ms, 3, 150 * ms},
		{"few, fewer", 20, 250 * ms, 1050 * ms, 3, 20 * ms},
		{"no time at all", 20, 250 * ms, 0, 1, 200 * ms},
		{"closer than courtesy only if asked", 20, 10 * ms, 500 * ms, 1, 10 * ms},
	} {
		if n, apart := fit(tt.count, tt.spacing, time.Second, tt.budget); n != tt.n || apart != tt.apart {
			t.Errorf("%s: %d packets %v apart, want %d %v apart", tt.name, n, apart, tt.n, tt.apart)
		}
	}
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"--count: 1001": func(c *Config) { c.Count = 1001 },
		"--count: 0":    func(c *Config) { c.Count = 0 },
		"--spacing: 0s": func(c *Config) { c.Spacing = 0 },
		"--burst: 1":    func(c *Config) { c.Burst = 1 },
		"--burst: NaN":  func(c *Config) { c.Burst = math.NaN() },
	} {
		c := Default()
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestTheZeroResultSaysNothing(t *testing.T) {
	if r := (Result{}).Report(); len(r.Samples) > 0 || r.Text != "" {
		t.Errorf("%+v", r)
	}
}

func FuzzPercent(f *testing.F) {
	for _, s := range []string{"", "2", "0.5", "2%", "100", "nan", "%", "1e3", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p, again Percent
		if p.UnmarshalText([]byte(s)) != nil {
			return
		}
		v, _ := p.Value()
		if !(v >= 0 && v < 100) {
			t.Fatalf("%q is %v", s, v)
		}
		if err := again.UnmarshalText([]byte(p.String())); err != nil || again != p {
			t.Fatalf("%q prints as %q and reads as %+v (%v)", s, p, again, err)
		}
	})
}
