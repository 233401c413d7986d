package ping

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"time"

	probing "github.com/prometheus-community/pro-bing"

	"milepost/lib/metric"
)

// overNetwork pings with ICMP echo requests: over a raw socket if this process
// may open one, else over an unprivileged one. It keeps no account of its own:
// the library's round trips are taken by the wall clock, and it gives no packet
// a time of its own.
func overNetwork(ctx context.Context, p Plan, tell func(Event)) error {
	if p.Count == 0 { // streams that begin together do not stay together
		select {
		case <-time.After(rand.N(p.Spacing)):
		case <-ctx.Done():
			return nil
		}
	}
	err := withRaw(func(opened func()) error { return pingOver(ctx, p, true, opened, tell) })
	if errors.Is(err, os.ErrPermission) {
		err = pingOver(ctx, p, false, func() {}, tell)
	}
	return explain(err)
}

// pingOver pings over one kind of socket. opened is called when it is open.
func pingOver(ctx context.Context, p Plan, raw bool, opened func(), tell func(Event)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	pinger := probing.New("")
	pinger.SetIPAddr(&net.IPAddr{IP: p.To.AsSlice(), Zone: p.To.Zone()})
	pinger.SetPrivileged(raw)
	pinger.SetLogger(probing.NoopLogger{})
	pinger.RecordRtts, pinger.RecordTTLs = false, false
	pinger.Interval, pinger.Timeout = p.Spacing, math.MaxInt64
	if pinger.Count = p.Count; p.Count == 0 {
		pinger.Count = -1
	}
	sent := 0
	pinger.OnSetup = opened
	pinger.OnSend = func(*probing.Packet) {
		tell(Event{Seq: sent, At: time.Now()})
		sent++
	}
	replied := func(reply *probing.Packet) {
		from, _ := netipOf(reply.IPAddr)
		tell(Event{Seq: number(sent, reply.Seq), At: time.Now(), From: from})
	}
	pinger.OnRecv, pinger.OnDuplicateRecv = replied, replied
	pinger.OnSendError = func(_ *probing.Packet, err error) { stop(fmt.Errorf("sending: %w", err)) }
	err := pinger.RunWithContext(ctx)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// number is which request a reply answers when the latest was number sent-1: the
// wire carries the low 16 bits only (RFC 792).
func number(sent, seq int) int {
	latest := sent - 1
	return latest - (latest-seq)&0xffff
}

// explain says what a person can do about err.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission for ICMP: run %s, or %s", mendCapability(), mendGroup)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return &metric.Blamed{
			Fault: metric.FaultMonitor, Reason: metric.ReasonMonitorRoute,
			Err: fmt.Errorf("%w: this machine has no route to it: see ip route get", err),
		}
	default:
		return err
	}
}
