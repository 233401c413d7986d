package clock

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/metric"
)

// The packets of a peer that lies are decoded as they are in a run: they come over
// UDP, as the answer to a question. What is answered may repeat the question's number,
// or else it would be put aside before anybody looks at it.

// liar answers each question with what was last put into it, in which splice has put
// what the question must find repeated.
type liar struct {
	at     netip.AddrPort
	packet atomic.Pointer[[]byte]
}

func newLiar(f *testing.F, splice func(question, answer []byte)) *liar {
	l := &liar{}
	l.at = serveUDP(f, func(q []byte) [][]byte {
		p := l.packet.Load()
		if p == nil {
			return nil
		}
		a := bytes.Clone(*p)
		splice(q, a)
		return [][]byte{a}
	})
	return l
}

// soon is how long a fuzzed answer is waited for; what cannot be one is put aside in
// silence.
const soon = 20 * time.Millisecond

// sane holds an answer to what every reader of it relies on.
func sane(t *testing.T, a answer, err error) {
	t.Helper()
	switch {
	case err != nil && err.Error() == "":
		t.Error("an error without a word")
	case err != nil:
		if blamed, ok := errors.AsType[*metric.Blamed](err); ok && blamed.Fault != metric.FaultHost {
			t.Errorf("%v, and that is %s's fault", err, blamed.Fault)
		}
	case a.lo > a.hi || a.resolution < 0 || a.rtt < 0 || a.value.IsZero():
		t.Errorf("believed: %+v", a)
	}
}

func FuzzAgentPacket(f *testing.F) {
	mark := []byte{0x11, 0x22, 0x33, 0x44} // the request's number, in the seeds
	seed := func(change func(*gosnmp.SnmpPDU)) {
		p := &gosnmp.SnmpPacket{
			Version: gosnmp.Version2c, Community: "public", PDUType: gosnmp.GetResponse, RequestID: binary.BigEndian.Uint32(mark),
			Variables: []gosnmp.SnmpPDU{{Name: "." + string(hrSystemDate), Type: gosnmp.OctetString, Value: []byte{7, 0xEA, 11, 23, 0, 2, 28, 5, '+', 0, 0}}},
		}
		change(&p.Variables[0])
		b, err := p.MarshalMsg()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-3])
	}
	seed(func(*gosnmp.SnmpPDU) {})
	seed(func(v *gosnmp.SnmpPDU) { v.Type, v.Value = gosnmp.Gauge32, uint32(1795392148) })
	seed(func(v *gosnmp.SnmpPDU) { v.Type, v.Value = gosnmp.Counter64, uint64(math.MaxUint64) })
	seed(func(v *gosnmp.SnmpPDU) { v.Type, v.Value = gosnmp.OctetString, "1795392148.25" })
	seed(func(v *gosnmp.SnmpPDU) { v.Type, v.Value = gosnmp.NoSuchInstance, nil })
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
	l := newLiar(f, func(q, a []byte) {
		asked, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c}).SnmpDecodePacket(q)
		if i := bytes.Index(a, mark); err == nil && i >= 0 {
			binary.BigEndian.PutUint32(a[i:], asked.RequestID)
		}
	})
	f.Fuzz(func(t *testing.T, packet []byte) {
		l.packet.Store(&packet)
		c := alone(OverSNMP, l.at.Port())
		c.now = now
		src, err := c.overSNMP(t.Context(), metric.Target{Address: "fra-1", Addrs: []netip.Addr{l.at.Addr()}})
		if err != nil {
			t.Fatal(err)
		}
		defer src.close()
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		a, err := src.ask(ctx)
		sane(t, a, err)
	})
}

func FuzzNTPPacket(f *testing.F) {
	good := ntpAnswer(make([]byte, 48), time.Hour)
	f.Add(good)
	f.Add(good[:40])
	f.Add(append(bytes.Clone(good), make([]byte, 20)...)) // with a MAC
	for _, at := range []int{0, 1, 3, 4, 8, 16, 32, 40} {
		odd := bytes.Clone(good)
		copy(odd[at:], []byte{0xff, 0xff, 0xff, 0xff})
		f.Add(odd)
	}
	l := newLiar(f, func(q, a []byte) {
		if len(q) >= 48 && len(a) >= 32 {
			copy(a[24:32], q[40:48])
		}
	})
	f.Fuzz(func(t *testing.T, packet []byte) {
		l.packet.Store(&packet)
		c := alone(OverNTP, l.at.Port())
		c.now = now
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		a, err := c.askNTP(ctx, l.at.String())
		sane(t, a, err)
		if err == nil && (a.server == "" || a.lo.Abs() == math.MinInt64 || a.hi.Abs() == math.MinInt64) {
			t.Errorf("believed: %+v", a)
		}
	})
}

func FuzzChronydPacket(f *testing.F) {
	const sequence = 16 // where the question's is in an answer; 8 in a question
	seed := func(change func(*trackingReply)) {
		r := trackingReply{Version: 6, PacketType: 2, Command: 33, Reply: 5, RefID: 0xc0000201, Stratum: 3, Family: 1, Delay: chronyFloat(0.02), Dispersion: chronyFloat(0.005)}
		change(&r)
		b, err := binary.Append(nil, binary.BigEndian, &r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed(func(*trackingReply) {})
	seed(func(r *trackingReply) { r.Correction = math.MaxUint32 })
	seed(func(r *trackingReply) { r.Dispersion = 0x7fffffff })
	seed(func(r *trackingReply) { r.Reply = 6 })
	f.Add(make([]byte, 28))
	l := newLiar(f, func(q, a []byte) {
		if len(q) >= 12 && len(a) >= sequence+4 {
			copy(a[sequence:], q[8:12])
		}
	})
	f.Fuzz(func(t *testing.T, packet []byte) {
		l.packet.Store(&packet)
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		c, err := askChronyd(ctx, l.at.String())
		if (err == nil) != c.Proven || c.Proven && c.Lo > c.Hi {
			t.Errorf("%+v %v", c, err)
		}
	})
}
