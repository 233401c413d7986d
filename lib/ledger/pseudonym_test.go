package ledger

import (
	"strings"
	"testing"

	"milepost/lib/secret"
)

// With a key no name is in the metrics, and who it was cannot be told without it.
func TestPseudonyms(t *testing.T) {
	labels := func(key string) string {
		c := config(t.TempDir())
		c.Pseudonyms = secret.New(key)
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 2, "alice")+line(noon, "TCP_MISS", 200, 1, ""))
		l := follow(t, c)
		defer l.Close()
		var all []string
		for s := range l.UserSamples() {
			if s.Metric == "squid_user_requests_total" {
				all = append(all, s.Labels[3])
			}
		}
		if got := usage(t, c, "user"); got["alice"] != "2/1" { // the ledger itself knows them
			t.Errorf("%v", got)
		}
		return strings.Join(all, ",")
	}
	one, again, other := labels("key one"), labels("key one"), labels("key two")
	if one != again || one == other || strings.Contains(one, "alice") || !strings.HasPrefix(one, "u-") || !strings.HasSuffix(one, ",") {
		t.Errorf("%q, %q, %q", one, again, other)
	}
	if got := labels(""); got != "alice," {
		t.Errorf("without a key: %q", got)
	}
}
