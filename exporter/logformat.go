package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"milepost/lib/accesslog"
)

// What is looked at of a log to tell whether billing can read it.
const (
	headBytes = 64 << 10
	headLines = 20
)

// formatNote says that none of the log's first lines is of the format, and which is; "" if
// one is, or there is nothing to tell it from.
func formatNote(path string, spec accesslog.Spec) string {
	lines := firstLines(path)
	if len(lines) == 0 || fits(lines, string(spec)) {
		return ""
	}
	what := fmt.Sprintf("none of the first %d lines of %q is", len(lines), path)
	if len(lines) == 1 {
		what = fmt.Sprintf("the first line of %q is not", path)
	}
	says := "write what squid.conf has after logformat into billing.format"
	// A looser format, which the lines of a stricter one fit too, comes after it.
	known := []string{"bill", "native", "combined", "common"}
	if i := slices.IndexFunc(known, func(name string) bool { return fits(lines, name) }); i >= 0 {
		says = "write format: " + known[i]
	}
	return fmt.Sprintf("warning: billing.format: %s of format %s: %s", what, spec, says)
}

// fits says that some line is of the format.
func fits(lines [][]byte, spec string) bool {
	format, err := accesslog.ParseFormat(spec)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(lines, func(record []byte) bool {
		var l accesslog.Line
		return format.Parse(record, &l) == accesslog.None
	})
}

// firstLines are some whole lines of a regular file that may be read; else none. Neither a
// link nor a FIFO is opened: others may write into the log's directory.
func firstLines(path string) [][]byte {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	head, err := io.ReadAll(io.LimitReader(f, headBytes))
	if err != nil {
		return nil
	}
	lines := bytes.Split(head, []byte{'\n'})
	return lines[:min(len(lines)-1, headLines)] // no newline ends the last
}
