package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A place is where a program of a city runs: with the city's name for a host name, and
// with the city's resolver in /etc/resolv.conf, in namespaces of its own. The city's
// /etc/hostname is the file hostname beside that.
type place struct {
	city     *city
	resolver string // the file that its /etc/resolv.conf is
	as       string // the user; "" = root
}

// namespaces are those of each program, beside its city's network.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUTS

// arguments are a command line of this program that becomes program in p.
func (p place) arguments(program ...string) []string {
	return append([]string{"inside", p.city.ID, p.resolver, p.as, "--"}, program...)
}

// inside is what the process does that becomes a program of a city: it has its
// namespaces already, and nobody else in them.
func inside(args []string) error {
	if len(args) < 5 || args[3] != "--" {
		return errors.New("inside HOSTNAME RESOLV-CONF USER -- PROGRAM ARGUMENTS")
	}
	hostname, resolver, as, program := args[0], args[1], args[2], args[4:]
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("setting host name: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("leaving the machine's mounts alone: %w", err)
	}
	for at, file := range map[string]string{"/etc/resolv.conf": resolver, "/etc/hostname": filepath.Join(filepath.Dir(resolver), "hostname")} {
		if err := unix.Mount(file, at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", at, err)
		}
	}
	// Squids share memory by name, and all are called squid.
	if err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=16m"); err != nil {
		return fmt.Errorf("mounting shared memory of its own: %w", err)
	}
	if as != "" {
		if err := become(as); err != nil {
			return err
		}
	}
	// Who changes his user forgets to end with his parent.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("asking to end with the lab: %w", err)
	}
	return syscall.Exec(program[0], program, os.Environ())
}

// become gives up root for a user.
func become(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	if err := errors.Join(errUID, errGID); err != nil {
		return fmt.Errorf("reading the ids of user %q: %w", name, err)
	}
	return errors.Join(syscall.Setgroups([]int{gid}), syscall.Setgid(gid), syscall.Setuid(uid))
}
