package statusbar

import (
	"fmt"
	"strings"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// sentence is a reason for people who know nothing of proxies; "" for what is not
// on the closed list, and so is not for the public.
func sentence(r metric.Reason) string {
	switch r {
	case metric.ReasonConnectTimeout:
		return "does not answer"
	case metric.ReasonRefused:
		return "refuses connections"
	case metric.ReasonReset:
		return "cuts connections off"
	case metric.ReasonTLS:
		return "cannot agree on encryption"
	case metric.ReasonAuthRefused:
		return "refuses a valid login"
	case metric.ReasonOpenProxy:
		return "lets everybody in"
	case metric.ReasonACL:
		return "forbids what it should allow"
	case metric.ReasonGateway:
		return "cannot reach other servers"
	case metric.ReasonOrigin:
		return "the test page does not answer"
	case metric.ReasonProxyResolver:
		return "cannot resolve names"
	case metric.ReasonWrongExit:
		return "leaves by another address than it should"
	case metric.ReasonLoss:
		return "loses packets"
	case metric.ReasonSlow:
		return "is slow"
	case metric.ReasonMonitorResolver:
		return "the monitor cannot resolve names"
	case metric.ReasonMonitorLag:
		return "the monitor cannot keep up with its own work"
	case metric.ReasonMonitorControl:
		return "the monitor fails at what cannot fail"
	case metric.ReasonNoQuorum:
		return "too few vantages see it"
	case metric.ReasonMonitorRoute:
		return "the monitor has no way to it"
	case metric.ReasonMonitorClock:
		return "the monitor's clock is wrong"
	case metric.ReasonNotMeasured:
		return "could not be measured"
	case metric.ReasonStale:
		return "not measured lately"
	default:
		return ""
	}
}

// sinceNever is the sentence about a host that was last checked then: one that never was
// is another matter than one that cannot be.
func sinceNever(r metric.Reason, checked time.Time) string {
	if r == metric.ReasonNotMeasured && checked.IsZero() {
		return "not measured yet"
	}
	return sentence(r)
}

// whole is a sentence about a host with its subject, where it has none.
func whole(said string) string {
	switch {
	case said == "":
		return ""
	case strings.HasPrefix(said, "not "):
		return "It was " + said + "."
	case strings.HasPrefix(said, "the "), strings.HasPrefix(said, "too few "):
		return strings.ToUpper(said[:1]) + said[1:] + "."
	default:
		return "It " + said + "."
	}
}

// text is the work for a person who reads it at now.
func (w work) text(now time.Time) string {
	text := "under maintenance until " + at(time.Time(w.Until), now).Text
	if w.Reason != "" {
		text += ": " + w.Reason
	}
	return text
}

// SeenBy is who sees a host how, for a person; "" where one vantage looks alone.
func SeenBy(v *hoststate.Votes, regions []string) string {
	if v == nil {
		return ""
	}
	text := fmt.Sprintf("Vantages that see it up: %d, down: %d, not at all: %d", v.Up, v.Down, v.Unknown)
	if len(regions) > 0 {
		text += "; down as seen from " + strings.Join(regions, ", ")
	}
	return text
}

// being is a state as something that one is: "in maintenance".
func being(s hoststate.Status) string {
	if s == hoststate.Maintenance {
		return "in maintenance"
	}
	return s.String()
}

// spelling is how one state looks: its shape tells it without its colour.
type spelling struct {
	Letter string // the name of its shape and its colour in page.html
	Shape  string // where only text can be
	Shield string // shields.io's name of its colour
	Colour string // on white, readable with white text on it
	Panel  string // Statuspage's status of a component
}

func spell(s hoststate.Status) spelling {
	switch s {
	case hoststate.Up:
		return spelling{"u", "✓", "brightgreen", "#1a7f45", "operational"}
	case hoststate.Degraded:
		return spelling{"g", "!", "yellow", "#8f5f00", "degraded_performance"}
	case hoststate.Down:
		return spelling{"d", "✕", "red", "#c62f2f", "major_outage"}
	case hoststate.Maintenance:
		return spelling{"m", "⚒", "blue", "#3a5fc0", "under_maintenance"}
	default:
		return spelling{"n", "?", "lightgrey", "#646a73", "degraded_performance"}
	}
}
