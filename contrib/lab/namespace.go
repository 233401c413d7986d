package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"milepost/lib/crew"
)

// A namespace is a network without a name: it is there as long as somebody holds it
// open or runs in it. Nothing is left behind, not even by a lab that is killed.
type namespace struct{ file *os.File }

// ownSpace is the network of the calling thread.
const ownSpace = "/proc/thread-self/ns/net"

// newNamespace makes a network. The thread that does ends: nobody else ever runs in
// a network that he did not ask for.
func newNamespace() (*namespace, error) {
	n := &namespace{}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			if errors.Is(err, unix.EPERM) {
				return errNotRoot
			}
			return fmt.Errorf("making a network namespace: %w", err)
		}
		var err error
		n.file, err = os.Open(ownSpace)
		return err
	})
	return n, err
}

func (n *namespace) close() { _ = n.file.Close() }

// do runs f in the network. Goroutines that f starts are not in it; processes and
// sockets that f opens itself are.
func (n *namespace) do(f func() error) error {
	return onThread(func() error { return enter(n, f) })
}

// enter runs f in the network, where the calling thread stays: it is locked to its
// goroutine, and ends with it.
func enter(n *namespace, f func() error) error {
	if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering a network namespace: %w", err)
	}
	return f()
}

// onThread runs f on a thread that ends with it, and so takes along what f did to it.
func onThread(f func() error) error {
	var err error
	var one crew.Crew
	one.Go(func() {
		runtime.LockOSThread() // and never unlocked
		err = f()
	})
	one.Wait()
	return err
}

// ip runs commands of ip in the network.
func (n *namespace) ip(commands ...string) error {
	return n.do(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("configuring a network: %w: %s", err, strings.TrimSpace(said.String()))
		}
		return nil
	})
}
