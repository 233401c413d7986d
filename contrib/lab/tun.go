package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openTUN makes a device in the network of the calling thread. What its network
// sends out is read from it, a packet at a time; what is written arrives there.
func openTUN(name string) (*os.File, error) {
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
	return os.NewFile(uintptr(fd), control), nil
}
