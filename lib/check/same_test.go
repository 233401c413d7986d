package check

import (
	"context"
	"iter"
	"testing"

	"milepost/lib/metric"
)

type remembering struct {
	Port   int
	Memory *map[string]int `kong:"-"`
}

type nothing struct{}

func (remembering) Limits() []metric.Limit { return nil }
func (nothing) Report() metric.Report      { return metric.Report{} }

// What a check remembers from run to run does not make it another one.
func TestSame(t *testing.T) {
	kind := func() Kind {
		return Define("x", func() remembering { return remembering{Port: 1, Memory: &map[string]int{}} },
			func(context.Context, metric.Target, remembering) iter.Seq2[nothing, error] { return nil })
	}
	bound := func(port int, host string) Check {
		k := kind()
		cfg := k.Default().(*remembering)
		cfg.Port = port
		c, err := k.Bind(cfg, metric.Target{Name: host})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one, again := bound(1, "a"), bound(1, "a")
	(*one.Config.(*remembering).Memory)["b"] = 1
	for _, row := range []struct {
		situation string
		other     Check
		same      bool
	}{
		{"itself", one, true},
		{"after a reload", again, true},
		{"another option", bound(2, "a"), false},
		{"another host", bound(1, "b"), false},
		{"none", Check{}, false},
	} {
		if one.Same(row.other) != row.same {
			t.Errorf("%s: %v", row.situation, !row.same)
		}
	}
}
