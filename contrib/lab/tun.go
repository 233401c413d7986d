package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A tun is a network device. What its network sends out is read from it, a packet at
// a time; what is written arrives there.
//
// It is used by system calls that block, on threads of their own: through the
// runtime's poller, a packet would wait for two threads instead of one.
type tun struct{ fd int }

// openTUN makes a device in the network of the calling thread.
func openTUN(name string) (*tun, error) {
	const control = "/dev/net/tun"
	fd, err := unix.Open(control, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w: load the module with modprobe tun", control, err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("making a TUN device: %w", err)
	}
	return &tun{fd}, nil
}

// readPatience is how long a read waits: how soon the end of the world is noticed.
const readPatience = 100 * time.Millisecond

// read is the next packet's length; 0 if none came in time.
func (t *tun) read(buffer []byte) (int, error) {
	if !poll(t.fd, readPatience) {
		return 0, nil
	}
	n, err := unix.Read(t.fd, buffer)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return n, err
}

func (t *tun) write(packet []byte) { _, _ = unix.Write(t.fd, packet) }

func (t *tun) close() { _ = unix.Close(t.fd) }

// poll waits for something to read, and says whether there is.
func poll(fd int, patience time.Duration) bool {
	limit := unix.NsecToTimespec(int64(max(patience, 0)))
	n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &limit, nil)
	return err == nil && n > 0
}

// An alarm wakes one who waits. Its kernel object ends with the process.
type alarm struct{ fd int }

// newAlarm is one that does not ring; where there are no files left, it never does,
// and who waits looks around by himself.
func newAlarm() alarm {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return alarm{-1}
	}
	return alarm{fd}
}

func (a alarm) ring() { _, _ = unix.Write(a.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// wait returns when the alarm rings, or after that time.
func (a alarm) wait(most time.Duration) {
	var count [8]byte
	if poll(a.fd, min(most, readPatience)) {
		_, _ = unix.Read(a.fd, count[:])
	}
}

func (a alarm) close() { _ = unix.Close(a.fd) }
