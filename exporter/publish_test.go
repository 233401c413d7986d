package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// TestRealPublishDir: an exporter that runs writes every round for a web server, status.json
// last: whoever sees that has all four.
func TestRealPublishDir(t *testing.T) {
	dir := t.TempDir()
	startServer(t, fmt.Sprintf(`
defaults: {interval: 1s, timeout: 1s}
hosts: [{name: edge, address: 127.0.0.1, checks: {packet_loss: {spacing: 0.05, baseline: 2}}}]
status: {publish_dir: %s, page: {name: Proxies}}
`, dir))
	first := awaitSeq(t, dir, 0)
	for name, want := range map[string]string{"status.json.gz": `"id":"edge"`, "status.html": "Proxies", "bar.svg": "</svg>"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "status.json.gz" {
			text = unpacked(t, filepath.Join(dir, name))
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("%s has no %s:\n%s", name, want, text)
		}
	}
	awaitSeq(t, dir, first) // and the next round
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 5 { // a file that is being written may stand there
		t.Errorf("%v %v", left, err)
	}
}

// awaitSeq waits for a status.json that is newer than that of the number.
func awaitSeq(t *testing.T, dir string, than int64) int64 {
	t.Helper()
	var d struct{ Seq int64 }
	if !peers.Until(30*time.Second, func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "status.json"))
		if err != nil {
			return false
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("half a file was seen: %v", err)
		}
		return d.Seq > than
	}) {
		t.Fatalf("no status.json newer than %d", than)
	}
	return d.Seq
}

func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestRealHostPage: the operator's listener has a page of each host, with its past; the
// history tells its size.
func TestRealHostPage(t *testing.T) {
	s := startServer(t, `
defaults: {interval: 1s, timeout: 1s}
hosts: [{name: "edge <1>", address: 127.0.0.1, checks: {packet_loss: {spacing: 0.05, baseline: 2}}}]
`)
	page := s.until("/host/edge%20%3C1%3E", "edge &lt;1&gt;", "packet_loss", "unknown<td><b>up</b>")
	if strings.Contains(page, "edge <1>") {
		t.Error("a name became markup")
	}
	for path, want := range map[string]int{"/host/nobody": 404, "/host/": 404} {
		if code, _ := s.get(path); code != want {
			t.Errorf("%s is answered with %d", path, code)
		}
	}
	if code, _ := s.fetch(s.pub.URL + "/host/edge%20%3C1%3E"); code != 404 {
		t.Errorf("the public is answered with %d", code)
	}
	if metrics := s.until("/metrics", "\nmilepost_history_size_bytes "); !regexp.MustCompile(`\nmilepost_history_size_bytes [1-9]`).MatchString(metrics) {
		t.Error("the history has no size")
	}
}
