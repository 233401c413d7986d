package main

import (
	"strings"
	"testing"

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
	if err := r.Register(newSmokeping(&streams{})); err != nil {
		t.Fatal(err)
	}
	if all, err := r.Gather(); err != nil || len(all) != 0 {
		t.Errorf("of no stream: %v, %v", all, err)
	}
}

func TestServeNamesWhatItCanBeLike(t *testing.T) {
	if exit, out, faults := execute("serve", "--compat", "fping"); exit != 1 || !strings.Contains(out+faults, `"fping" is not smokeping_prober`) {
		t.Errorf("%d %q", exit, out+faults)
	}
}
