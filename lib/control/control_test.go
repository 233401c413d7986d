package control

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/crew"
)

// running is a served socket in a directory of its own.
func running(t *testing.T, h http.HandlerFunc) (dir string) {
	t.Helper()
	dir = t.TempDir()
	l, err := Listen(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var serving crew.Crew
	serving.Go(func() {
		if err := Serve(ctx, l, h); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); serving.Wait() })
	return dir
}

func TestAskAndFollow(t *testing.T) {
	dir := running(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			b := new(bytes.Buffer)
			_, _ = b.ReadFrom(r.Body)
			_, _ = w.Write(b.Bytes())
		case "/text":
			_, _ = w.Write([]byte("line 1 " + r.URL.Query().Get("host") + "\n"))
		default:
			http.Error(w, `no host "x" in the inventory`, http.StatusNotFound)
		}
	})
	if info, err := os.Stat(Path(dir)); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v %v: owner and group only", info.Mode(), err)
	}
	c := NewClient(dir)
	var answer map[string]string
	if err := c.Ask(t.Context(), http.MethodPost, "/echo", nil, map[string]string{"a": "b"}, &answer); err != nil || answer["a"] != "b" {
		t.Errorf("%v %v", answer, err)
	}
	var out bytes.Buffer
	if err := c.Follow(t.Context(), http.MethodGet, "/text", url.Values{"host": {"fra-1"}}, &out); err != nil || out.String() != "line 1 fra-1\n" {
		t.Errorf("%q %v", out.String(), err)
	}
	if err := c.Ask(t.Context(), http.MethodGet, "/x", nil, nil, &answer); err == nil || err.Error() != `no host "x" in the inventory` {
		t.Errorf("a refusal: %v", err)
	}
	if err := c.Ask(t.Context(), http.MethodGet, "/text", nil, nil, &answer); err == nil || !strings.Contains(err.Error(), "reading the answer of socket") {
		t.Errorf("an answer that is no JSON: %v", err)
	}
}

// An exporter that hangs is not waited for without an end.
func TestNoAnswer(t *testing.T) {
	dir := running(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := NewClient(dir)
	c.patience = 20 * time.Millisecond
	err := c.Ask(t.Context(), http.MethodPost, "/reload", nil, nil, &map[string]string{})
	if err == nil || !strings.Contains(err.Error(), Path(dir)+`": no answer within 20ms: see the exporter's log`) {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	dir := t.TempDir()
	err := NewClient(dir).Ask(t.Context(), http.MethodGet, "/", nil, nil, nil)
	var absent *Absent
	if !errors.As(err, &absent) || !strings.Contains(err.Error(), "nobody answers: does milepost-exporter run, with this state directory?") {
		t.Error(err)
	}
}

func TestListen(t *testing.T) {
	nothing := func(http.ResponseWriter, *http.Request) {}
	t.Run("another answers", func(t *testing.T) {
		_, err := Listen(t.Context(), running(t, nothing))
		if err == nil || !strings.Contains(err.Error(), "another milepost-exporter answers there") {
			t.Error(err)
		}
	})
	t.Run("one was left behind", func(t *testing.T) {
		dir := t.TempDir()
		left, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", Path(dir))
		if err != nil {
			t.Fatal(err)
		}
		left.(*net.UnixListener).SetUnlinkOnClose(false)
		_ = left.Close()
		l, err := Listen(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	})
	t.Run("something else is there", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(Path(dir), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "no socket: remove it") {
			t.Error(err)
		}
	})
	t.Run("the path is too long", func(t *testing.T) {
		if _, err := Listen(t.Context(), filepath.Join(t.TempDir(), strings.Repeat("x", 110))); err == nil || !strings.Contains(err.Error(), "choose a shorter state_dir") {
			t.Error(err)
		}
	})
}
