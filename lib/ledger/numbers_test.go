package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"milepost/lib/peers"
)

// A real squid's numbers have no gaps, whether its log is rotated or it starts
// again; a record that is taken out leaves one.
func TestRealNumbers(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer origin.Close()
	log := filepath.Join(peers.Dir(t), "bill.log")
	if err := os.Chmod(filepath.Dir(log), 0o777); err != nil {
		t.Fatal(err)
	}
	squid := peers.StartSquid(t, peers.Squid{
		Users: map[string]string{"alice": "wonder", "bob": "builder"},
		Conf: "logformat bill %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %>st %rm %#un %sn %tS %ru\n" +
			"access_log stdio:" + log + " bill !peers_ready",
	})
	c := config(t.TempDir())
	c.Format, c.Globs = "bill", []string{log}
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := rand.New(rand.NewPCG(9, 9))
	for _, between := range []func(){
		func() {
			if err := os.Rename(log, log+".1"); err != nil {
				t.Fatal(err)
			}
			squid.Rotate()
		},
		func() { squid.Stop(); squid.Start() },
		func() {},
	} {
		before := len(squid.Lines(0))
		load(r, squid.Addr, origin.URL)
		squid.Lines(before + 20)
		drain(t, l)
		between()
		drain(t, l)
	}
	count := func() string {
		var all []string
		_, holes, err := Usage(t.Context(), c.Path, Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range holes {
			all = append(all, fmt.Sprintf("%d %s", h.Count, h.Kind))
		}
		return strings.Join(all, ", ")
	}
	if got := count(); got != "" {
		t.Errorf("%s", got)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	records := bytes.SplitAfter(bytes.TrimSpace(text), []byte("\n"))
	if len(records) < 10 {
		t.Fatalf("%d records", len(records))
	}
	c.Path = filepath.Join(t.TempDir(), "other.db")
	c.Globs = []string{filepath.Join(t.TempDir(), "bill.log")}
	write(t, c.Globs[0], string(bytes.Join(append(records[:4:4], records[6:]...), nil))+"\n")
	defer follow(t, c).Close()
	if got := count(); got != "2 missing" {
		t.Errorf("without two records: %q", got)
	}
}
