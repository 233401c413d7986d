package peers_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// asChild makes the test below start servers, say where they are, and wait to be killed.
const asChild = "PEERS_TEST_WAITS_TO_BE_KILLED"

func TestRealServersDoNotOutliveAKilledTest(t *testing.T) {
	if os.Getenv(asChild) != "" {
		addrs := []string{
			peers.StartSquid(t, peers.Squid{}).Addr,
			peers.StartSnmpd(t, peers.Snmpd{}).Addr,
			peers.StartUnbound(t, "").Addr,
			peers.StartChrony(t, peers.Chrony{}).Addr,
			peers.StartNRPE(t, nil).Addr,
		}
		fmt.Println("addresses", strings.Join(addrs, " "))
		<-t.Context().Done()
		return
	}
	for _, name := range []string{"squid", "snmpd", "unbound", "chronyd", "nrpe", "check_nrpe"} {
		peers.Program(t, name)
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	// What the child cannot remove is removed with this test.
	child.Env = append(os.Environ(), asChild+"=1", "TMPDIR="+peers.Dir(t))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = child.Process.Kill() })
	defer timer.Stop()
	var addrs []string
	lines := bufio.NewScanner(out)
	for len(addrs) == 0 && lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "addresses "); ok {
			addrs = strings.Fields(text)
		}
	}
	_ = child.Process.Kill()
	_ = child.Wait() // killed
	if len(addrs) != 5 {
		t.Fatalf("the child said that it started %d servers, want 5", len(addrs))
	}
	for _, addr := range addrs {
		for deadline := time.Now().Add(10 * time.Second); listening(addr); <-time.After(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the server at %s outlived its test", addr)
			}
		}
	}
}

// listening says that something has the TCP or the UDP port of addr.
func listening(addr string) bool {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return true
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return true
	}
	defer udp.Close()
	return false
}
