package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A world is one in which all is well, until a test changes it.
type world struct {
	own, other func(ctx context.Context, host string) ([]netip.Addr, error)
	reach      func(ctx context.Context) error
	set        time.Duration // how far the wall clock was set
	looks      atomic.Int32  // at the route
}

func addrs(all ...string) []netip.Addr {
	var addrs []netip.Addr
	for _, a := range all {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs
}

// truth knows two names.
func truth(_ context.Context, host string) ([]netip.Addr, error) {
	if host == "debian.org." || host == "proxy.example.net" {
		return addrs("192.0.2.10"), nil
	}
	return nil, notFound(host)
}

func silence(ctx context.Context, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func lying(context.Context, string) ([]netip.Addr, error) { return addrs("10.0.0.1"), nil }

func (w *world) checker(t *testing.T) *Checker {
	t.Helper()
	start := time.Now()
	k, err := New(Config{
		Resolve: []string{"debian.org"}, Resolvers: []string{"192.0.2.1"}, Ping: []string{"192.0.2.8"},
		Vantage: Vantage{"monitor-1", "gandi", "ca"},
		System: func(ctx context.Context, _, host string) ([]netip.Addr, error) {
			return w.own(ctx, host)
		},
		Ask: func(ctx context.Context, _ netip.AddrPort, _, host string) ([]netip.Addr, error) {
			return w.other(ctx, host)
		},
		Reach: func(ctx context.Context, _ netip.AddrPort) error {
			w.looks.Add(1)
			return w.reach(ctx)
		},
		Control: func(context.Context) error { return nil },
		NoRoute: func() string { return "there is no default route for IPv4" },
		Clock: func() (time.Time, time.Duration) {
			return time.Now().Add(w.set).Round(0), time.Since(start)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func well() *world {
	return &world{own: truth, other: truth, reach: func(context.Context) error { return nil }}
}

func TestNewRefuses(t *testing.T) {
	_, err := New(Config{
		Resolve:   []string{"", "192.0.2.1", "example.com"},
		Resolvers: []string{"dns.example.net", "192.0.2.1:0", "192.0.2.1"},
		Ping:      []string{"[2001:db8::1", "[2001:db8::1]", "2001:db8::1", "192.0.2.1:443"},
	})
	want := `references.resolve: "" is no host name
references.resolve: "192.0.2.1" is an address: write a name for the resolver to find
references.resolvers: "dns.example.net" is no address: write 192.0.2.1, 192.0.2.1:443 or [2001:db8::1]:443
references.resolvers: "192.0.2.1:0" is no address: write 192.0.2.1, 192.0.2.1:443 or [2001:db8::1]:443
references.ping: "[2001:db8::1" is no address: write 192.0.2.1, 192.0.2.1:443 or [2001:db8::1]:443`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// once fails the first time.
func once[A any](bad, good A) func() A {
	var n atomic.Int32
	return func() A {
		if n.Add(1) == 1 {
			return bad
		}
		return good
	}
}

func TestAFailedTestIsMadeAgainBeforeItCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		reaches := once(errors.New("lost"), nil)
		w.reach = func(context.Context) error { return reaches() }
		finds := once(errors.New("lost"), nil)
		w.own = func(ctx context.Context, host string) ([]netip.Addr, error) {
			if host == "debian.org." {
				if err := finds(); err != nil {
					return nil, err
				}
			}
			return truth(ctx, host)
		}
		if got := spell(w.checker(t).Now(t.Context())); got != "ok route=passed resolver=passed clock=passed control=passed" {
			t.Error(got)
		}
	})
}

func TestSilenceIsWaitedForTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		w.own, w.other = silence, silence
		w.reach = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		s := w.checker(t).Now(t.Context())
		if s.Sight != Blind || s.Took != 2*patience {
			t.Errorf("%v after %v", s.Sight, s.Took)
		}
		const want = `this monitor has no way out: 192.0.2.8 does not answer, and there is no default route for IPv4; this monitor's own resolver fails: resolving "debian.org": no answer within 2s`
		if s.Why != want {
			t.Errorf("got %s\nwant %s", s.Why, want)
		}
	})
}

func TestAJumpOfTheClockIsDoubtedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		k := w.checker(t)
		var got []string
		for _, set := range []time.Duration{0, time.Minute, time.Minute, 0} {
			time.Sleep(Every)
			w.set = set
			s := k.Now(t.Context())
			got = append(got, fmt.Sprintf("%v %s", s.Sight, s.Why))
		}
		want := `ok 
impaired this monitor's clock jumped 1m0s ahead: it was set, or the machine stood still
ok 
impaired this monitor's clock was set 1m0s back`
		if strings.Join(got, "\n") != want {
			t.Error(strings.Join(got, "\n"))
		}
	})
}

func TestManyWhoAskAtOnceShareOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		w.reach = func(context.Context) error { time.Sleep(time.Second); return nil }
		k := w.checker(t)
		asked := func(after time.Duration, n int) {
			for range n {
				go func() {
					time.Sleep(after)
					began := time.Now()
					if s := k.Now(t.Context()); s.At.Before(began) || s.Sight != OK {
						t.Errorf("%v of %v before the question", s.Sight, began.Sub(s.At))
					}
				}()
			}
		}
		asked(0, 1)
		asked(time.Millisecond, 100) // too late for the first, all in time for the second
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := w.looks.Load(); n != 2 {
			t.Errorf("%d self-checks", n)
		}
	})
}

// Bad rounds ask one after the other: the references are asked once a second.
func TestOthersAreNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		k := w.checker(t)
		began := time.Now()
		for range 10 {
			asked := time.Now()
			if s := k.Now(t.Context()); s.At.Before(asked) {
				t.Errorf("of %v before the question", asked.Sub(s.At))
			}
		}
		if took, n := time.Since(began), w.looks.Load(); took != 9*apart || n != 10 {
			t.Errorf("%d self-checks in %v", n, took)
		}
		alone, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		alone.Now(t.Context())
		alone.Now(t.Context())
		if took := time.Since(began); took != 0 {
			t.Errorf("who asks nobody waited %v", took)
		}
	})
}

func TestWhoIsCutShortSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		k := w.checker(t)
		good := k.Now(t.Context())
		time.Sleep(apart)
		w.reach = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if s := k.Now(ctx); !s.At.Equal(good.At) || s.Sight != OK {
			t.Errorf("%v: %s", s.Sight, s.Why)
		}
		if s := k.Now(ctx); !s.At.Equal(good.At) {
			t.Error("a context that had ended began a self-check")
		}
	})
}

func TestRunTellsOfEverySelfCheckUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		k := w.checker(t)
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var told []string
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			k.Run(ctx, 0, func(s State) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, fmt.Sprintf("%v %v", s.At.Sub(start), s.Sight))
			})
		}()
		time.Sleep(15 * time.Second)
		synctest.Wait() // so that nobody reads what is changed here
		w.reach = func(context.Context) error { return errors.New("no answer") }
		k.Now(ctx)
		mu.Lock()
		if n := len(told); n != 3 {
			t.Errorf("%d were told when Now returned", n)
		}
		mu.Unlock()
		time.Sleep(10 * time.Second)
		cancel()
		<-ended
		k.Now(t.Context())
		if got := strings.Join(told, ", "); got != "0s ok, 10s ok, 15s blind, 20s blind" {
			t.Error(got)
		}
	})
}

func TestSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := well()
		k := w.checker(t)
		spelled := func() string {
			var all []string
			for s := range k.Samples() {
				all = append(all, fmt.Sprintf("%s%v %v", s.Metric, s.Labels, s.Base()))
			}
			return strings.Join(all, "\n")
		}
		const place = "vantage_info[vantage monitor-1 provider gandi region ca] 1"
		if got := spelled(); got != place {
			t.Errorf("before the first self-check:\n%s", got)
		}
		k.Now(t.Context())
		if got := spelled(); got != place+"\nmonitor_trusted[test route] 1\nmonitor_trusted[test resolver] 1\nmonitor_trusted[test clock] 1\nmonitor_trusted[test control] 1\nmonitor_trusted[test all] 1" {
			t.Errorf("all is well:\n%s", got)
		}
		w.own = silence
		time.Sleep(Every)
		k.Now(t.Context())
		if got := spelled(); got != place+"\nmonitor_trusted[test route] 1\nmonitor_trusted[test resolver] 0\nmonitor_trusted[test clock] 1\nmonitor_trusted[test control] 1\nmonitor_trusted[test all] 0" {
			t.Errorf("the own resolver is dead:\n%s", got)
		}
	})
}

func TestLookup(t *testing.T) {
	type resolver = func(context.Context, string) ([]netip.Addr, error)
	elsewhere := func(context.Context, string) ([]netip.Addr, error) { return addrs("192.0.2.20"), nil }
	nobody := func(_ context.Context, host string) ([]netip.Addr, error) { return nil, notFound(host) }
	refuses := func(context.Context, string) ([]netip.Addr, error) {
		return nil, errors.New("it answers REFUSED")
	}
	// knows finds proxies, but invents nothing.
	other := func(ctx context.Context, host string) ([]netip.Addr, error) {
		if _, err := truth(ctx, host); err != nil {
			return nil, err
		}
		return elsewhere(ctx, host)
	}
	for _, row := range []struct {
		situation      string
		own, other     resolver
		checked, known bool // since it is so: a self-check was made; before: the name was found
		want           string
		took           time.Duration
	}{
		{"all is well", truth, other, true, false, "[192.0.2.10]", 0},
		{"nothing was checked yet", truth, other, false, false, "[192.0.2.10]", 0},
		{"the own resolver just died", silence, other, false, false, "[192.0.2.20]", 2500 * time.Millisecond},
		{"the own resolver was found dead", silence, other, true, false, "[192.0.2.20]", 0},
		{"the own resolver was found lying", lying, other, true, false, "[192.0.2.20]", 0},
		{"all lie, and the name is known", lying, lying, true, true, "[192.0.2.10]", 0},
		{"all lie", lying, lying, true, false, "this monitor's own resolver is not to be believed, and no other has an address", 0},
		{"all are dead, and the name is known", silence, silence, false, true, "[192.0.2.10]", 5 * time.Second},
		{"all refuse", refuses, refuses, true, false, `asking resolver "192.0.2.1:53": it answers REFUSED`, 0},
		{"the own resolver denies the name", nobody, elsewhere, false, true, "lookup proxy.example.net: no such host", 0},
		{"the own resolver refuses, the other knows nothing of the inside", refuses, nobody, false, false, "it answers REFUSED", 0},
		{"the own resolver refuses, and the name is known", refuses, nobody, false, true, "[192.0.2.10]", 0},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := well()
				k := w.checker(t)
				if row.known {
					if _, err := k.Lookup(t.Context(), "ip", "proxy.example.net"); err != nil {
						t.Fatal(err)
					}
				}
				w.own, w.other = row.own, row.other
				if row.checked {
					k.Now(t.Context())
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began := time.Now()
				found, err := k.Lookup(ctx, "ip", "proxy.example.net")
				got := fmt.Sprint(found)
				if err != nil {
					got = err.Error()
				}
				if took := time.Since(began); got != row.want || took != row.took {
					t.Errorf("got %s after %v, want %s after %v", got, took, row.want, row.took)
				}
			})
		})
	}
}

func TestAnAddressIsForgottenAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memory
		m.keep("ip", "a", addrs("192.0.2.1"))
		time.Sleep(believed)
		if m.find("ip", "a") == nil || m.find("ip4", "a") != nil {
			t.Error("not what was kept")
		}
		time.Sleep(time.Nanosecond)
		if m.find("ip", "a") != nil {
			t.Error("kept for more than a day")
		}
	})
}

func TestTheMemoryIsBounded(t *testing.T) {
	var m memory
	for i := range remembered + 10 {
		m.keep("ip", fmt.Sprint(i), addrs("192.0.2.1"))
	}
	if n := len(m.names); n != remembered {
		t.Errorf("%d names", n)
	}
	if m.find("ip", fmt.Sprint(remembered+9)) == nil {
		t.Error("the newest was forgotten")
	}
}
