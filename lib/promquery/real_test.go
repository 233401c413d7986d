package promquery

import (
	"errors"
	"strings"
	"testing"

	"milepost/lib/peers"
)

const rules = `groups: [{name: g, interval: 100ms, rules: [
  {record: loss, expr: vector(0.02), labels: {host: 'a"\b'}},
  {record: loss, expr: vector(0.5), labels: {host: other}},
]}]`

func TestRealPrometheus(t *testing.T) {
	p := peers.StartPrometheus(t, "rule_files: [rules.yml]\n", map[string]string{"rules.yml": rules})
	var known struct{ Data struct{ Result []any } }
	p.Await("the recorded loss", "/api/v1/query?query=loss", &known, func() bool { return len(known.Data.Result) == 2 })
	s := Server{URL: "http://" + p.Addr}
	for query, want := range map[string]float64{`loss{host="a\"\\b"}`: 0.02, "sum(loss)": 0.52, "42": 42} {
		if v, err := s.Number(t.Context(), query); err != nil || v != want {
			t.Errorf("%s: %v, %v", query, v, err)
		}
	}
	if _, err := s.Number(t.Context(), "loss > 1"); !errors.Is(err, ErrNothing) {
		t.Errorf("of nothing: %v", err)
	}
	for query, want := range map[string]string{
		"loss":     ": it answered with 2 series: have the query make one of them, with avg()",
		"loss[5m]": `: it answered with a "matrix": the query must give one number`,
		"loss{":    `: it answered 400: "invalid parameter \"query\"`,
	} {
		if _, err := s.Number(t.Context(), query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
}
