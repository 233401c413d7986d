package nagios

import (
	"encoding/json"
	"io"
	"math"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// The JSON of --output json. Secrets are in none of it.
type (
	jsonRun struct {
		Check    string         `json:"check"`
		Status   verdict.Status `json:"status"`
		ExitCode int            `json:"exit_code"`
		Summary  string         `json:"summary"`
		Hosts    []jsonOutcome  `json:"hosts"`
	}
	jsonOutcome struct {
		Host    string         `json:"host"`
		Status  verdict.Status `json:"status"`
		Fault   metric.Fault   `json:"fault"`
		Reason  metric.Reason  `json:"reason"`
		Summary string         `json:"summary"`
		At      time.Time      `json:"at"`
		TookS   float64        `json:"took_s"`
		Metrics []jsonMetric   `json:"metrics"`
		Stages  []jsonStage    `json:"stages"`
	}
	jsonMetric struct {
		Name     string         `json:"name"`
		Of       string         `json:"of,omitempty"`
		Value    *float64       `json:"value"` // null: not determined
		Low      *float64       `json:"low,omitempty"`
		High     *float64       `json:"high,omitempty"`
		UOM      string         `json:"uom"`
		Warning  string         `json:"warning"`
		Critical string         `json:"critical"`
		Status   verdict.Status `json:"status"`
	}
	jsonStage struct {
		Doing string  `json:"doing"`
		TookS float64 `json:"took_s"`
	}
)

func writeJSON(w io.Writer, name string, outs []check.Outcome) {
	status := worst(outs)
	run := jsonRun{Check: name, Status: status, ExitCode: int(status), Hosts: []jsonOutcome{}}
	if len(outs) == 1 {
		run.Summary = outs[0].Summary
	} else {
		run.Summary = summary(outs, status)
	}
	for _, o := range outs {
		j := jsonOutcome{
			o.Host, o.Status, o.Fault, o.Reason, o.Summary, o.At.UTC(), o.Took.Seconds(),
			[]jsonMetric{},
			[]jsonStage{},
		}
		for _, f := range o.Findings {
			if f.Name == "" {
				continue
			}
			m := jsonMetric{
				Name: f.Name, Of: f.Of, Value: finite(f.Value), UOM: f.UOM(),
				Warning: f.Warning.String(), Critical: f.Critical.String(), Status: f.Status,
			}
			if f.Minus != 0 || f.Plus != 0 {
				lo, hi := f.Interval()
				m.Low, m.High = finite(lo), finite(hi)
			}
			j.Metrics = append(j.Metrics, m)
		}
		for _, s := range o.Stages {
			j.Stages = append(j.Stages, jsonStage{s.Doing, s.Took.Seconds()})
		}
		run.Hosts = append(run.Hosts, j)
	}
	encodeJSON(w, run)
}

func encodeJSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // into a strings.Builder: nothing can fail
}

// finite is v for JSON, which knows neither NaN nor infinity.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
