package accesslog_test

import (
	"bytes"
	"fmt"
	"testing"

	"milepost/lib/accesslog"
)

// BenchmarkParse is records in memory to fields, one core.
func BenchmarkParse(b *testing.B) {
	var log []byte
	for i := range 10_000 {
		log = fmt.Appendf(log, "%d.%03d %6d 192.0.2.%d TCP_MISS/200 %d GET http://www.example.com/path/to/some/object-%d.html?id=%d user%05d HIER_DIRECT/198.51.100.%d text/html\n",
			1795426814+i/10, i%1000, i%900, i%250, 300+i*7, i, i*i, i%1000, i%200)
	}
	f := accesslog.Native()
	var l accesslog.Line
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := log; len(rest) > 0; {
			n := bytes.IndexByte(rest, '\n')
			if flaw := f.Parse(rest[:n], &l); flaw != accesslog.None {
				b.Fatal(flaw)
			}
			rest = rest[n+1:]
		}
	}
}
