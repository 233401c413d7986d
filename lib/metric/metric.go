// Package metric is the vocabulary of a measurement: what was measured (Sample,
// Report), of whom (Target), and what is allowed (Range, Limit). It is data: it
// compares nothing and does no I/O.
package metric

import (
	"math"
	"net/netip"
	"strconv"
	"time"
)

// A Sample is one thing measured. The truth lies between Value-Minus and
// Value+Plus, so zero Minus and Plus say "exactly Value". Where the measurement
// goes on, it is the final value that lies there.
type Sample struct {
	Name   string   // in perfdata, JSON and limits: "offset"; once per Of; "" = only for Prometheus
	Of     string   // which of several targets in one report: "9.9.9.9"; "" = the only one
	Metric string   // Prometheus family without its prefix: "clock_offset_seconds"; "" = not exported
	Labels []string // name, value, name, value, ... beside host: "source", "snmp"
	Help   string   // one sentence for # HELP
	Kind   Kind
	Unit   Unit
	Value  float64
	Minus  float64
	Plus   float64
	Fault  Fault  // whose fault it is if a limit on it alerts
	Reason Reason // what the public is told if a limit on it alerts
	Text   string // the sentence for a person if a limit on it alerts; "" = the number will do

	Since time.Time // a Counter: when it was 0; zero = nobody knows
}

// Flag is a sample that is no number: 1 is yes, 0 is no. Text is what a person
// is told if it is held by a limit and is yes.
func Flag(name string, yes bool, fault Fault, reason Reason, text string) Sample {
	s := Sample{Name: name, Kind: IsFlag, Fault: fault, Reason: reason, Text: text}
	if yes {
		s.Value = 1
	}
	return s
}

// Between is s with its truth between lo and hi, both in s.Unit.
func (s Sample) Between(lo, hi float64) Sample {
	s.Minus, s.Plus = s.Value-lo, hi-s.Value
	return s
}

// Interval is where the truth of s lies; NaN where nobody knows.
func (s Sample) Interval() (lo, hi float64) { return s.Value - s.Minus, s.Value + s.Plus }

// A Kind says how the values of a sample follow one another.
type Kind int

// The kinds of samples.
const (
	Gauge   Kind = iota // goes up and down
	IsFlag              // 0 or 1, a finding; not in perfdata
	Counter             // only grows while the process lives
)

// A Unit is what a value counts. Both spellings, Nagios' and Prometheus', are
// its methods and live nowhere else.
type Unit int

// The units of samples.
const (
	None    Unit = iota
	Seconds      // s
	Bytes        // B
	Percent      // 0 to 100 to people; Prometheus gets the ratio
)

// UOM is the unit of measurement as perfdata spells it.
func (s Sample) UOM() string {
	if s.Kind == Counter {
		return "c"
	}
	switch s.Unit {
	case Seconds:
		return "s"
	case Bytes:
		return "B"
	case Percent:
		return "%"
	default:
		return ""
	}
}

// Base is the value in the base unit that Prometheus wants.
func (s Sample) Base() float64 {
	if s.Unit == Percent {
		return s.Value / 100
	}
	return s.Value
}

// Format spells v in full: no exponent, no rounding.
func Format(v float64) string {
	if v == 0 {
		return "0" // not "-0"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// A Fault says who is to blame. The list is closed and fit for the public.
type Fault string

// The faults.
const (
	FaultNone          Fault = ""
	FaultProxy         Fault = "proxy"
	FaultAuth          Fault = "auth"
	FaultACL           Fault = "acl"
	FaultOrigin        Fault = "origin"
	FaultProxyResolver Fault = "proxy_resolver"
	FaultResolver      Fault = "resolver"
	FaultPath          Fault = "path"
	FaultClock         Fault = "clock"
	FaultHost          Fault = "host"
	FaultMonitor       Fault = "monitor"
)

// A Reason says what happened, in the words of status.json. The list is closed.
type Reason string

// The reasons.
const (
	ReasonNone            Reason = ""
	ReasonConnectTimeout  Reason = "connect_timeout"
	ReasonRefused         Reason = "refused"
	ReasonReset           Reason = "reset"
	ReasonTLS             Reason = "tls"
	ReasonAuthRefused     Reason = "auth_refused"
	ReasonOpenProxy       Reason = "open_proxy"
	ReasonACL             Reason = "acl"
	ReasonGateway         Reason = "gateway"
	ReasonOrigin          Reason = "origin"
	ReasonProxyResolver   Reason = "proxy_resolver"
	ReasonWrongExit       Reason = "wrong_exit"
	ReasonLoss            Reason = "loss"
	ReasonSlow            Reason = "slow"
	ReasonMonitorResolver Reason = "monitor_resolver"
	ReasonMonitorRoute    Reason = "monitor_route"
	ReasonMonitorClock    Reason = "monitor_clock"
	ReasonMonitorLag      Reason = "monitor_lag"     // it cannot keep up with its own rounds
	ReasonMonitorControl  Reason = "monitor_control" // what must work or must fail beside it does not
	ReasonNoQuorum        Reason = "no_quorum"
	ReasonNotMeasured     Reason = "not_measured"
	ReasonStale           Reason = "stale"
)

// A Report is what a probe knows so far.
type Report struct {
	Text    string   // one line, no judgement: "3/20 lost (15 %, 95 % CI 5-36 %)"
	Samples []Sample // the dearest first: who must trim takes the last without a limit first
	Stages  []Stage
	Advice  []string // lines for a person at -v: what to do on this host
	Doubt   string   // why an alert would not prove anything: OK stays OK, all else is UNKNOWN; "" = none
}

// A Stage is one step of a measurement. No field ever holds a secret.
type Stage struct {
	Doing string        // gerund and quoted object: connecting to proxy "fra-1:3128"
	Took  time.Duration // monotonic
	Said  string        // the exchange, for -vvv; may have several lines
}

// A Target is whom to measure; a probe's Config says how.
type Target struct {
	Name    string       // the inventory's name, or what -H said
	Address string       // host name or IP literal; "" = this machine
	Addrs   []netip.Addr // what Address resolved to, best first; empty only if Address is
	At      Coordinates  // where it is
	From    Coordinates  // where it is asked from

	Virtualization string // xen, openvz, lxc, kvm, ...; "" = unknown

	// Patience is how long one stage may wait for the target: half of the
	// whole run's time. Silence beyond it is the target's doing. 0 = only ctx ends.
	Patience time.Duration
}

// Coordinates are degrees, north and east positive.
type Coordinates struct {
	Name                string // what people call the place; "" = nothing
	Latitude, Longitude float64
	Known               bool // the zero Coordinates are nowhere
}

// A Need is one thing that a check needs on the machine it runs on.
type Need struct {
	What string // "capability cap_net_raw or ping_group_range"
	OK   bool
	Have string // what was found
	Mend string // the command that mends it; "" if OK
}

// Interrupted is the error of a measurement that ctx ended: Stage is what was
// being done, in the words of Stage.Doing.
type Interrupted struct {
	Stage string
	Err   error
}

// Error is the stage and the cause.
func (e *Interrupted) Error() string { return e.Stage + ": " + e.Err.Error() }

// Unwrap is the cause.
func (e *Interrupted) Unwrap() error { return e.Err }

// Blamed is an error with whose fault it is that nothing could be measured.
// Without it, the monitor is to blame.
type Blamed struct {
	Fault  Fault
	Reason Reason
	Err    error
}

// Error is the cause's text.
func (e *Blamed) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *Blamed) Unwrap() error { return e.Err }

// NaN is the value of what was not determined: perfdata spells it U.
func NaN() float64 { return math.NaN() }
