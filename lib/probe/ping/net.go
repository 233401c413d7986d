package ping

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	probing "github.com/prometheus-community/pro-bing"

	"milepost/lib/crew"
	"milepost/lib/metric"
)

// overNetwork pings with ICMP echo requests. A round is one pro-bing pinger. A
// stream is one for each packet: pro-bing sends by a ticker, and a packet every
// second on the second sees only what happens then; it ends with the first
// packet that cannot be sent; and it remembers every lost one for ever.
func overNetwork(ctx context.Context, p Plan, tell func(Event)) error {
	if p.Count > 0 {
		return (&pinger{Plan: p, tell: tell}).run(ctx)
	}
	var pingers crew.Crew
	defer pingers.Wait()
	pause := rand.N(p.Spacing) // streams that begin together do not stay together
	for seq := 0; sleep(ctx, pause); seq++ {
		pingers.Go(func() {
			limited, stop := context.WithTimeout(ctx, mostWait)
			defer stop()
			one := &pinger{Plan: Plan{To: p.To, Count: 1, Spacing: time.Hour}, first: seq, tell: tell, after: stop}
			if err := one.run(limited); err != nil {
				tell(Event{Seq: seq, Err: err})
			}
		})
		pause = jittered(p.Spacing)
	}
	return nil
}

// jittered is spacing, up to a tenth of it longer or shorter.
func jittered(spacing time.Duration) time.Duration {
	return spacing*9/10 + rand.N(spacing/5)
}

// sleep says whether ctx lasted for d.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// linger is how long a stream listens for a second answer to a packet.
const linger = 50 * time.Millisecond

// A pinger sends a plan's packets through one pro-bing pinger and tells of them.
type pinger struct {
	Plan
	first int // the number of its first packet
	tell  func(Event)
	after func() // ends it some time after the answer; nil = it ends with the last answer

	sent   int          // these two are of pro-bing's sending goroutine
	out    map[int]bool // packets on their way, by pro-bing's number
	listen atomic.Bool  // some are
	wake   chan struct{}

	failed atomic.Bool // a request could not be sent, and that was told
}

// run pings over a raw socket if this process may open one, else over an
// unprivileged one.
func (p *pinger) run(ctx context.Context) error {
	p.out, p.wake = map[int]bool{}, make(chan struct{}, 1)
	opened := false
	err := withRaw(func(lower func()) error {
		return p.over(ctx, true, func() { opened = true; lower() })
	})
	if !opened && errors.Is(err, os.ErrPermission) {
		err = p.over(ctx, false, func() { opened = true })
	}
	if p.failed.Load() || ended(ctx) {
		err = nil
	}
	switch {
	case err == nil:
		return nil
	case opened:
		return fmt.Errorf("listening for answers: %w", err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission for ICMP: run %s, or %s", mendCapability(), mendGroup)
	default:
		return fmt.Errorf("opening an ICMP socket: %w", err)
	}
}

// over pings over one kind of socket; opened is called when it is open, on the
// same goroutine. What pro-bing counts is not used: it takes what is on its way
// for lost, and its round trips come from the wall clock, by way of the payload,
// which is the target's to write.
func (p *pinger) over(ctx context.Context, raw bool, opened func()) error {
	b := probing.New("")
	b.SetIPAddr(&net.IPAddr{IP: p.To.AsSlice(), Zone: p.To.Zone()})
	b.SetPrivileged(raw)
	b.RecordRtts, b.RecordTTLs = false, false
	b.Interval = p.Spacing
	if p.after == nil {
		b.Count = p.Count
	}
	b.OnSetup = opened
	b.OnSend = p.leave
	b.OnRecv, b.OnDuplicateRecv = p.reply, p.reply // the second may be the target's own after a stranger's
	b.OnSendError = func(_ *probing.Packet, err error) { p.fail(err) }
	b.OnRecvError = func(error) { p.idle(ctx) }
	b.SetLogger(&wayOut{fail: p.fail})
	return b.RunWithContext(ctx)
}

// leave is called by pro-bing when a packet has left.
func (p *pinger) leave(k *probing.Packet) {
	p.tell(Event{Seq: p.first + p.sent, At: time.Now()})
	p.sent++
	p.out[k.Seq] = true
	p.listen.Store(true)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// reply is called by pro-bing when an answer came.
func (p *pinger) reply(k *probing.Packet) {
	from, _ := netip.AddrFromSlice(k.IPAddr.IP)
	if from = from.Unmap(); from.Is6() {
		from = from.WithZone(p.To.Zone()) // unprivileged sockets do not tell it
	}
	p.tell(Event{Seq: p.first + k.Seq, At: time.Now(), From: from})
	if from == p.To {
		delete(p.out, k.Seq)
		p.listen.Store(len(p.out) > 0 || p.sent == p.Count)
	}
	if p.after != nil {
		time.AfterFunc(linger, p.after)
	}
}

// fail tells why the next packet could not be sent.
func (p *pinger) fail(err error) {
	p.failed.Store(true)
	p.tell(Event{Seq: p.first + p.sent, At: time.Now(), Err: unsendable(p.To, err)})
}

// idle is where pro-bing's listener comes by 20 times a second to see whether it
// is still wanted. While nothing is on its way it may as well sleep.
func (p *pinger) idle(ctx context.Context) {
	for !p.listen.Load() {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
	}
}

// unsendable is what an error of sending means. All of them are this machine's:
// what a router on the path has against a packet comes back later, as ICMP.
func unsendable(to netip.Addr, err error) error {
	why, known := errors.AsType[syscall.Errno](err)
	if !known {
		return fmt.Errorf("sending: %w", err)
	}
	switch why {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EACCES, syscall.EINVAL: // no route, unreachable, its interface down, prohibit, blackhole
		return &metric.Blamed{
			Fault: metric.FaultMonitor, Reason: metric.ReasonMonitorRoute,
			Err: fmt.Errorf("sending: %w: this machine has no route to it: see ip route get %v", why, to),
		}
	case syscall.EPERM:
		return fmt.Errorf("sending: %w: this machine's firewall forbids it: see nft list ruleset", why)
	default:
		return fmt.Errorf("sending: %w", why)
	}
}

// A wayOut is the logger of one pinger, and the way out of an endless loop: where
// a route is prohibited (EACCES), pro-bing takes the target for a broadcast
// address, lets the socket broadcast, and tries again at once, for ever. Each
// time it writes a line; at the second, its sending goroutine ends here.
type wayOut struct {
	probing.NoopLogger
	fail   func(error)
	warned bool
}

// Infof is called on pro-bing's sending goroutine only.
func (w *wayOut) Infof(string, ...any) {
	if w.warned {
		w.fail(syscall.EACCES)
		runtime.Goexit()
	}
	w.warned = true
}

// ended says that ctx has ended.
func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}
