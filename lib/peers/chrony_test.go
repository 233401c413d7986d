package peers_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beevik/ntp"

	"milepost/lib/peers"
)

func port(n int) string { return strconv.Itoa(n) }

func TestRealChronyServesThisMachinesTime(t *testing.T) {
	c := peers.StartChrony(t, peers.Chrony{})
	answer, err := ntp.QueryWithOptions(c.Addr, ntp.QueryOptions{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Validate(); err != nil {
		t.Fatal(err)
	}
	if answer.Stratum != 1 || answer.ClockOffset.Abs() > time.Second {
		t.Fatalf("stratum %d, offset %s, want stratum 1 and this machine's time", answer.Stratum, answer.ClockOffset)
	}
}

func TestRealChronySaysThatItHasNoSource(t *testing.T) {
	c := peers.StartChrony(t, peers.Chrony{Unsynchronised: true})
	answer, err := ntp.QueryWithOptions(c.Addr, ntp.QueryOptions{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Leap != ntp.LeapNotInSync {
		t.Fatalf("leap indicator %d, want %d", answer.Leap, ntp.LeapNotInSync)
	}
}

func TestRealChronyAnswersChronyc(t *testing.T) {
	c := peers.StartChrony(t, peers.Chrony{})
	host, port, _ := strings.Cut(c.Command, ":")
	for way, args := range map[string][]string{
		"by UDP":        {"-h", host, "-p", port, "-c", "tracking"},
		"by its socket": {"-h", c.Socket, "-c", "tracking"},
	} {
		t.Run(way, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			said, err := exec.CommandContext(ctx, peers.Program(t, "chronyc"), args...).CombinedOutput()
			if err != nil || !strings.Contains(string(said), ",1,") {
				t.Fatalf("chronyc said %q, %v", said, err)
			}
		})
	}
}
