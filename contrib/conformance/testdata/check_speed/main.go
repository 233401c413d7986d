// check_speed is a plugin that measures what its option says.
package main

import (
	"context"
	"iter"
	"os"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/nagios"
)

func main() {
	os.Exit(nagios.Main(os.Args[1:], os.Stdout, nagios.Plugin{Kind: check.Define("speed", defaults, measure).Local(), About: "Measures nothing."}))
}

type speed struct {
	Warning  metric.Range `short:"w"`
	Critical metric.Range `short:"c"`
	Value    float64
}

func defaults() speed { return speed{Value: 1} }

func (s speed) Limits() []metric.Limit {
	return []metric.Limit{metric.On("speed", s.Warning, s.Critical)}
}

func (s speed) Report() metric.Report {
	return metric.Report{Text: "measured", Samples: []metric.Sample{{Name: "speed", Value: s.Value}}}
}

func measure(_ context.Context, _ metric.Target, s speed) iter.Seq2[speed, error] {
	return func(yield func(speed, error) bool) { yield(s, nil) }
}
