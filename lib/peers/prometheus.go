package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

// A RunningPrometheus is a Prometheus.
type RunningPrometheus struct{ *Running }

// StartPrometheus starts a Prometheus with this prometheus.yml; files are others that it
// names, by their names beside it.
func StartPrometheus(tb testing.TB, conf string, files map[string]string, args ...string) *RunningPrometheus {
	tb.Helper()
	program := Program(tb, "prometheus")
	dir := Dir(tb)
	r := newRunning(tb, dir, Port(tb))
	for name, text := range files {
		write(tb, dir, name, text, 0o644)
	}
	p := &RunningPrometheus{r}
	r.args = append([]string{
		program, "--config.file=" + write(tb, dir, "prometheus.yml", conf, 0o644), "--web.listen-address=" + r.Addr,
	}, args...)
	if len(args) == 0 {
		r.args = append(r.args, "--storage.tsdb.path="+filepath.Join(dir, "data"))
	}
	r.ready = func() error { return p.get("/-/ready", nil) }
	r.hasty = true
	r.launch()
	return p
}

// Promtool runs promtool in dir and gives what it says, and whether it is content.
func Promtool(tb testing.TB, dir string, args ...string) (says string, content bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, Program(tb, "promtool"), args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// Await asks the API at path ("/api/v1/targets") until done is content with the answer,
// decoded into into.
func (p *RunningPrometheus) Await(what, path string, into any, done func() bool) {
	p.tb.Helper()
	p.until(what, func() bool { return p.get(path, into) == nil && done() })
}

// Ask asks the API at path once and decodes the answer into into.
func (p *RunningPrometheus) Ask(path string, into any) error { return p.get(path, into) }

func (p *RunningPrometheus) get(path string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), tryPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("asking Prometheus for %q: %s", path, answer.Status)
	}
	if into == nil {
		return nil
	}
	reflect.ValueOf(into).Elem().SetZero() // or maps would keep what the last answer had
	return json.NewDecoder(answer.Body).Decode(into)
}
