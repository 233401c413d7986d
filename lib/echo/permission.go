package echo

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ErrForbidden is that this process may open no socket for ICMP.
var ErrForbidden = errors.New("no permission for ICMP")

// forbidden is ErrForbidden with what mends it.
func forbidden() error { return fmt.Errorf("%w: run %s", ErrForbidden, Mend()) }

// Mend is the command that gives this program the permission to ping, and the one
// that gives it to everybody. Permitted is enough of a capability (=p): it is raised
// only while a socket is opened.
func Mend() string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return fmt.Sprintf("setcap cap_net_raw=p %q, or sysctl -w net.ipv4.ping_group_range='0 2147483647'", self)
}

// Permission is over what this process may ping, or why it may not.
func Permission() (over string, err error) {
	s, err := open(false)
	if err != nil {
		return "", err
	}
	defer s.close()
	if s.raw {
		return "raw sockets", nil
	}
	return "unprivileged sockets, by net.ipv4.ping_group_range", nil
}

// withRaw calls do with cap_net_raw in effect if this process is permitted to have it.
func withRaw(do func()) {
	runtime.LockOSThread() // capabilities are a thread's
	defer runtime.UnlockOSThread()
	defer raise()()
	do()
}

// raise puts a permitted cap_net_raw into effect for this thread. lower takes it
// back; it does nothing where it was in effect before, or is not permitted.
func raise() (lower func()) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	const bit = 1 << unix.CAP_NET_RAW
	nothing := func() {}
	if unix.Capget(&header, &data[0]) != nil || data[0].Permitted&bit == 0 || data[0].Effective&bit != 0 {
		return nothing
	}
	before := data
	data[0].Effective |= bit
	if unix.Capset(&header, &data[0]) != nil {
		return nothing
	}
	return func() { _ = unix.Capset(&header, &before[0]) } // to lower is always allowed
}
