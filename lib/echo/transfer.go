package echo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// send sends a request, and says when. An error is this machine's: what a router has
// against the request comes back later.
func (s *socket) send(to netip.Addr, n number) (at time.Time, err error) {
	s.compose(n)
	address := s.address(to)
	failed := s.conn.Control(func(fd uintptr) {
		// A router's refusal of an earlier request fails the next call, whomever that
		// is to; it does so once.
		for range 4 {
			at = time.Now()
			if err = unix.Sendto(int(fd), s.request, unix.MSG_DONTWAIT, address); err == nil {
				return
			}
		}
	})
	return at, errors.Join(failed, err)
}

// most is how many messages are read in a row, so that a flood of them ends.
const most = 4096

// hear reads what has come, without waiting for more.
func (s *socket) hear(each func(answer)) error {
	return s.conn.Control(func(fd uintptr) { s.drain(int(fd), each) })
}

// wait reads what comes, until something did, until then, or until ctx ends.
func (s *socket) wait(ctx context.Context, until time.Time, each func(answer)) error {
	if err := s.file.SetReadDeadline(until); err != nil {
		return fmt.Errorf("listening for answers: %w", err)
	}
	if ended(ctx) {
		return nil // the interruption may have come before
	}
	err := s.conn.Read(func(fd uintptr) bool { return s.drain(int(fd), each) > 0 })
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("listening for answers: %w", err)
	}
	return nil
}

// ended says that ctx has ended, which is no error here.
func ended(ctx context.Context) bool { return ctx.Err() != nil }

// drain reads the socket empty, and its queue of errors. It returns how much it read.
func (s *socket) drain(fd int, each func(answer)) (heard int) {
	for heard < most {
		now := time.Now()
		n, control, _, from, err := unix.Recvmsg(fd, s.buffer[:], s.control[:], unix.MSG_DONTWAIT)
		heard++
		switch {
		case errors.Is(err, unix.EAGAIN):
			heard += s.refusals(fd, each) - 1
			s.empty = now
			return heard
		case err != nil: // a refusal, which is read in full from the queue of errors
			continue
		}
		told := s.read(s.control[:control])
		if number, ok := s.reply(s.buffer[:n]); ok {
			each(answer{number: number, sealed: true, from: addrOf(from), at: s.arrival(told.stamp, now)})
		}
	}
	return heard
}

// arrival is when a message with that stamp came, which was read at now or after.
func (s *socket) arrival(stamp, now time.Time) time.Time {
	if stamp.IsZero() {
		return time.Now()
	}
	return arrival(stamp, s.empty, now)
}

// refusals reads the queue of errors. A refusal quotes the request, of which a router
// may have kept no more than the ICMP header (RFC 792): then it is known by its
// address and by the lower half of its number.
func (s *socket) refusals(fd int, each func(answer)) (heard int) {
	for heard < most {
		now := time.Now()
		n, control, _, to, err := unix.Recvmsg(fd, s.buffer[:], s.control[:], unix.MSG_DONTWAIT|unix.MSG_ERRQUEUE)
		if err != nil {
			return heard
		}
		heard++
		told, quoted := s.read(s.control[:control]), s.buffer[:n]
		if told.refusal == "" || len(quoted) < headerSize {
			continue
		}
		a := answer{to: addrOf(to), from: told.from, at: s.arrival(told.stamp, now), refusal: told.refusal}
		if a.number, a.sealed = s.seal.read(quoted[headerSize:]); !a.sealed {
			if s.raw && binary.BigEndian.Uint16(quoted[4:]) != s.id {
				continue // another program's
			}
			a.number = number{packet: uint32(binary.BigEndian.Uint16(quoted[6:]))}
		}
		each(a)
	}
	return heard
}

// addrOf is an address from the kernel.
func addrOf(from unix.Sockaddr) netip.Addr {
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(a.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(a.Addr)
	default:
		return netip.Addr{}
	}
}
