package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestCompat(t *testing.T) {
	var c compat
	if err := c.UnmarshalText([]byte("smokeping")); err == nil || err.Error() != `"smokeping" is not smokeping_prober` {
		t.Error(err)
	}
	if err := c.UnmarshalText([]byte("smokeping_prober")); err != nil || c != smokepingProber {
		t.Error(err)
	}
	r := prometheus.NewPedanticRegistry()
	reload := func() (time.Time, bool) { return time.UnixMilli(1500), true }
	if err := r.Register(newSmokeping(&streams{}, reload)); err != nil {
		t.Fatal(err)
	}
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range all {
		told = append(told, fmt.Sprintf("%s %v", f.GetName(), f.GetMetric()[0].GetGauge().GetValue()+f.GetMetric()[0].GetCounter().GetValue()))
	}
	const want = "smokeping_prober_config_last_reload_success_timestamp_seconds 1.5, smokeping_prober_config_last_reload_successful 1, smokeping_receive_errors_total 0"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("of no stream: %s, not %s", got, want)
	}
}

func TestServeNamesWhatItCanBeLike(t *testing.T) {
	if exit, out, faults := execute("serve", "--compat", "fping"); exit != 1 || !strings.Contains(out+faults, `"fping" is not smokeping_prober`) {
		t.Errorf("%d %q", exit, out+faults)
	}
}
