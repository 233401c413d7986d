package statusbar

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/crew"
)

func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.PublishDir = t.TempDir()
		early := New(c, nil, time.Now())
		if err := early.Deliver(); err != nil {
			t.Fatal(err)
		}
		if files, _ := os.ReadDir(c.PublishDir); len(files) != 0 {
			t.Errorf("before anything was measured there are %v", files)
		}
		b := published(c)
		if err := b.Deliver(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"status.json.gz", "status.html", "bar.svg", "status.json"} {
			info, err := os.Stat(filepath.Join(c.PublishDir, name))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o644 || !info.ModTime().Equal(time.Now()) {
				t.Errorf("%s is %s, of %s", name, info.Mode(), info.ModTime())
			}
			got = append(got, name)
		}
		files, _ := os.ReadDir(c.PublishDir)
		if len(files) != len(got) {
			t.Errorf("there are %v", files)
		}
		if file := read1(t, c.PublishDir, "status.json"); string(file) != text(t, get(b.Public(), "/status.json")) {
			t.Error("status.json is another than the one that is served")
		}
		page := string(read1(t, c.PublishDir, "status.html"))
		for _, want := range []string{`data-until="2000-01-01T00:03:41Z"`, `<meta http-equiv="refresh" content="30">`, `http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; connect-src &#39;self&#39;; script-src &#39;sha256-`, "degraded"} {
			if !strings.Contains(page, want) {
				t.Errorf("status.html has no %s:\n%s", want, page)
			}
		}
		picture := string(read1(t, c.PublishDir, "bar.svg"))
		for _, want := range []string{"degraded: 1 of 6 proxies working, 1 under maintenance, 2 unknown, as of 1 Jan 00:00 UTC", "animation:f 1s "} {
			if !strings.Contains(picture, want) {
				t.Errorf("bar.svg has no %s:\n%s", want, picture)
			}
		}
		time.Sleep(time.Hour)
		before := read1(t, c.PublishDir, "status.json")
		if err := b.Deliver(); err != nil || !bytes.Equal(before, read1(t, c.PublishDir, "status.json")) {
			t.Errorf("after its lease a snapshot is renewed: %v", err)
		}
		c.PublishDir = filepath.Join(c.PublishDir, "gone")
		b.Reconfigure(c)
		if err := b.Deliver(); err == nil || !strings.HasSuffix(err.Error(), `gone/status.json.gz": no such file or directory`) {
			t.Errorf("got %v", err)
		}
	})
}

func read1(t *testing.T, dir, name string) []byte {
	t.Helper()
	all, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDeliverWhileSomebodyReads reads the files all the time while they are renewed:
// each is whole, and what stands beside a status.json is never older than it.
func TestDeliverWhileSomebodyReads(t *testing.T) {
	c := config()
	c.PublishDir = t.TempDir()
	now := time.Now()
	b := New(c, nil, now)
	renew := func(i int) {
		at := now.Add(time.Duration(i) * time.Second)
		b.Publish(at, at, crowd(50, i%50, at), sees)
		if err := b.Deliver(); err != nil {
			t.Error(err)
		}
	}
	renew(1)
	var over atomic.Bool
	var reader crew.Crew
	reads := 0
	reader.Go(func() {
		for last := int64(0); !over.Load(); reads++ {
			var plain, packed struct{ Seq int64 }
			if err := json.Unmarshal(read1(t, c.PublishDir, "status.json"), &plain); err != nil || plain.Seq < last {
				t.Errorf("status.json is not whole, or older than before: %v", err)
			}
			last = plain.Seq
			unpacked, err := gzip.NewReader(bytes.NewReader(read1(t, c.PublishDir, "status.json.gz")))
			if err != nil {
				t.Error(err)
				continue
			}
			text, err := io.ReadAll(unpacked)
			if err != nil || json.Unmarshal(text, &packed) != nil || packed.Seq < plain.Seq {
				t.Errorf("status.json.gz is not whole, or older than status.json: %v, %d after %d", err, packed.Seq, plain.Seq)
			}
			if page := read1(t, c.PublishDir, "status.html"); !bytes.HasSuffix(page, []byte("</html>\n")) {
				t.Error("status.html is not whole")
			}
			if picture := read1(t, c.PublishDir, "bar.svg"); !bytes.HasSuffix(picture, []byte("</svg>\n")) {
				t.Error("bar.svg is not whole")
			}
		}
	})
	for i := range 40 {
		renew(i + 2)
	}
	over.Store(true)
	reader.Wait()
	if reads == 0 {
		t.Error("nobody read anything")
	}
}
