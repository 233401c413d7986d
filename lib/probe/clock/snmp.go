package clock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/metric"
	"milepost/lib/secret"
)

// hrSystemDate is HOST-RESOURCES-MIB::hrSystemDate.0 (RFC 2790), which every
// net-snmp serves, and makes for each question.
const hrSystemDate OID = "1.3.6.1.2.1.25.1.2.0"

// SNMP says how a host's SNMP agent is asked.
type SNMP struct {
	OID           OID          `name:"oid" short:"o" help:"OID of the host's time: UTC seconds since 1970 as INTEGER, Gauge32, Counter64 or STRING, or a DateAndTime."`
	Protocol      Protocol     `short:"P" placeholder:"1|2c" help:"SNMP version."`
	Community     secret.Value `short:"C" env:"MILEPOST_COMMUNITY" placeholder:"COMMUNITY" help:"SNMP community; in argv everybody on this machine can read it."`
	CommunityFile secret.File  `help:"File with the SNMP community in its first line; goes before --community."`
	Zone          Zone         `name:"tz" placeholder:"ZONE" help:"Time zone of a host whose DateAndTime does not tell it (8 octets): Europe/Berlin or +05:30."`
}

// maxCommunity is the longest community that the library encodes rightly.
const maxCommunity = 127

// An OID is an object identifier as numbers with points between.
type OID string

// String is the OID without a leading point.
func (o OID) String() string { return string(o) }

// UnmarshalText reads an OID, with or without a leading point.
func (o *OID) UnmarshalText(text []byte) error {
	s := strings.TrimPrefix(string(text), ".")
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 32); err != nil || len(parts) < 2 || p[0] == '+' {
			return fmt.Errorf("oid %q: write numbers with points between, as in %s", text, hrSystemDate)
		}
	}
	*o = OID(s)
	return nil
}

// A Protocol is a version of SNMP.
type Protocol string

// UnmarshalText reads a version.
func (p *Protocol) UnmarshalText(text []byte) error {
	switch v := Protocol(text); v {
	case "1", "2c":
		*p = v
		return nil
	}
	return fmt.Errorf("SNMP version %q is none of 1, 2c", text)
}

// String is the version.
func (p Protocol) String() string { return string(p) }

// overSNMP asks an SNMP agent. Its socket lives as long as the measurement, so
// that a late answer to an earlier question is recognised as such.
func (c Config) overSNMP(ctx context.Context, t metric.Target) (source, error) {
	dial, called := c.addresses(t)
	a := &agent{oid: c.SNMP.OID, zone: c.SNMP.Zone, now: c.now}
	src := source{
		called: "SNMP",
		doing:  fmt.Sprintf("asking %q for its time over SNMP", called),
		fresh:  c.SNMP.OID == hrSystemDate,
		hint:   "is the community right, does the agent listen there, does it let this monitor in?",
		ask:    a.ask,
		close:  a.close,
	}
	host, port, err := net.SplitHostPort(dial)
	if err != nil {
		return source{}, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return source{}, err
	}
	// The library's own retries would accept an answer to any of them: none.
	a.client = &gosnmp.GoSNMP{
		Target: host, Port: uint16(number), Context: ctx, Timeout: usualPatience, MaxOids: 1,
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

// credentials says who asks.
func (s SNMP) credentials(client *gosnmp.GoSNMP) error {
	client.Version = map[Protocol]gosnmp.SnmpVersion{"1": gosnmp.Version1, "2c": gosnmp.Version2c}[s.Protocol]
	community := s.Community
	if s.CommunityFile != "" {
		var err error
		if community, err = s.CommunityFile.Read(); err != nil {
			return err
		}
	}
	client.Community = community.Reveal()
	if len(client.Community) > maxCommunity {
		return fmt.Errorf("SNMP community: longer than %d bytes", maxCommunity)
	}
	return nil
}

// An agent is a host's SNMP agent.
type agent struct {
	client *gosnmp.GoSNMP
	conn   net.Conn // of client, which forgets it when it is closed
	oid    OID
	zone   Zone
	now    func() instant

	// Of the last question and of the last packet. Over SNMPv3 the questions that
	// find the agent's engine come before; their times are overwritten. The time
	// before sending is taken, not the one after: the agent may have looked at its
	// clock before we knew that the packet was away.
	sent, received instant
}

func (a *agent) close() { _ = a.conn.Close() } // nothing is written that could be lost

// ask asks once.
func (a *agent) ask(ctx context.Context) (answer, error) {
	stop := context.AfterFunc(ctx, func() { // the library heeds ctx's deadline only
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			a.close()
		}
	})
	defer stop()
	a.client.Context = ctx
	packet, err := a.client.Get([]string{string(a.oid)})
	if err == nil {
		err = a.check(packet)
	} else {
		err = agentError(ctx, err)
	}
	if err != nil {
		return answer{}, err
	}
	v := packet.Variables[0]
	value, resolution, err := hostTime(v, a.zone)
	said := fmt.Sprintf("GET %s: %s", a.oid, spell(v))
	if err != nil {
		return answer{}, blame(fmt.Errorf("%s: %w", said, err))
	}
	return answer{
		reading: read(value, resolution, a.sent, a.received),
		said:    fmt.Sprintf("%s, which is %s", said, value.UTC().Format("2006-01-02T15:04:05.999999999Z")),
	}, nil
}

// blame is err as the host's doing.
func blame(err error) error {
	return &metric.Blamed{Fault: metric.FaultHost, Reason: metric.ReasonNotMeasured, Err: err}
}

// check says what is wrong with an agent's answer.
func (a *agent) check(p *gosnmp.SnmpPacket) error {
	switch {
	case p.Version != a.client.Version || p.PDUType != gosnmp.GetResponse || p.RequestID == 0:
		return blame(fmt.Errorf("%w: it is no answer to the question", errGarbled))
	case p.Error == gosnmp.NoSuchName:
		return a.missing("noSuchName")
	case p.Error != gosnmp.NoError:
		return blame(fmt.Errorf("the agent refused: %s", p.Error))
	case len(p.Variables) != 1 || strings.TrimPrefix(p.Variables[0].Name, ".") != string(a.oid):
		return blame(fmt.Errorf("%w: it is about another OID", errGarbled))
	}
	switch t := p.Variables[0].Type; t {
	case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
		return a.missing(t.String())
	}
	return nil
}

// missing is the error of an agent that does not show the OID.
func (a *agent) missing(said string) error {
	return blame(fmt.Errorf("the agent shows no %s (%s): is it served, and in the view? In snmpd.conf: view NAME included .%s", a.oid, said, a.oid))
}

// agentError sorts out what the library returns.
func agentError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, gosnmp.ErrMaxRetriesExceeded), errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, syscall.ECONNREFUSED):
		return &metric.Blamed{Fault: metric.FaultHost, Reason: metric.ReasonRefused,
			Err: errors.New("connection refused: does the agent run, and listen on this address?")}
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return err // this machine's doing: no route, no permission
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // a panic in the library comes with its stack
	return blame(fmt.Errorf("%w: %.200s", errGarbled, text))
}

// spell is a value as the exchange shows it.
func spell(v gosnmp.SnmpPDU) string {
	b, ok := v.Value.([]byte)
	if !ok {
		return fmt.Sprintf("%s %v", v.Type, v.Value)
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%s % X", v.Type, b[:min(len(b), 64)])
		}
	}
	return fmt.Sprintf("%s %.64q", v.Type, b)
}
