package contrib

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// ours are the families that milepost's sources name, and what its rules record.
func ours(t *testing.T) []string {
	t.Helper()
	var all []string
	literal := regexp.MustCompile(`"([a-z]+_[a-z_]+)"`)
	for _, room := range []string{"lib", "exporter"} {
		err := filepath.WalkDir(filepath.Join(tree, room), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, m := range literal.FindAllStringSubmatch(read(t, path), -1) {
				all = append(all, "milepost_"+m[1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range regexp.MustCompile(`record: (\S+)`).FindAllStringSubmatch(read(t, "prometheus/rules/milepost.yml"), -1) {
		all = append(all, m[1])
	}
	return all
}

// TestEveryMetricNamedIsServed: a family that the exporter does not have draws nothing,
// and alerts never.
func TestEveryMetricNamedIsServed(t *testing.T) {
	known := ours(t)
	named := regexp.MustCompile(`milepost[_:][a-z0-9_:]+`)
	texts := map[string]string{"rules/milepost.yml": regexp.MustCompile(`(?m)^ +(- (alert|record)|summary|description): .*$`).ReplaceAllString(read(t, "prometheus/rules/milepost.yml"), "")}
	for file, d := range dashboards(t) {
		texts[file] = strings.Join(d.queries(), "\n")
	}
	for file, text := range texts {
		found := 0
		for _, name := range named.FindAllString(text, -1) {
			found++
			family := name
			if !slices.Contains(known, name) {
				family = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			}
			if !slices.Contains(known, family) {
				t.Errorf("%s names %s, which milepost does not serve", file, name)
			}
		}
		if found == 0 {
			t.Errorf("%s names no metric", file)
		}
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
