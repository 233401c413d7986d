package statusbar

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An asker asks one server for one thing, over one connection, as lean as it can.
type asker struct {
	conn net.Conn
	in   *bufio.Reader
	ask  []byte
}

func newAsker(b *testing.B, s *httptest.Server) *asker {
	b.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	ask := "GET /status.json HTTP/1.1\r\nHost: status.example.net\r\nAccept-Encoding: gzip, deflate, br\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
	return &asker{conn, bufio.NewReaderSize(conn, 64<<10), []byte(ask)}
}

// once asks once, and returns how long the body was.
func (a *asker) once(b *testing.B) int {
	if _, err := a.conn.Write(a.ask); err != nil {
		b.Fatal(err)
	}
	length := 0
	for {
		line, err := a.in.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := strings.Cut(string(line), ": "); ok && name == "Content-Length" {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	n, err := io.CopyN(io.Discard, a.in, int64(length))
	if err != nil {
		b.Fatal(err)
	}
	return int(n)
}

// BenchmarkBesideNetHTTP serves the compressed status.json of 1,000 hosts, and the
// same bytes by the least handler there can be, in turns: ratio is requests a second
// of ours to those of that one, by the median request.
func BenchmarkBesideNetHTTP(b *testing.B) {
	now := time.Now()
	bar := New(config(), nil, now)
	bar.Publish(now, now, crowd(1000, 20, now), sees)
	packed := bar.current.Load().live.find("/status.json").packed.text
	ours := httptest.NewServer(bar.Public())
	defer ours.Close()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", strconv.Itoa(len(packed)))
		_, _ = w.Write(packed)
	}))
	defer bare.Close()
	askers := [2]*asker{newAsker(b, ours), newAsker(b, bare)}
	var took [2][]time.Duration
	const turn = 50
	for i := 0; b.Loop(); i++ {
		which := i / turn % 2
		began := time.Now()
		if n := askers[which].once(b); n != len(packed) {
			b.Fatal(fmt.Errorf("%d bytes came, not %d", n, len(packed)))
		}
		took[which] = append(took[which], time.Since(began))
	}
	if len(took[1]) > 0 {
		b.ReportMetric(float64(median(took[1]))/float64(median(took[0])), "ratio")
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkPage is the operator's page of 1,000 hosts, from a new round to the last
// compressed byte.
func BenchmarkPage(b *testing.B) {
	now := time.Now()
	bar := New(knowing(), nil, now)
	hosts := crowd(1000, 20, now)
	h := bar.Operator()
	for b.Loop() {
		bar.Publish(now, now, hosts, sees)
		get(h, "/", "Accept-Encoding", "gzip")
	}
}
