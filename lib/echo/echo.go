// Package echo sends ICMP echo requests (RFC 792, RFC 4443) and hears what comes
// of them, over one socket for each address family however many hosts are asked.
//
// A Round is one host's few requests; a Stream is many hosts' for ever. Both only
// tell what happened and when: what is lost, late or usual is for others to say.
//
// The socket is the unprivileged one that net.ipv4.ping_group_range allows, else a
// raw one, with cap_net_raw raised only while it is opened. A request carries its
// number under a cipher whose key nobody else has, so that no answer can be made
// up; when an answer arrived is the kernel's word, so that it may be read later.
package echo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// A Plan is how to ask one host.
type Plan struct {
	To      netip.Addr
	Count   int
	Spacing time.Duration // from one request to the next; each is up to a tenth of it early or late
}

// An Event is that a request left, that it could not be sent, or that something
// came back.
type Event struct {
	Seq     int        // which of the host's requests, from 0
	At      time.Time  // with its monotonic reading
	From    netip.Addr // who answered; zero if nobody has yet
	Refusal string     // an ICMP error and no answer: "host unreachable"; From sent it
	Err     error      // why the request could not be sent
}

// A Round asks one host, and belongs to one goroutine.
type Round struct {
	Plan
	socket *socket
	began  time.Time
	next   time.Time // when the next request is due
	sent   int
	events []Event // reused
}

// Begin begins a round. The error is that there is no socket to be had.
func Begin(p Plan) (*Round, error) {
	s, err := open(p.To.Is6())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &Round{Plan: p, socket: s, began: now, next: now}, nil
}

// ErrOverlooked is that this machine dropped answers before they were read.
var ErrOverlooked = errors.New("this machine dropped answers before they could be read")

// Close ends r.
func (r *Round) Close() { r.socket.close() }

// Next sends what is due and returns what happened, as soon as anything did, or
// nothing at until or when ctx ends. The events are good until the next call. An error
// is this machine's, and ends the round: an answer that was overlooked is no loss.
func (r *Round) Next(ctx context.Context, until time.Time) ([]Event, error) {
	r.events = r.events[:0]
	defer context.AfterFunc(ctx, r.socket.interrupt)()
	for len(r.events) == 0 && ctx.Err() == nil {
		now := time.Now()
		if !now.Before(until) {
			break
		}
		wake := until
		if r.sent < r.Count {
			if !now.Before(r.next) {
				r.send()
				continue
			}
			if r.next.Before(until) {
				wake = r.next
			}
		}
		if err := r.socket.wait(ctx, wake, r.heard); err != nil {
			return nil, err
		}
		if n := r.socket.dropped; n > 0 {
			return nil, fmt.Errorf("%w: %d of them: it is too busy, or net.core.rmem_max too small", ErrOverlooked, n)
		}
	}
	return r.events, nil
}

// send sends the next request. The one after it is due on a grid, so that being
// early or late does not add up.
func (r *Round) send() {
	at, err := r.socket.send(r.To, number{packet: uint32(r.sent)})
	r.events = append(r.events, Event{Seq: r.sent, At: at, Err: err})
	r.sent++
	r.next = r.began.Add(time.Duration(r.sent)*r.Spacing + shake(r.Spacing))
}

func (r *Round) heard(a answer) {
	if a.sealed || a.to.WithZone("") == r.To.WithZone("") {
		r.events = append(r.events, a.event(int(a.packet), r.To))
	}
}

// shake is up to a tenth of spacing early or late: whoever asks in step with
// something else on the path sees only what happens then.
func shake(spacing time.Duration) time.Duration {
	return rand.N(spacing/5+1) - spacing/10
}
