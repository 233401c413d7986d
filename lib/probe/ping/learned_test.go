package ping

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/burst"
	"milepost/lib/crew"
	"milepost/lib/metric"
)

// stateFile is one that says of fra-1 what a path of that loss showed in 5,000
// packets, so long ago.
func stateFile(t *testing.T, loss float64, ago time.Duration) string {
	t.Helper()
	const packets = 5000
	r := burst.Record{Kept: packets * (1 - loss), Lost: packets * loss}
	r.Starts, r.Repeats = r.Lost*0.67, r.Lost*0.33
	path := filepath.Join(t.TempDir(), "state.json")
	m := memory{hosts: map[string]Remembered{"fra-1": {r, 0.25, time.Now().Add(-ago)}}}
	if err := m.write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestState(t *testing.T) {
	edit := func(old, replacement string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, replacement, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name, pattern string
		loss          float64
		ago           time.Duration
		spoil         func(*testing.T, string)
		want          string
	}{
		{"as usual here", "x...x...x...x...x...", 0.2, time.Hour, nil, "OK 4/16 lost (25 %, 95 % CI 10-49 %), baseline 19 % (learned from 4979 packets, the newest 60 min old), p=0.52"},
		{"more than usual", "x..x..x..x..x..x..x.", 0.02, time.Minute, nil, "WARNING 6/18 lost (33 %, 95 % CI 16-56 %), baseline 1.9 % (learned from 5000 packets, the newest 60 s old), p=0.0016"},
		{"stale", ".", 0.02, 30 * 24 * time.Hour, nil, "OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (insufficient history: 256 of 1000 packets; 0.5 % assumed), p=1"},
		{"nothing of this host", ".", 0.02, 0, edit("fra-1", "fra-2"), "OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (insufficient history: none of 1000 packets; 0.5 % assumed), p=1, decided"},
		{"of the future", ".", 0.02, -24 * time.Hour, nil, "OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (what \"FILE\" says is of the future: this machine's clock is wrong, or was"},
		{"of another version", ".", 0.02, 0, edit("baselines/1", "baselines/9"), `OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (reading baselines "FILE": its schema is "milepost.baselines/9", not "milepost.baselines/1": another version wrote it; 0.5 % assumed), p=1, nothing is learned`},
		{"cut short", ".", 0.02, 0, edit("}}", ""), `OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (reading baselines "FILE": not JSON as it was written: `},
		{"nonsense", ".", 0.02, 0, edit(`"after_lost":`, `"after_lost":-`), `OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (reading baselines "FILE": what it says of host "fra-1" cannot have been seen`},
		{"others may write it", ".", 0.02, 0, func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o622); err != nil {
				t.Fatal(err)
			}
		}, `OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (reading baselines "FILE": others may write it (mode 0622): run chmod go-w; 0.5 % assumed)`},
		{"no file", ".", 0.02, 0, func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, "OK 0/18 lost (0 %, 95 % CI 0-18 %), no baseline (insufficient history: none of 1000 packets; 0.5 % assumed)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := Default()
				c.State = stateFile(t, tt.loss, tt.ago)
				c.begin = path(tt.pattern)
				if tt.spoil != nil {
					tt.spoil(t, c.State)
				}
				o := run(t, c, 10*time.Second)
				got := strings.ReplaceAll(o.Status.String()+" "+o.Summary, c.State, "FILE")
				if !strings.HasPrefix(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

// What is learnt is what a usual round showed; an outage teaches nothing.
func TestLearning(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		want          string // what was added to 5,000 packets of 2 % loss
	}{
		{"usual", ".", "+15 packets, +0 lost"},
		{"usual losses", "x.........", "+17 packets, +1 lost"},
		{"too much at once", "x..x..x..x..x..x..x.", "+0 packets, +0 lost"},
		{"an outage", "x", "+0 packets, +0 lost"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := Default()
			c.State = stateFile(t, 0.02, 0)
			c.begin = path(tt.pattern)
			before := learntOf(t, c.State)
			run(t, c, 10*time.Second)
			after := learntOf(t, c.State)
			got := fmt.Sprintf("+%.0f packets, +%.0f lost", after.Packets()-before.Packets(), math.Abs(after.Starts+after.Repeats-before.Starts-before.Repeats))
			if got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		})
	}
}

func learntOf(t *testing.T, path string) burst.Record {
	t.Helper()
	m, err := readMemory(path)
	if err != nil {
		t.Fatal(err)
	}
	return m.hosts["fra-1"].Record
}

// However many runs end at once, the file is whole, and none undoes another's.
func TestRunsAtOnce(t *testing.T) {
	c := Default()
	c.State = filepath.Join(t.TempDir(), "state.json")
	var runs crew.Crew
	for i := range 8 {
		runs.Go(func() {
			r := result(c, "....", 4)
			r.Plan.Spacing = c.Spacing
			if err := c.learn(fmt.Sprint("host-", i), r); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	m, err := readMemory(c.State)
	if err != nil || len(m.hosts) != 8 {
		t.Errorf("%d hosts, %v", len(m.hosts), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(c.State), ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestPrometheus(t *testing.T) {
	const dead = "x"
	for _, tt := range []struct {
		name, answer, pattern string
		change                func(*Config)
		want                  string
	}{
		{"it knows", "0.2", "x...x...x...x...x...", nil, "OK 4/16 lost (25 %, 95 % CI 10-49 %), baseline 20 % (asked of Prometheus), p=0.56"},
		{"nothing", "", ".", nil, `UNKNOWN asking Prometheus "URL": it knows nothing of that`},
		{"no ratio", "2", ".", nil, `UNKNOWN asking Prometheus "URL": its answer 2 is no ratio from 0 to below 1`},
		{"no number", "NaN", ".", nil, `UNKNOWN asking Prometheus "URL": its answer NaN is no ratio from 0 to below 1`},
		{"nothing, and the host is dead", "", dead, nil, "CRITICAL no packet came back; 20/20 lost (100 %, 95 % CI 84-100 %); asking Prometheus"},
		{"nothing, but the state does", "", ".", func(c *Config) { c.State = stateFile(t, 0.02, 0) }, `OK 0/16 lost (0 %, 95 % CI 0-19 %), baseline 1.9 % (learned from 5000 packets, the newest 0 s old; asking Prometheus "URL": it knows nothing of that), p=1`},
		{"nothing, nor does the state", "", ".", func(c *Config) { c.State = filepath.Join(t.TempDir(), "none") }, `UNKNOWN asking Prometheus "URL": it knows nothing of that`},
		{"the user says", "", ".", func(c *Config) { c.Baseline = Percent{2, true} }, "OK 0/16 lost (0 %, 95 % CI 0-19 %), baseline 2 %, p=1"},
		{"the user has limits", "", ".", func(c *Config) { c.Warning = metric.MustRange("5") }, "OK 0/19 lost (0 %, 95 % CI 0-17 %), decided"},
		{"the user's question", "0.02", ".", func(c *Config) { c.Query = `loss{host="$host"}` }, "OK 0/16 lost (0 %, 95 % CI 0-19 %), baseline 2 % (asked of Prometheus), p=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.FormValue("query")
				w.Header().Set("Content-Type", "application/json")
				var series []any
				if tt.answer != "" {
					series = []any{map[string]any{"metric": map[string]any{}, "value": []any{1, tt.answer}}}
				}
				_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "vector", "result": series}})
			}))
			defer server.Close()
			c := Default()
			c.Prometheus, c.Spacing = server.URL, 5*time.Millisecond
			c.begin = path(tt.pattern)
			if tt.change != nil {
				tt.change(&c)
			}
			o := run(t, c, 10*time.Second)
			got := strings.ReplaceAll(o.Status.String()+" "+o.Summary, server.URL, "URL")
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if asked != "" && !strings.Contains(asked, `{host="fra-1"}`) {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"schema":"milepost.baselines/1","hosts":{"a":{"after_kept":1,"lost_after_kept":0,"after_lost":0,"lost_after_lost":0,"spacing":1,"updated":"2026-11-23T13:08:40Z"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMemory(text)
		if err != nil {
			return
		}
		for _, r := range m.hosts {
			c := r.Chain()
			if !(c.Loss >= 0 && c.Loss < 1 && c.Repeat >= c.Loss && c.Repeat < 1) || math.IsNaN(c.Repeat) {
				t.Fatalf("%+v is %+v", r, c)
			}
		}
	})
}

// What a self-test says of --state: that runs can keep what they learn there.
func TestNeedsOfALearner(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.json")
	if err := os.WriteFile(foreign, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "new.json"): `true can be written: `,
		foreign:                        `false reading baselines "` + foreign + `": its schema is "", not "milepost.baselines/1": another version wrote it: mv "` + foreign + `" "` + foreign + `.old"`,
		"/nonexistent/state.json":      fmt.Sprintf(`false directory "/nonexistent": no such file or directory: install -d -o %d "/nonexistent"`, os.Geteuid()),
	} {
		c := Default()
		c.State = file
		n := c.Needs(t.Context(), target())
		if got := fmt.Sprintf("%v %s: %s", n[len(n)-1].OK, n[len(n)-1].Have, n[len(n)-1].Mend); len(n) != 2 || got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}
