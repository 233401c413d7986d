package main

import (
	"os"
	"runtime/debug"
)

// thrifty has the collector of garbage come at half as much of it: most of what a
// monitor holds stays for long, so that costs little, and a fleet takes less memory.
// Whoever has set GOGC knows better.
func thrifty() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}
