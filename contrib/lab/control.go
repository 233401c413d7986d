package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// A lab is a world with its towns, and what can be done to it while it runs.
type lab struct {
	*world
	towns map[string]*town // by ID; a city may have no servers
}

// An order is one thing that can be done.
type order struct {
	name, operands, about string
	least, most           int
	do                    func(l *lab, args []string) (string, error)
}

func orders() []order {
	return []order{
		{"loss", "CITY PERCENT", "what leaves the city is lost so often", 2, 2, setLoss},
		{"jitter", "CITY DURATION", "what leaves the city is late by as much in the mean", 2, 2, setJitter},
		{"cut", "CITY on|off", "the city is cut off", 2, 2, setCut},
		{"detour", "CITY CITY THROUGH|off", "packets between two cities go through a third", 3, 3, setDetour},
		{"clock", "CITY OFFSET", "its snmpd's clock is ahead by that: 30s, -2m, 0", 2, 2, setClock},
		{"hijack", "CITY on|off", "its resolver answers for names that do not exist", 2, 2, setHijack},
		{"show", "", "what the world is like", 0, 0, func(l *lab, _ []string) (string, error) { return l.show(), nil }},
		{"enter", "CITY", "", 1, 1, enterable},
	}
}

// obey does what a line says: "loss paris 20".
func (l *lab) obey(line string) (string, error) {
	words := strings.Fields(line)
	var known []string
	for _, o := range orders() {
		if len(words) > 0 && o.name == words[0] {
			if n := len(words) - 1; n < o.least || n > o.most {
				return "", fmt.Errorf("%s needs %s", o.name, o.operands)
			}
			return o.do(l, words[1:])
		}
		known = append(known, o.name)
	}
	return "", fmt.Errorf("%q is none of %s", line, strings.Join(known, ", "))
}

func setLoss(l *lab, args []string) (string, error) {
	c, err := l.city(args[0])
	if err != nil {
		return "", err
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(args[1], "%"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) {
		return "", fmt.Errorf("%q is no percentage from 0 to 100", args[1])
	}
	l.router.change(c, func(w *weather) { w.loss = percent / 100 })
	return fmt.Sprintf("%s loses %v %% of what leaves it", c.Name, percent), nil
}

func setJitter(l *lab, args []string) (string, error) {
	c, err := l.city(args[0])
	if err != nil {
		return "", err
	}
	d, err := time.ParseDuration(args[1])
	if err != nil || d < 0 || d > time.Minute {
		return "", fmt.Errorf("%q is no duration up to a minute, such as 5ms", args[1])
	}
	l.router.change(c, func(w *weather) { w.jitter = d })
	return fmt.Sprintf("what leaves %s is late by %v in the mean", c.Name, d), nil
}

func setCut(l *lab, args []string) (string, error) {
	c, err := l.city(args[0])
	if err != nil {
		return "", err
	}
	on, err := isOn(args[1])
	if err != nil {
		return "", err
	}
	l.router.change(c, func(w *weather) { w.cut = on })
	if on {
		return c.Name + " is cut off", nil
	}
	return c.Name + " is back", nil
}

func setDetour(l *lab, args []string) (string, error) {
	a, errA := l.city(args[0])
	b, errB := l.city(args[1])
	if err := errors.Join(errA, errB); err != nil {
		return "", err
	}
	if args[2] == "off" {
		l.router.detour(a, b, nil)
		return fmt.Sprintf("%s and %s are joined as they were published to be", a.Name, b.Name), nil
	}
	through, err := l.city(args[2])
	if err != nil {
		return "", err
	}
	if a == b || through == a || through == b {
		return "", errors.New("a detour is between two cities and through a third")
	}
	l.router.detour(a, b, through)
	return fmt.Sprintf("packets between %s and %s go through %s", a.Name, b.Name, through.Name), nil
}

func setClock(l *lab, args []string) (string, error) {
	c, err := l.city(args[0])
	if err != nil {
		return "", err
	}
	d, err := time.ParseDuration(args[1])
	if args[1] == "0" {
		d, err = 0, nil
	}
	if err != nil {
		return "", fmt.Errorf("%q is no offset, such as 30s or -2m", args[1])
	}
	return fmt.Sprintf("the clock of %s is ahead by %v", c.Name, d), c.clock.set(d)
}

func setHijack(l *lab, args []string) (string, error) {
	c, err := l.city(args[0])
	if err != nil {
		return "", err
	}
	t := l.towns[c.ID]
	if t == nil {
		return "", fmt.Errorf("%s has no resolver", c.Name)
	}
	on, err := isOn(args[1])
	if err != nil {
		return "", err
	}
	if on {
		return "the resolver of " + c.Name + " lies", t.setHijack(true)
	}
	return "the resolver of " + c.Name + " tells the truth", t.setHijack(false)
}

func isOn(s string) (bool, error) {
	if s != "on" && s != "off" {
		return false, fmt.Errorf("%q is neither on nor off", s)
	}
	return s == "on", nil
}

// enterable is how a process may enter the city: its network, and its resolv.conf.
func enterable(l *lab, args []string) (string, error) {
	c, err := l.city(args[0])
	if err != nil {
		return "", err
	}
	t := l.towns[c.ID]
	if t == nil {
		return "", fmt.Errorf("%s has no resolver", c.Name)
	}
	return fmt.Sprintf("/proc/%d/fd/%d %s %s", os.Getpid(), c.space.file.Fd(), c.ID, t.path("resolv.conf")), nil
}

// show is a line for each city.
func (l *lab) show() string {
	var b strings.Builder
	l.router.mu.Lock()
	defer l.router.mu.Unlock()
	for i, c := range l.cities {
		w := l.router.weather[i]
		fmt.Fprintf(&b, "%-10s %s", c.ID, c.Address)
		add := func(when bool, format string, args ...any) {
			if when {
				fmt.Fprintf(&b, ", "+format, args...)
			}
		}
		add(w.cut, "cut off")
		add(w.loss > 0, "loses %v %%", w.loss*100)
		add(w.jitter > 0, "late by %v in the mean", w.jitter)
		add(c.hijack, "its resolver lies")
		c.clock.mu.Lock()
		add(c.clock.offset != 0, "its clock is ahead by %v", c.clock.offset)
		c.clock.mu.Unlock()
		if t := l.towns[c.ID]; t != nil {
			for _, r := range t.servers {
				if err := r.ended(); err != nil {
					add(true, "%v", err)
				}
			}
		}
		b.WriteByte('\n')
	}
	for pair, c := range l.router.via {
		fmt.Fprintf(&b, "%s and %s are joined through %s\n", l.cities[pair[0]].ID, l.cities[pair[1]].ID, l.cities[c].ID)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// socket is where a lab that runs takes orders. Only root may give them.
const socket = "/run/milepost-lab.socket"

// listen takes orders at the socket until ctx ends, one line a connection.
func (l *lab) listen(ctx context.Context, path string) error {
	if conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path); err == nil {
		_ = conn.Close()
		return errors.New("a lab runs already: end it first")
	}
	_ = os.Remove(path) // what a lab that was killed left behind
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("listening for orders: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = listener.Close()
		return fmt.Errorf("listening for orders: %w", err)
	}
	l.crew.Go(func() {
		<-ctx.Done()
		_ = listener.Close()
	})
	l.crew.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it is closed
			}
			l.crew.Go(func() { l.serve(conn) })
		}
	})
	return nil
}

// orderPatience is how long an order may take to come, or to be answered.
const orderPatience = 10 * time.Second

// serve answers one order: "ok" or "no", and the text.
func (l *lab) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(orderPatience))
	line, err := bufio.NewReaderSize(conn, 4096).ReadSlice('\n')
	if err != nil {
		return
	}
	text, err := l.obey(string(line))
	if err != nil {
		fmt.Fprintf(conn, "no\n%v\n", err)
		return
	}
	fmt.Fprintf(conn, "ok\n%s\n", text)
}

// give gives an order to the lab that runs.
func give(ctx context.Context, path string, words []string) (string, error) {
	conn, err := (&net.Dialer{Timeout: orderPatience}).DialContext(ctx, "unix", path)
	if err != nil {
		return "", fmt.Errorf("reaching the lab: %w: is it running (make lab), and are you root?", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(orderPatience))
	fmt.Fprintln(conn, strings.Join(words, " "))
	var answer strings.Builder
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		answer.WriteString(lines.Text() + "\n")
	}
	said, text, _ := strings.Cut(answer.String(), "\n")
	text = strings.TrimSuffix(text, "\n")
	if said != "ok" {
		return "", errors.New(text)
	}
	return text, nil
}
