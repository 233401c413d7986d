package statusbar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

const schema = "milepost.status/1"

// A document is status.json. Its fields stand in the order in which they are
// written; new ones may be added, none is ever renamed.
type document struct {
	Schema      string           `json:"schema"`
	Seq         int64            `json:"seq"`
	IntervalS   float64          `json:"interval_s"`
	DataAt      stamp            `json:"data_at"`
	GeneratedAt stamp            `json:"generated_at"`
	ValidUntil  stamp            `json:"valid_until"`
	Status      hoststate.Status `json:"status"`
	Summary     string           `json:"summary"`
	Counts      hoststate.Counts `json:"counts"`
	Monitor     monitor          `json:"monitor"`
	Components  []component      `json:"components"`
}

type monitor struct {
	Status   hoststate.Sight `json:"status"`
	Vantages vantages        `json:"vantages"`
	Reasons  []metric.Reason `json:"reasons"`
}

type vantages struct {
	Total   int `json:"total"`
	Healthy int `json:"healthy"`
	Quorum  int `json:"quorum,omitempty"` // how many of them it takes; absent: this one alone
}

type component struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Group     string            `json:"group"`
	Status    hoststate.Status  `json:"status"`
	Since     stamp             `json:"since"`
	CheckedAt stamp             `json:"checked_at"`
	Flapping  bool              `json:"flapping"`
	Reason    *metric.Reason    `json:"reason"`
	LastKnown *hoststate.Status `json:"last_known"`
	LatencyMS *int64            `json:"latency_ms"`
	Checks    checks            `json:"checks"`
	Uptime    Shares            `json:"uptime"`
	Coverage  Shares            `json:"coverage"`

	// Where many vantages look; absent: this one alone.
	Votes       *hoststate.Votes `json:"votes,omitempty"`
	RegionsDown []string         `json:"regions_down,omitzero"`

	Maintenance *work `json:"maintenance,omitempty"` // that is under way
}

// A work is maintenance as it was announced.
type work struct {
	Until  stamp  `json:"until"`
	Reason string `json:"reason"` // "" = none was given
}

// document spells c. Nothing of a host's outcomes gets into it.
func (c content) document() document {
	rolled := c.rollUp()
	d := document{
		Schema: schema, Seq: c.seq, IntervalS: c.interval.Seconds(),
		DataAt: stamp(c.dataAt), GeneratedAt: stamp(c.generatedAt), ValidUntil: stamp(c.lease().Until),
		Status: rolled.Status, Summary: rolled.Summary, Counts: rolled.Counts,
		Monitor: monitor{
			Status:   rolled.Sight,
			Vantages: vantages{c.monitor.Total, c.monitor.Healthy, c.monitor.Quorum},
			Reasons:  []metric.Reason{},
		},
		Components: make([]component, len(c.hosts)),
	}
	for _, r := range c.monitor.Reasons {
		if sentence(r) != "" && !slices.Contains(d.Monitor.Reasons, r) {
			d.Monitor.Reasons = append(d.Monitor.Reasons, r)
		}
	}
	for i, h := range c.hosts {
		d.Components[i] = h.component()
	}
	return d
}

func (h Component) component() component {
	c := component{
		ID: h.ID, Name: h.Name, Group: h.Group,
		Status: h.Status, Since: stamp(h.Since), CheckedAt: stamp(h.CheckedAt), Flapping: h.Flapping,
		Checks: h.Checks, Uptime: h.Uptime.ratios(), Coverage: h.Coverage.ratios(),
	}
	if c.Votes = h.Votes; c.Votes != nil {
		c.RegionsDown = append([]string{}, h.Regions...)
	}
	if w := h.Work; w != nil && h.Status == hoststate.Maintenance {
		c.Maintenance = &work{stamp(w.Until), w.Reason}
	}
	// The reason is the only word of a probe's that the public sees: what is not on
	// the list does not get out.
	if sentence(h.Reason) != "" {
		c.Reason = &h.Reason
	}
	if h.LastKnown != hoststate.Unknown {
		c.LastKnown = &h.LastKnown
	}
	if h.Latency > 0 {
		ms := int64(math.Round(h.Latency.Seconds() * 1000))
		c.LatencyMS = &ms
	}
	return c
}

// ratios is s without what is no ratio: JSON cannot spell NaN, and one bad number
// must not take the whole page down.
func (s Shares) ratios() Shares {
	for _, share := range []**float64{&s.Day, &s.Month, &s.Quarter} {
		if *share != nil && !(**share >= 0 && **share <= 1) {
			*share = nil
		}
	}
	return s
}

// content is what d says. It is that of d's writer, down to the second.
func (d document) content() content {
	c := content{
		interval: time.Duration(d.IntervalS * float64(time.Second)), seq: d.Seq,
		dataAt: time.Time(d.DataAt), generatedAt: time.Time(d.GeneratedAt),
		monitor: hoststate.Monitor{Total: d.Monitor.Vantages.Total, Healthy: d.Monitor.Vantages.Healthy, Quorum: d.Monitor.Vantages.Quorum, Reasons: d.Monitor.Reasons},
		hosts:   make([]Component, len(d.Components)),
	}
	for i, o := range d.Components {
		h := Component{Host: Host{ID: o.ID, Name: o.Name, Group: o.Group}, Uptime: o.Uptime, Coverage: o.Coverage}
		h.Status, h.Since, h.CheckedAt, h.Flapping = o.Status, time.Time(o.Since), time.Time(o.CheckedAt), o.Flapping
		h.Checks, h.Votes, h.Regions = o.Checks, o.Votes, o.RegionsDown
		if o.Maintenance != nil {
			h.Work = &hoststate.Work{From: h.Since, Until: time.Time(o.Maintenance.Until), Reason: o.Maintenance.Reason}
		}
		if o.Reason != nil {
			h.Reason = *o.Reason
		}
		if o.LastKnown != nil {
			h.LastKnown = *o.LastKnown
		}
		if o.LatencyMS != nil {
			h.Latency = time.Duration(*o.LatencyMS) * time.Millisecond
		}
		c.hosts[i] = h
	}
	return c
}

// encode is v as JSON for people too: one line with an end. What is encoded here
// cannot fail to be.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}

// A stamp is a time in UTC to the second; the zero stamp is null.
type stamp time.Time

const rfc3339Z = "2006-01-02T15:04:05Z"

func (s stamp) String() string { return time.Time(s).UTC().Format(rfc3339Z) }

// MarshalJSON is String in quotes, or null.
func (s stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + s.String() + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *stamp) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*s = stamp{}
		return nil
	}
	t, err := time.Parse(`"`+rfc3339Z+`"`, string(text))
	if err != nil {
		return fmt.Errorf("%s is no time like %q", text, rfc3339Z)
	}
	*s = stamp(t)
	return nil
}

// checks is the words of a host's checks as an object, in their order.
type checks []hoststate.Word

// MarshalJSON writes {"squid_auth":"OK","packet_loss":"OK"}.
func (c checks) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, w := range c {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(w.Check)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%q", name, w.Status.String())
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON writes. A word that nobody knows is UNKNOWN.
func (c *checks) UnmarshalJSON(text []byte) error {
	*c = nil
	in := json.NewDecoder(bytes.NewReader(text))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("%.20s is no object of checks", text)
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return err
		}
		var word string
		if err := in.Decode(&word); err != nil {
			return err
		}
		w := hoststate.Word{Check: name.(string)} // the key of an object
		if w.Status.UnmarshalText([]byte(word)) != nil {
			w.Status = verdict.Unknown
		}
		*c = append(*c, w)
	}
	return nil
}
