package statusbar

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"milepost/lib/hoststate"
)

func TestKeptHostStatus(t *testing.T) {
	now := time.Date(2026, 9, 28, 12, 0, 0, 0, time.UTC)
	const whole = `{"valid_until": "2026-09-28T12:01:00Z", "components": [{"id": "a", "status": "up"}, {"id": "b", "status": "degraded"}, {"id": "c", "status": "down"}, {"id": "d", "status": "maintenance"}]}`
	const nothing = "a 3\nb 3\nc 3\nd 3\nnew_one 3\n"
	for _, row := range []struct {
		situation, kept string
		at              time.Duration
		want            string
	}{
		{"nothing was kept", "", 0, nothing},
		{"while the lease lasts", whole, 0, "a 0\nb 1\nc 2\nd 4\nnew_one 3\n"},
		{"after it", whole, 2 * time.Minute, nothing},
		{"cut off", whole[:40], 0, "reading status PATH: it is damaged: unexpected end of JSON input"},
		{"more than anybody kept", strings.Repeat(" ", keptLimit) + whole, 0, "reading status PATH: larger than 16777216 bytes"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			dir := t.TempDir()
			if row.kept != "" {
				if err := os.WriteFile(filepath.Join(dir, kept), []byte(row.kept), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := KeptHostStatus(dir, []string{"a", "b", "c", "d", "new one"}, now.Add(row.at))
			if err != nil {
				got = strings.Replace(err.Error(), strconv.Quote(filepath.Join(dir, kept)), "PATH", 1)
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestHostStatusFile(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	path, lease := filepath.Join(dir, "states"), hoststate.Lend(now, time.Minute)
	down := func(string) hoststate.Status { return hoststate.Down }
	hosts := []string{"a", "b"}
	var f HostStatusFile
	for _, row := range []struct {
		situation string
		after     time.Duration
		want      string
	}{
		{"while its lease lasts", 179 * time.Second, "a 2\nb 2\n"},
		{"after it", 181 * time.Second, "a 3\nb 3\n"},
	} {
		if err := f.Write(path, hosts, lease, down); err != nil {
			t.Fatal(err)
		}
		if err := f.Lapse(path, hosts, now.Add(row.after)); err != nil {
			t.Fatal(err)
		}
		if got := shellReads(path); got != row.want {
			t.Errorf("%s the file says %q, want %q", row.situation, got, row.want)
		}
	}
	other := filepath.Join(dir, "others")
	if err := f.Write(other, hosts, lease, nil); err != nil {
		t.Fatal(err)
	}
	if got := shellReads(path) + shellReads(other); got != "no file"+"a 3\nb 3\n" {
		t.Errorf("after the inventory named another file, both say %q", got)
	}
	if err := f.Write("", hosts, lease, down); err != nil {
		t.Fatal(err)
	}
	if got := shellReads(other); got != "no file" {
		t.Errorf("when the inventory names no file, the old one says %q", got)
	}
	// No name is longer, so that of the file which is to take its place would be too long.
	long := filepath.Join(dir, strings.Repeat("s", 255))
	if err := os.WriteFile(long, []byte("a 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("writing the states of hosts to %q: file name too long", long)
	if err := f.Write(long, hosts, lease, down); err == nil || err.Error() != want {
		t.Errorf("where nothing can be written: %v, want %s", err, want)
	}
	if got := shellReads(long); got != "no file" {
		t.Errorf("where nothing can be written, what was is left: %q", got)
	}
}

// shellReads is what stands in the file at path.
func shellReads(path string) string {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return "no file"
	}
	return string(text)
}
