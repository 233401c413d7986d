package statusbar

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// standing is a host that was checked 26 minutes before now.
func standing(s hoststate.Status, why metric.Reason, was hoststate.Status, now time.Time) Component {
	at := now.Add(-26 * time.Minute)
	return Component{
		Host:     Host{ID: "fra-1"},
		Standing: hoststate.Standing{Status: s, Since: at, CheckedAt: at, Reason: why, LastKnown: was},
	}
}

func TestStatuspageComponent(t *testing.T) {
	for _, row := range []struct {
		situation         string
		status            hoststate.Status
		why               metric.Reason
		was               hoststate.Status
		want, description string
	}{
		{"up", hoststate.Up, "", 0, "operational", ""},
		{"degraded", hoststate.Degraded, metric.ReasonSlow, 0, "degraded_performance", "is slow"},
		{"down", hoststate.Down, metric.ReasonConnectTimeout, 0, "major_outage", "does not answer"},
		{"maintenance", hoststate.Maintenance, "", 0, "under_maintenance", ""},
		{"unknown", hoststate.Unknown, metric.ReasonStale, hoststate.Up, "degraded_performance", "Monitoring data unavailable since 1999-12-31 23:34 UTC; last confirmed: up"},
		{"unknown, and never known", hoststate.Unknown, metric.ReasonRefused, 0, "degraded_performance", "Monitoring data unavailable since 1999-12-31 23:34 UTC"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				b := New(config(), nil, now)
				b.Publish(now, now, []Component{standing(row.status, row.why, row.was, now)}, sees)
				var panel componentsPanel
				if err := json.NewDecoder(get(b.Public(), "/api/v2/components.json").Body).Decode(&panel); err != nil {
					t.Fatal(err)
				}
				c, description := panel.Components[0], ""
				if c.Description != nil {
					description = *c.Description
				}
				if c.Status != row.want || description != row.description {
					t.Errorf("%s, %q; want %s, %q", c.Status, description, row.want, row.description)
				}
			})
		})
	}
}

func TestStatuspageIndicator(t *testing.T) {
	up, down, unknown := hoststate.Up, hoststate.Down, hoststate.Unknown
	for _, row := range []struct {
		situation   string
		hosts       []hoststate.Status
		monitor     hoststate.Monitor
		after       time.Duration
		indicator   string
		description string
	}{
		{"all up", []hoststate.Status{up, up}, sees, 0, "none", "All Systems Operational"},
		{"one of three unknown", []hoststate.Status{up, up, unknown}, sees, 0, "minor", "2 of 3 proxies working, 1 unknown"},
		{"one of three under maintenance", []hoststate.Status{up, up, hoststate.Maintenance}, sees, 0, "minor", "2 of 3 proxies working, 1 under maintenance"},
		{"one of three degraded", []hoststate.Status{up, up, hoststate.Degraded}, sees, 0, "minor", "2 of 3 proxies working"},
		{"one of three down", []hoststate.Status{up, up, down}, sees, 0, "major", "2 of 3 proxies working"},
		{"all down", []hoststate.Status{down, down}, sees, 0, "critical", "0 of 2 proxies working"},
		{"the monitor is blind", []hoststate.Status{down, up}, hoststate.Monitor{Total: 1}, 0, "minor", "Monitoring data unavailable since 1999-12-31 23:34 UTC"},
		{"the lease is over", []hoststate.Status{up, up}, sees, time.Hour, "minor", "Monitoring data unavailable since 1999-12-31 23:34 UTC"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				b := New(config(), nil, now)
				var all []Component
				for _, s := range row.hosts {
					all = append(all, standing(s, "", 0, now))
				}
				b.Publish(now, now, all, row.monitor)
				time.Sleep(row.after)
				for _, path := range []string{"/api/v2/status.json", "/api/v2/summary.json"} {
					var panel statusPanel
					if err := json.NewDecoder(get(b.Public(), path).Body).Decode(&panel); err != nil {
						t.Fatal(err)
					}
					if got := panel.Status; string(got.Indicator) != row.indicator || got.Description != row.description {
						t.Errorf("%s: %s, %q; want %s, %q", path, got.Indicator, got.Description, row.indicator, row.description)
					}
				}
			})
		})
	}
}

// TestStatuspageKeys holds the keys to those of the original, since typed clients
// fail on one that is missing.
func TestStatuspageKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		var summary map[string]json.RawMessage
		if err := json.NewDecoder(get(b.Public(), "/api/v2/summary.json").Body).Decode(&summary); err != nil {
			t.Fatal(err)
		}
		keys(t, "summary.json", summary, "components", "incidents", "page", "scheduled_maintenances", "status")
		if string(summary["incidents"]) != "[]" || string(summary["scheduled_maintenances"]) != "[]" {
			t.Errorf("lists that are empty are %s and %s", summary["incidents"], summary["scheduled_maintenances"])
		}
		var page map[string]json.RawMessage
		var components []map[string]json.RawMessage
		if json.Unmarshal(summary["page"], &page) != nil || json.Unmarshal(summary["components"], &components) != nil {
			t.Fatalf("page or components are of another kind: %s", summary["page"])
		}
		keys(t, "page", page, "id", "name", "time_zone", "updated_at", "url")
		for _, c := range components {
			keys(t, "component", c, "created_at", "description", "group", "group_id", "id", "name", "only_show_if_degraded",
				"page_id", "position", "showcase", "start_date", "status", "updated_at")
			if string(c["created_at"]) == "null" || string(c["updated_at"]) == "null" {
				t.Errorf("%s has no times", c["id"])
			}
		}
	})
}

func keys(t *testing.T, what string, of map[string]json.RawMessage, want ...string) {
	t.Helper()
	var got []string
	for k := range of {
		got = append(got, k)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s has the keys %v, want %v", what, got, want)
	}
}
