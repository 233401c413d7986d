package ping

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"milepost/lib/keep"
	"milepost/lib/metric"
	"milepost/lib/promquery"
	"milepost/lib/secret"
)

// Learned is where a round finds out what is usually lost, if nobody says so.
type Learned struct {
	State      string      `placeholder:"FILE" help:"Learn what is usually lost of each host, from run to run, and keep it in this file."`
	Prometheus string      `placeholder:"URL" help:"Ask this Prometheus-compatible server what is usually lost; where it does not know, --state does."`
	Query      string      `name:"prometheus-query" placeholder:"QUERY" help:"What to ask it: a ratio from 0 to 1; $host is the host's name."`
	Headers    secret.File `name:"prometheus-headers-file" placeholder:"FILE" help:"File with headers to ask it with, one a line: Authorization: Bearer TOKEN."`
}

// defaultQuery is the baseline that an exporter has, else the loss that one has
// counted in a week.
const defaultQuery = `avg(milepost_ping_baseline_loss_ratio{host="$host"}) or ` +
	`sum(increase(milepost_ping_lost_total{host="$host"}[7d])) / sum(increase(milepost_ping_sent_total{host="$host"}[7d]))`

// askShare is the part of a run's time that Prometheus may take of it.
const askShare = 4

// baseline is what the packets of a round to t are held against. An error is why
// nobody knows, where somebody should: then they are held against nothing.
func (c Config) baseline(ctx context.Context, t metric.Target) (Usual, error) {
	usual := c.usual()
	if _, given := c.Baseline.Value(); given || c.limited() {
		usual.Unkept = c.unkept()
		return usual, nil
	}
	var unasked error
	if c.Prometheus != "" {
		loss, err := c.ask(ctx, t.Name)
		if err == nil {
			usual.Loss, usual.From, usual.assumed = 100*loss, "asked of Prometheus", false
			usual.chain.Loss, usual.chain.Repeat = loss, max(loss, c.Burst)
			return usual, nil
		}
		unasked = err
	}
	if c.State == "" {
		usual.Judged = unasked == nil
		return usual, unasked
	}
	usual = c.remembered(usual, t.Name)
	usual.Unkept = c.unkept()
	if unasked != nil {
		if usual.assumed {
			usual.Judged = false
			return usual, unasked
		}
		usual.From += "; " + unasked.Error()
	}
	return usual, nil
}

// ask asks Prometheus.
func (c Config) ask(ctx context.Context, host string) (float64, error) {
	limit := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline) / askShare
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	query := c.Query
	if query == "" {
		query = defaultQuery
	}
	name := strings.Trim(strconv.Quote(host), `"`) // PromQL quotes as Go does
	loss, err := promquery.Server{URL: c.Prometheus, Headers: string(c.Headers)}.Number(ctx, strings.ReplaceAll(query, "$host", name))
	if err == nil && !(loss >= 0 && loss < 1) {
		err = fmt.Errorf("asking Prometheus %q: its answer %v is no ratio from 0 to below 1", c.Prometheus, loss)
	}
	return loss, err
}

// remembered is usual as the file says, if it says enough.
func (c Config) remembered(usual Usual, host string) Usual {
	m, err := readMemory(c.State)
	if err != nil {
		usual.Absent = err.Error()
		return usual
	}
	r, known := m.hosts[host]
	if !known {
		usual.Absent = fmt.Sprintf("insufficient history: none of %d packets", enough)
		return usual
	}
	age, err := r.age(time.Now())
	if err != nil {
		usual.Absent = fmt.Sprintf("what %q says %v", c.State, err)
		return usual
	}
	spacing := time.Duration(r.Spacing * float64(time.Second))
	return usual.from(r.After(age), spacing, old(age))
}

// old is an age for people.
func old(age time.Duration) string {
	switch {
	case age < 2*time.Minute:
		return fmt.Sprintf("%.0f s", age.Seconds())
	case age < 2*time.Hour:
		return fmt.Sprintf("%.0f min", age.Minutes())
	case age < 48*time.Hour:
		return fmt.Sprintf("%.0f h", age.Hours())
	default:
		return fmt.Sprintf("%.0f days", age.Hours()/24)
	}
}

// unlikely is the chance below which a round is not learnt from, once enough is known.
const unlikely = 0.01

// unkept is why nothing can be learnt of this run, if it is so.
func (c Config) unkept() string {
	if c.State == "" {
		return ""
	}
	lock, err := c.lockFile()
	if err != nil {
		return fmt.Sprintf("nothing is learned: making %v", err)
	}
	defer lock.Close()
	if _, err := readFile(c.State); err != nil {
		return "nothing is learned"
	}
	return ""
}

func (c Config) lockFile() (*os.File, error) {
	path := c.State + ".lock"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, keep.Cause(err))
	}
	return f, nil
}

// alike is by how much the distances of packets may differ that are learnt from as one.
const alike = 0.25

// learn adds a round that is over to the file. One in which nothing came back, or
// that is not as usual, teaches nothing of what is.
func (c Config) learn(host string, r Result) error {
	n := len(r.Packets)
	k := n - len(r.RoundTrips())
	known := !r.Usual.assumed
	if n == 0 || k == n && n > 1 || known && r.Usual.chance(k, n) <= unlikely {
		return nil
	}
	if err := c.add(host, r); err != nil {
		return fmt.Errorf("keeping baselines in %w", err)
	}
	return nil
}

// add is for one run at a time: the others wait.
func (c Config) add(host string, result Result) error {
	lock, err := c.lockFile()
	if err != nil {
		return err
	}
	defer lock.Close() // which unlocks it
	if err := locked(lock); err != nil {
		return fmt.Errorf("%q: %w", lock.Name(), err)
	}
	m, err := readFile(c.State)
	if err != nil {
		return err
	}
	now := time.Now()
	r := m.hosts[host]
	age, err := r.age(now)
	if err != nil {
		return fmt.Errorf("%q: %w", c.State, err)
	}
	r.Record = r.After(age)
	if spacing := result.Plan.Spacing.Seconds(); math.Abs(r.Spacing/spacing-1) > alike {
		r = Remembered{Spacing: spacing} // packets at another distance are alike in another way
	}
	for i, p := range result.Packets {
		if i > 0 {
			r.Add(result.Packets[i-1].Lost, p.Lost)
		}
	}
	r.Updated = now.UTC().Truncate(time.Second)
	if m.hosts == nil {
		m.hosts = map[string]Remembered{}
	}
	m.hosts[host] = r
	return m.replace(c.State)
}

// Waiting for a lock.
const (
	lockTries = 20
	lockWait  = 10 * time.Millisecond
)

// locked locks f against other runs; it waits for them a moment.
func locked(f *os.File) error {
	for range lockTries {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		time.Sleep(lockWait)
	}
	return errors.New("another run holds it: what this one saw is not learnt")
}
