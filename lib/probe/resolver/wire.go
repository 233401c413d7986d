package resolver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/metric"
)

const (
	// udpSize is the largest UDP answer we take: what passes every path without
	// fragments (DNS Flag Day 2020).
	udpSize = 1232

	// maxUDP leaves room for a server that sends more than it was allowed.
	maxUDP = 4096

	// sends is how often a question goes out over UDP, with the gaps doubling: a
	// packet that is lost on the way is not the resolver's silence.
	sends = 3
)

// The networks.
const (
	udp = "udp"
	tcp = "tcp"
)

// errPatience ends a stage: the silence until then is the target's doing.
var errPatience = errors.New("the stage's time is up")

// A question is what is asked.
type question struct {
	name      Name
	qtype     uint16
	invented  bool // the name was just made up, so no cache knows it
	iterative bool // RD clear: what an authoritative server is asked
	signed    bool // DO and AD set: tell whether the answer was validated
	unchecked bool // CD set: do not validate
}

// String is the name and the type: `"example.net" A`.
func (q question) String() string {
	return fmt.Sprintf("%q %s", string(q.name), dns.TypeToString[q.qtype])
}

// A fate is what became of a question.
type fate int

const (
	answered   fate = iota
	silent          // no answer in the stage's time
	turnedDown      // refused, reset or closed before an answer
	malformed       // an answer that cannot be read
	unasked         // this machine could not ask
	cutShort        // the run ended
)

// A peer is a server that questions are put to.
type peer struct {
	role     string // "resolver", "authority"
	addr     netip.AddrPort
	own      bool          // this machine's own choice: to have no route to it is no excuse
	patience time.Duration // a stage's time; 0 = only ctx ends it
}

// String is the server with its role: `resolver "192.0.2.1:53"`.
func (p peer) String() string { return fmt.Sprintf("%s %q", p.role, p.addr) }

// An exchange is a question, whom it was put to, and what came of it.
type exchange struct {
	question
	peer
	network string

	id     uint16
	sent   int
	strays int    // answers to other questions
	stray  string // what was wrong with the last
	fate   fate
	err    error         // why there is no reply
	reply  *dns.Msg      // if answered
	took   time.Duration // from the first packet sent; without an answer, until it was given up
	left   time.Duration // of the stage's time, when it began
}

// do puts the question. ctx is the stage's: errPatience is its cause if it ended
// because the target was silent.
func (x *exchange) do(ctx context.Context) {
	x.id = uint16(rand.Uint32())
	packet, err := x.pack()
	if err != nil {
		x.fate, x.err = unasked, err
		return
	}
	began := time.Now()
	if end, ok := ctx.Deadline(); ok {
		x.left = end.Sub(began)
	}
	if x.network == tcp {
		x.reply, err = x.overTCP(ctx, packet)
	} else {
		x.reply, err = x.overUDP(ctx, packet)
	}
	x.took = time.Since(began)
	if err != nil {
		x.fail(ctx, err)
	}
}

func (x *exchange) pack() ([]byte, error) {
	m := dns.Msg{MsgHdr: dns.MsgHdr{
		Id: x.id, RecursionDesired: !x.iterative, AuthenticatedData: x.signed, CheckingDisabled: x.unchecked,
	}}
	m.Question = []dns.Question{{Name: dns.Fqdn(string(x.name)), Qtype: x.qtype, Qclass: dns.ClassINET}}
	m.SetEdns0(udpSize, x.signed)
	return m.Pack()
}

// overUDP asks from a connected socket, so that the kernel drops what does not
// come from the server's address and port, and reports its refusal.
func (x *exchange) overUDP(ctx context.Context, packet []byte) (*dns.Msg, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(x.addr))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer wake(ctx, conn)()
	buf := make([]byte, maxUDP)
	for gap := x.gap(); ; gap *= 2 {
		if _, err := conn.Write(packet); err != nil {
			return nil, err
		}
		x.sent++
		var next time.Time // after the last, only ctx ends the waiting
		if x.sent < sends {
			next = time.Now().Add(gap)
		}
		if err := conn.SetReadDeadline(next); err != nil {
			return nil, err
		}
		if ctx.Err() != nil { // it may have ended before the deadline was set
			return nil, ctx.Err()
		}
		m, err := x.listen(conn, buf)
		if ctx.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return m, err
		}
	}
}

// wake ends every wait on conn when ctx ends, until it is stopped.
func wake(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		_ = conn.SetDeadline(time.Unix(1, 0)) // refused only by a closed one, on which nobody waits
	})
}

// gap is how long the first packet is waited for: gap, 2*gap and 4*gap fill the
// stage's time.
func (x *exchange) gap() time.Duration {
	if x.left <= 0 {
		return time.Second
	}
	return x.left / (1<<sends - 1)
}

// listen reads until there is the answer.
func (x *exchange) listen(conn *net.UDPConn, buf []byte) (*dns.Msg, error) {
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		m, err := parse(buf[:n], x.id, x.question)
		if s, ok := errors.AsType[strayError](err); ok {
			x.strays++
			x.stray = string(s)
			continue
		}
		return m, err
	}
}

// overTCP asks on a connection of its own, RFC 7766. What comes back on it can
// only be meant for us.
func (x *exchange) overTCP(ctx context.Context, packet []byte) (*dns.Msg, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", x.addr.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer wake(ctx, conn)()
	x.sent++
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, err
	}
	m, err := parse(answer, x.id, x.question)
	if s, ok := errors.AsType[strayError](err); ok {
		return nil, malformedError(s)
	}
	return m, err
}

// fail sorts what went wrong by whose doing it is.
func (x *exchange) fail(ctx context.Context, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		<-ctx.Done() // a dialer's own timer may be a moment earlier
	}
	bad, isMalformed := errors.AsType[malformedError](err)
	switch {
	case isMalformed:
		x.fate, x.err = malformed, bad
	case errors.Is(context.Cause(ctx), errPatience):
		x.fate, x.err = silent, errPatience
	case ctx.Err() != nil:
		x.fate, x.err = cutShort, ctx.Err()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		x.fate, x.err = turnedDown, errors.New("connection closed before an answer")
	case is(err, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT),
		x.network == tcp && is(err, syscall.EHOSTUNREACH),
		x.own && is(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH):
		x.fate, x.err = turnedDown, cause(err)
	default:
		x.fate, x.err = unasked, cause(err)
	}
}

// mistake is the error of a question that this machine could not put.
func (x *exchange) mistake() error {
	err := fmt.Errorf("%s: %w", x.doing(), x.err)
	switch {
	case is(x.err, syscall.ENETUNREACH, syscall.EHOSTUNREACH):
		return &metric.Blamed{Fault: metric.FaultMonitor, Reason: metric.ReasonMonitorRoute, Err: err}
	case is(x.err, syscall.EPERM, syscall.EACCES):
		return fmt.Errorf("%w: look for a firewall rule on this machine", err)
	default:
		return err
	}
}

func is(err error, these ...error) bool {
	for _, e := range these {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// cause is the system's word on err, without the addresses that the caller's text names.
func cause(err error) error {
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	return err
}

// doing is what the stage is called.
func (x *exchange) doing() string {
	return fmt.Sprintf("asking %v for %v over %s", x.peer, x.question, strings.ToUpper(x.network))
}

// silence tells how long nothing was heard, and what was heard instead.
func (x *exchange) silence() string {
	s := fmt.Sprintf("no answer over %s in %v to %v", strings.ToUpper(x.network), x.left.Round(10*time.Millisecond), x.question)
	if x.sent > 1 {
		s += fmt.Sprintf(", asked %d times", x.sent)
	}
	if x.strays > 0 {
		s += fmt.Sprintf(" (%s ignored, the last for %s)", count(x.strays, "packet"), x.stray)
	}
	return s
}

// stage is the exchange for the record.
func (x *exchange) stage() metric.Stage {
	return metric.Stage{Doing: x.doing(), Took: x.took, Said: x.said()}
}

// mostRecords is how many records of an answer are shown.
const mostRecords = 20

// said is both sides of the exchange.
func (x *exchange) said() string {
	var b strings.Builder
	fmt.Fprintf(&b, "> id %d, %v", x.id, x.question)
	for _, flag := range []struct {
		set  bool
		name string
	}{{!x.iterative, "RD"}, {x.signed, "AD DO"}, {x.unchecked, "CD"}} {
		if flag.set {
			b.WriteString(" " + flag.name)
		}
	}
	fmt.Fprintf(&b, ", EDNS %d bytes, sent %s\n", udpSize, count(x.sent, "time"))
	if x.strays > 0 {
		fmt.Fprintf(&b, "< %s ignored, the last for %s\n", count(x.strays, "packet"), x.stray)
	}
	if x.reply == nil {
		fmt.Fprintf(&b, "< %v", x.err)
		return b.String()
	}
	fmt.Fprintf(&b, "< %s%s", rcode(x.reply), flags(x.reply))
	shown := 0
	for _, section := range [][]dns.RR{x.reply.Answer, x.reply.Ns} {
		for _, rr := range section {
			if shown++; shown <= mostRecords {
				b.WriteString("\n< " + strings.ReplaceAll(rr.String(), "\t", " "))
			}
		}
	}
	if shown > mostRecords {
		fmt.Fprintf(&b, "\n< and %d more records", shown-mostRecords)
	}
	return b.String()
}

// flags are the bits of an answer by name.
func flags(m *dns.Msg) string {
	var b strings.Builder
	for _, flag := range []struct {
		set  bool
		name string
	}{{m.Authoritative, "AA"}, {m.Truncated, "TC"}, {m.RecursionAvailable, "RA"}, {m.AuthenticatedData, "AD"}} {
		if flag.set {
			b.WriteString(" " + flag.name)
		}
	}
	return b.String()
}
