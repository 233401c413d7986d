package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ahead is how much sooner than others' the router's turn comes (setpriority(2)): a
// packet that is due and waits for the processor makes the world larger.
const ahead = -15

// hurry gives this process's threads their turn first. Threads that come later have
// it of those that make them. Without the right to it, the world is a little larger.
func hurry() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, tid, ahead)
		}
	}
}
