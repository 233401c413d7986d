package prom

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"milepost/lib/peers"
)

func TestRealPromtoolHasNothingToSay(t *testing.T) {
	promtool := peers.Program(t, "promtool")
	for _, from := range []prometheus.Gatherer{fleet().Registry(true), fleet().Probe(fleet().Outcomes()[2])} {
		_, _, body := scrape(t, Handler(from, Serving{}), "text/plain")
		c := exec.CommandContext(t.Context(), promtool, "check", "metrics")
		c.Stdin = strings.NewReader(body)
		if said, err := c.CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("%v: %s\nof\n%s", err, said, body)
		}
	}
}
