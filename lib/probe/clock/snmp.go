package clock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/metric"
)

// overSNMP asks an SNMP agent. The socket lives as long as the measurement, so
// that a late answer to an earlier question is recognised as such.
func (c Config) overSNMP(ctx context.Context, t metric.Target) (source, error) {
	dial, called := c.addresses(t)
	a := &agent{oid: c.SNMP.OID, zone: c.SNMP.Zone, now: c.now}
	src := source{
		doing: fmt.Sprintf("asking %q for its time over SNMP", called),
		fresh: c.SNMP.OID == hrSystemDate,
		hint:  c.SNMP.silence(),
		ask:   a.ask,
		close: a.close,
	}
	// The library's own retries would take an answer to any of them: there are none.
	a.client = &gosnmp.GoSNMP{
		Target: dial.Addr().String(), Port: dial.Port(), Context: ctx, Timeout: usualPatience, MaxOids: 1,
		PreSend: func(*gosnmp.GoSNMP) { a.sent = c.now() },
		OnRecv:  func(*gosnmp.GoSNMP) { a.received = c.now() },
	}
	if err := c.SNMP.credentials(a.client); err != nil {
		return source{}, err
	}
	if err := a.client.Connect(); err != nil {
		return source{}, fmt.Errorf("%s: %w", src.doing, err)
	}
	a.conn = a.client.Conn
	return src, nil
}

// An agent is a host's SNMP agent.
type agent struct {
	client *gosnmp.GoSNMP
	conn   net.Conn // of client, which forgets it when it closes it
	oid    OID
	zone   Zone
	now    func() instant

	// When the last question was sent and the last packet came. Over SNMPv3 the
	// question that finds the agent's engine comes first; its times are overwritten.
	// sent is taken before sending, not after: the agent may look at its clock
	// before we know that the packet is away.
	sent, received instant
}

func (a *agent) close() { _ = a.conn.Close() } // a UDP socket holds nothing back

// ask asks once.
func (a *agent) ask(ctx context.Context) (answer, error) {
	stop := context.AfterFunc(ctx, func() {
		if ctx.Err() == context.Canceled { // the library heeds the deadline only
			a.close()
		}
	})
	defer stop()
	a.client.Context = ctx
	if end, ok := ctx.Deadline(); ok {
		a.client.Timeout = time.Until(end)
	}
	packet, err := a.client.Get([]string{string(a.oid)})
	if err != nil {
		return answer{}, refusal(ctx, err)
	}
	if err := a.check(packet); err != nil {
		return answer{}, err
	}
	v := packet.Variables[0]
	said := fmt.Sprintf("GET %s: %s", a.oid, spell(v))
	value, resolution, err := hostTime(v, a.zone)
	if err != nil {
		return answer{}, blame(fmt.Errorf("%s: %w", said, err))
	}
	return answer{
		reading: read(value, resolution, a.sent, a.received),
		said:    fmt.Sprintf("%s, which is %s", said, value.UTC().Format(time.RFC3339Nano)),
	}, nil
}

// check says what is wrong with an agent's answer.
func (a *agent) check(p *gosnmp.SnmpPacket) error {
	switch {
	case p.Version != a.client.Version, p.PDUType != gosnmp.GetResponse, p.RequestID == 0:
		return garbled(errors.New("to no question of ours"))
	case p.Error == gosnmp.NoSuchName: // how version 1 says it
		return a.hidden(p.Error)
	case p.Error != gosnmp.NoError:
		return blame(fmt.Errorf("the agent refuses: %s", p.Error))
	case len(p.Variables) != 1 || strings.TrimPrefix(p.Variables[0].Name, ".") != string(a.oid):
		return garbled(errors.New("about another OID"))
	}
	switch t := p.Variables[0].Type; t {
	case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
		return a.hidden(t)
	}
	return nil
}

// hidden is the error of an agent that does not show the OID.
func (a *agent) hidden(said fmt.Stringer) error {
	return blame(fmt.Errorf(`the agent shows no %s (%s): is it served, and in this community's or user's view? In snmpd.conf: "view NAME included .%s"`, a.oid, said, a.oid))
}

// refusal is what the library's error says to a person.
func refusal(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, gosnmp.ErrMaxRetriesExceeded), silent(err):
		return context.DeadlineExceeded
	case errors.Is(err, syscall.ECONNREFUSED):
		return closed("does an agent run there, and listen on this address?")
	case errors.Is(err, gosnmp.ErrUnknownUsername):
		return blame(errors.New("the agent does not know the user"))
	case errors.Is(err, gosnmp.ErrWrongDigest):
		return blame(errors.New("the agent does not accept the authentication: is it the user's protocol and password?"))
	case errors.Is(err, gosnmp.ErrDecryption):
		return blame(errors.New("the agent cannot decrypt the question: is it the user's privacy protocol and password?"))
	case errors.Is(err, gosnmp.ErrUnknownSecurityLevel):
		return blame(errors.New("the agent does not offer this user this security level: give the passwords it was created with"))
	case errors.Is(err, gosnmp.ErrNotInTimeWindow):
		return blame(errors.New("the agent says that the question is out of its time window"))
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return err // this machine's doing: no route, no permission
	}
	if strings.Contains(err.Error(), "not authentic") { // the library has no name for it
		return blame(errors.New("the agent does not accept the authentication: is it the user's protocol and password?"))
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // a panic in the library brings its stack
	return garbled(fmt.Errorf("%.200s", text))
}

// spell is a value as the exchange shows it.
func spell(v gosnmp.SnmpPDU) string {
	const most = 64
	b, ok := v.Value.([]byte)
	if !ok {
		return fmt.Sprintf("%s %v", v.Type, v.Value)
	}
	b = b[:min(len(b), most)]
	for _, c := range b {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%s % X", v.Type, b)
		}
	}
	return fmt.Sprintf("%s %q", v.Type, b)
}
