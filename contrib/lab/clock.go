package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A clock is what a city's snmpd tells the time by: the machine's, and an offset. A
// namespace has no wall clock of its own, so its snmpd has to lie.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
	file   string // where the offset is for tellTime; "" = nobody asks
}

// set makes it wrong by so much.
func (c *clock) set(offset time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
	if c.file == "" {
		return nil
	}
	return os.WriteFile(c.file, []byte(strconv.FormatInt(int64(offset), 10)), 0o644)
}

// clockBase is where the time is in snmpd's tree: net-snmp's own playground. The time
// itself, in seconds since 1970, is at clockBase.0.
const clockBase = ".1.3.6.1.4.1.8072.9999.9999.1"

// tellTime answers snmpd's questions (snmpd.conf(5), pass_persist) until it has no
// more, with the time and the offset in the file.
func tellTime(file string, questions io.Reader, answers io.Writer) error {
	lines := bufio.NewScanner(questions)
	next := func() string {
		lines.Scan()
		return strings.TrimSpace(lines.Text())
	}
	for lines.Scan() {
		answer := "NONE"
		switch strings.TrimSpace(lines.Text()) {
		case "PING":
			answer = "PONG"
		case "get":
			if next() == clockBase+".0" {
				answer = timeNow(file)
			}
		case "getnext":
			if next() == clockBase {
				answer = timeNow(file)
			}
		case "set":
			next()
			next()
			answer = "not-writable"
		}
		if _, err := fmt.Fprintln(answers, answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func timeNow(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "NONE"
	}
	offset, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return "NONE"
	}
	return fmt.Sprintf("%s.0\ngauge\n%d", clockBase, time.Now().Add(time.Duration(offset)).Unix())
}
