package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFaultsAreFoundTogether: what the reader refuses hides nothing of what the rest
// of the program would, and everything has its place.
func TestFaultsAreFoundTogether(t *testing.T) {
	const host = "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]\n"
	for _, tt := range []struct {
		situation, text string
		want            []string
	}{
		{"three faults of one section", host + "billing: {expose_users: maybe, pseudonym_key_file: /nope, access_log: '[bad'}\n", []string{
			`:2:25: billing: expose_users: "maybe" is neither true nor false`,
			`:2:32: billing: pseudonym_key_file: `,
			`:2:59: billing: access_log: "[bad" is no pattern of file names`,
		}},
		{"an empty file", "", []string{":1:1: neither hosts nor billing"}},
		{"nothing", "null\n", []string{":1:1: neither hosts nor billing"}},
		{"no hosts", "state_dir: /x\nhosts: []\n", []string{":2:1: neither hosts nor billing"}},
		{"the limits of a clock", "hosts: [{name: a, address: '::1', checks: {clock_offset: {source: ntp, warning: 60, critical: 5}}}]\n", []string{
			`:1:95: host "a": clock_offset: critical 5 alerts at all that warning 60 does, and at more, so that nothing could be a WARNING: are they swapped?`,
		}},
		{"the limits of all hosts, once", "defaults: {checks: {packet_loss: {warning: 20, critical: 5}}}\nhosts: [{name: a}, {name: b}]\n", []string{
			`:1:58: defaults: packet_loss: critical 5 alerts at all that warning 20 does`,
		}},
		{"half here and half there", "defaults: {checks: {packet_loss: {warning: 20, critical: 50}}}\nhosts: [{name: a, checks: {packet_loss: {critical: 5}}}, {name: b}]\n", []string{
			`:2:52: host "a": packet_loss: critical 5 alerts at all that warning 20 does`,
		}},
		{"of round trips", "hosts: [{name: a, address: '::1', checks: {packet_loss: {warning: 5, critical: 20, rtt_warning: 0.4, rtt_critical: 0.2}}}]\n", []string{
			`:1:116: host "a": packet_loss: critical 0.2 alerts at all that warning 0.4 does`,
		}},
	} {
		file := inventoryFile(t, tt.text)
		exit, out, faults := execute("check-config", file)
		if exit != 1 || out != "" || strings.Count(faults, file) != len(tt.want) {
			t.Errorf("%s: %d %q %s", tt.situation, exit, out, faults)
		}
		for _, want := range tt.want {
			if !strings.Contains(faults, file+want) {
				t.Errorf("%s: %s\nwant %s", tt.situation, faults, want)
			}
		}
	}
}

// TestNotes: what is no fault, and would surprise.
func TestNotes(t *testing.T) {
	dir := t.TempDir()
	log := dir + "/access.log"
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for situation, tt := range map[string]struct{ text, want string }{
		"equal limits are no fault":    {"hosts: [{name: a, address: '::1', checks: {clock_offset: {source: ntp, warning: 5, critical: 5}, packet_loss: {}}}]", "1 host, checks: 1 clock_offset, 1 packet_loss\n"},
		"a log that is there":          {"billing: {server: b, access_log: " + log + "}", `billing of "b": reads ` + log + " (native)\n"},
		"a log that is not":            {"billing: {access_log: " + dir + "/x*.log}", "note: billing.access_log: no file is called " + dir + "/x*.log here yet\n"},
		"more packets than are judged": {"defaults: {interval: 60s}\nhosts: [{name: a, address: '::1', checks: {packet_loss: {spacing: 0.02}}}, {name: b, address: '::1', checks: {packet_loss: {spacing: 0.06}}}]", "note: packet_loss of a: only the latest 1000 of a round's 3000 packets are judged and drawn: make the spacing longer"},
		"nobody can ever know":         {"hosts: [{name: a, address: '::1', checks: {clock_offset: {source: ntp}}}]", "note: a will be shown as unknown for ever: no check of theirs is in status.down (squid_auth), and"},
		"nobody to look for":           {"hosts: [{name: a, address: '::1', checks: {packet_loss: {}}}]", "note: references.ping names nobody: where this monitor's own route is dead, all hosts would look so"},
		"two to look for":              {"references: {ping: ['::1', '::2']}\nhosts: [{name: a, address: '::1', checks: {packet_loss: {}}}]", "note: references.ping has fewer than 3 entries (2): where those are down themselves"},
		"nowhere to publish":           {"hosts: [{name: a, address: '::1', checks: {packet_loss: {}}}]\nstatus: {publish_dir: " + dir + "/none}", `note: status.publish_dir: no directory "` + dir + `/none" is here`},
	} {
		exit, out, faults := execute("check-config", inventoryFile(t, tt.text))
		if exit != 0 || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %d %s%s\nwant %s", situation, exit, out, faults, tt.want)
		}
	}
}

// Three references are enough, and a fleet without hosts needs none.
func TestEnoughReferences(t *testing.T) {
	for _, text := range []string{"references: {ping: ['::1', '::2', '::3']}\nhosts: [{name: a, address: '::1', checks: {packet_loss: {}}}]", "billing: {access_log: /nowhere/x*.log}"} {
		if exit, out, _ := execute("check-config", inventoryFile(t, text)); exit != 0 || strings.Contains(out, "references.ping") {
			t.Errorf("%d %s", exit, out)
		}
	}
}

// TestALogOfAnotherFormat: what billing could not read is told before it is lost.
func TestALogOfAnotherFormat(t *testing.T) {
	const (
		native   = "1700000000.123    100 192.0.2.7 TCP_MISS/200 1000 GET http://example.net/ alice HIER_DIRECT/203.0.113.1 text/html\n"
		bill     = "1700000000.123    100 192.0.2.7 TCP_MISS/200 1000 300 GET alice 17 1700000000.023 http://example.net/\n"
		common   = `192.0.2.7 - alice [14/Nov/2023:22:13:20 +0000] "GET http://example.net/ HTTP/1.1" 200 1000 TCP_MISS:HIER_DIRECT` + "\n"
		combined = `192.0.2.7 - alice [14/Nov/2023:22:13:20 +0000] "GET http://example.net/ HTTP/1.1" 200 1000 "-" "curl/8" TCP_MISS:HIER_DIRECT` + "\n"
	)
	log := filepath.Join(t.TempDir(), "access.log")
	for _, tt := range []struct{ situation, lines, format, want string }{
		{"as it should be", bill, "bill", ""},
		{"nothing yet", "", "bill", ""},
		{"half a line", strings.TrimSpace(native), "bill", ""},
		{"one line that is torn", "x\n" + bill, "bill", ""},
		{"squid was not told", native + native, "bill", `warning: billing.format: none of the first 2 lines of "` + log + `" is of format bill: write format: native`},
		{"the inventory was not told", bill, "native", "of format native: write format: bill"},
		{"common", common, "native", "of format native: write format: common"},
		{"combined", combined, "native", "of format native: write format: combined"},
		{"something else", "hello\n", "native", `the first line of "` + log + `" is not of format native: write what squid.conf has after logformat into billing.format`},
	} {
		if err := os.WriteFile(log, []byte(tt.lines), 0o600); err != nil {
			t.Fatal(err)
		}
		exit, out, faults := execute("check-config", inventoryFile(t, "billing: {access_log: "+log+", format: "+tt.format+"}\n"))
		if exit != 0 || !strings.Contains(out, tt.want) || strings.Contains(out, "warning") != (tt.want != "") {
			t.Errorf("%s: %d %s%s\nwant %s", tt.situation, exit, out, faults, tt.want)
		}
	}
}

// TestSecretsInTheInventory: one that others may read is told where it stands.
func TestSecretsInTheInventory(t *testing.T) {
	file := inventoryFile(t, "hosts: [{name: a, address: '::1', checks: {clock_offset: {community: s3cret}}}]\n")
	for mode, want := range map[os.FileMode]string{0o600: "", 0o640: "", 0o644: "warning: " + file + ":1:59: clock_offset.community stands in this file, which others may read: run chmod o-rwx " + file} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		exit, out, _ := execute("check-config", file)
		if exit != 0 || !strings.Contains(out, want) || strings.Contains(out, "warning") != (want != "") || strings.Contains(out, "s3cret") {
			t.Errorf("%v: %d %s", mode, exit, out)
		}
	}
}

// TestAPipeThatSaysNothing: check-config of <(...) ends when it is told to.
func TestAPipeThatSaysNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	path := fmt.Sprintf("/proc/self/fd/%d", r.Fd())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if _, err := readUntil(ctx, configOption{ConfigFile: path}); err == nil || !strings.Contains(err.Error(), "interrupted") || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if _, err := w.WriteString("hosts: [{name: a, address: '::1', checks: {packet_loss: {}}}]"); err != nil {
		t.Fatal(err)
	}
}
