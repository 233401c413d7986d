package selfcheck

import (
	"context"
	"testing"
)

// Many paths that become bad at once are one fault of this monitor. Without
// references its failures are doubted; with them, who answers them sees.
func TestPathsThatBecomeBadAtOnce(t *testing.T) {
	const common = "4 of 10 hosts lose packets since the same minute"
	open, closed := journey{errs: []error{nil}}, journey{errs: []error{context.DeadlineExceeded}}
	for _, row := range []struct {
		situation string
		facts     facts
		want      string
	}{
		{"nobody looks", facts{}, "ok clock=passed control=passed\nnote: no references: this monitor cannot tell its own faults from others'"},
		{"they did not", facts{watched: true, route: open}, "ok route=passed clock=passed control=passed paths=passed"},
		{"they did, and there is no reference", facts{watched: true, common: common}, "impaired monitor_route clock=passed control=passed paths=failed\n" +
			common + "\nnote: no references: this monitor cannot tell its own faults from others'"},
		{"they did, and the references answer", facts{watched: true, common: common, route: open}, "impaired route=passed clock=passed control=passed paths=failed\n" +
			"note: " + common + "; the references answer, so what is no packet loss is believed"},
		{"they did, and no reference answers", facts{watched: true, common: common, route: closed}, "blind monitor_route route=failed clock=passed control=passed paths=failed\n" +
			"this monitor has no way out: 192.0.2.8 does not answer; " + common},
	} {
		row.facts.refs = []string{"192.0.2.8"}
		if got := spell(judge(row.facts)); got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.situation, got, row.want)
		}
	}
}
