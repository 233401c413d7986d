package contrib

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A dashboard is what is held of Grafana's JSON.
type dashboard struct {
	UID    string
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      json.RawMessage
		}
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("grafana/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("looking for dashboards: %v, %v", files, err)
	}
	all := map[string]dashboard{}
	for _, f := range files {
		var d dashboard
		if err := json.Unmarshal([]byte(read(t, f)), &d); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all[f] = d
	}
	return all
}

// queries are all that a dashboard asks of Prometheus.
func (d dashboard) queries() []string {
	var all []string
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			all = append(all, string(v.Query))
		}
	}
	return all
}

// TestEveryRecordedSeriesIsRecorded: what dashboards and alerts name of recorded series, some
// rule records. (That the exporter serves the metrics they name is held by its own test,
// against pages that it served.)
func TestEveryRecordedSeriesIsRecorded(t *testing.T) {
	rules := read(t, "prometheus/rules/milepost.yml") + read(t, "prometheus/rules/quorum.yml")
	texts := map[string]string{"rules": rules}
	for file, d := range dashboards(t) {
		texts[file] = strings.Join(d.queries(), "\n")
	}
	recorded := regexp.MustCompile(`milepost:[a-z0-9_:]+`)
	found := 0
	for file, text := range texts {
		for _, name := range recorded.FindAllString(text, -1) {
			found++
			if !strings.Contains(rules, "record: "+name+"\n") {
				t.Errorf("%s names %s, which nothing records", file, name)
			}
		}
	}
	if found == 0 {
		t.Error("no recorded series is named anywhere")
	}
}

func TestDashboardsAreTold(t *testing.T) {
	seen := map[string]string{}
	for file, d := range dashboards(t) {
		if d.UID == "" || seen[d.UID] != "" {
			t.Errorf("%s has the uid %q, as %q", file, d.UID, seen[d.UID])
		}
		seen[d.UID] = file
		for _, p := range d.Panels {
			if p.Title == "" || len(p.Targets) == 0 {
				t.Errorf("%s has a panel without a title, or with nothing in it: %+v", file, p)
			}
		}
	}
}
