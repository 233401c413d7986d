package squidauth_test

import (
	"flag"
	"testing"
)

// TestMain lets many tests run at once: they wait for silent peers, most of them.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	m.Run()
}
