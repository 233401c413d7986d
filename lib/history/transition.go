package history

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// A Transition is a change of a host's state, with what it was decided by.
type Transition struct {
	ID       int64 // grows with time; 0 before it is on the disk
	Host     string
	Since    time.Time // when it became so: it may be dated back
	Told     time.Time // when it was published
	From, To hoststate.Status
	Reason   metric.Reason // "" if it is up
	Fault    metric.Fault
	Text     string // the worst check's sentence, for the operator alone
	Others   string // who else saw it how at that time, for the operator alone
}

const (
	recentKept      = 100 // in memory, of all hosts
	transitionsKept = 100 // on the disk, of each host
	longestText     = 200 // bytes
)

// Transition adds a change.
func (h *History) Transition(t Transition) {
	t.Text, t.Others = short(t.Text), short(t.Others)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.news = append(h.news, t)
	h.recent = append(h.recent, t)
	if over := len(h.recent) - recentKept; over > 0 {
		h.recent = slices.Delete(h.recent, 0, over)
	}
}

func short(text string) string {
	if len(text) > longestText {
		return strings.ToValidUTF8(text[:longestText], "") + "…"
	}
	return text
}

// Recent is the newest changes of all hosts, the newest first. It asks no disk.
func (h *History) Recent() []Transition {
	h.mu.Lock()
	defer h.mu.Unlock()
	recent := slices.Clone(h.recent)
	slices.Reverse(recent)
	return recent
}

// Transitions is the newest changes of the host, at most so many, the newest first: by
// when they happened, for what is back-dated is told later than what came after it.
func (h *History) Transitions(ctx context.Context, host string, most int) ([]Transition, error) {
	h.mu.Lock()
	var all []Transition
	for _, t := range slices.Backward(h.news) {
		if t.Host == host {
			all = append(all, t)
		}
	}
	db := h.db.Load()
	h.mu.Unlock()
	if db == nil {
		return inOrder(all, most), nil
	}
	old, err := readTransitions(ctx, db, "WHERE host.name = ? ORDER BY transition.id DESC LIMIT ?", host, most)
	if err != nil {
		return nil, h.explain(err)
	}
	return inOrder(append(all, old...), most), nil
}

// inOrder is the first so many of all, sorted by when they happened.
func inOrder(all []Transition, most int) []Transition {
	all = all[:min(len(all), most)]
	slices.SortStableFunc(all, func(a, b Transition) int { return b.Since.Compare(a.Since) })
	return all
}

// loadRecent reads what Recent tells.
func (h *History) loadRecent(ctx context.Context) error {
	recent, err := readTransitions(ctx, h.db.Load(), "ORDER BY transition.id DESC LIMIT ?", recentKept)
	slices.Reverse(recent)
	h.recent = recent
	return err
}

func readTransitions(ctx context.Context, db querier, where string, args ...any) ([]Transition, error) {
	var all []Transition
	err := eachIn(ctx, db, func(rows *sql.Rows) error {
		var t Transition
		var since, told int64
		var was, became string
		err := rows.Scan(&t.ID, &t.Host, &since, &told, &was, &became, &t.Reason, &t.Fault, &t.Text, &t.Others)
		t.Since, t.Told = time.Unix(since, 0).UTC(), time.Unix(told, 0).UTC()
		_ = t.From.UnmarshalText([]byte(was)) // a word that is none is Unknown
		_ = t.To.UnmarshalText([]byte(became))
		all = append(all, t)
		return err
	}, "SELECT transition.id, host.name, since, told, was, became, reason, fault, text, others FROM transition JOIN host ON host.id = transition.host "+where, args...)
	return all, err
}

func (h *History) insertNews(ctx context.Context, tx *sql.Tx, news []Transition) error {
	for _, t := range news {
		id, err := h.id(ctx, tx, t.Host)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO transition (host, since, told, was, became, reason, fault, text, others) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			id, t.Since.Unix(), t.Told.Unix(), t.From.String(), t.To.String(), string(t.Reason), string(t.Fault), t.Text, t.Others)
		if err != nil {
			return err
		}
	}
	return nil
}

// Last is what each host was at its newest change.
func (h *History) Last(ctx context.Context) (map[string]hoststate.Status, error) {
	last := map[string]hoststate.Status{}
	db := h.db.Load()
	if db == nil {
		return last, nil
	}
	all, err := readTransitions(ctx, db, "WHERE transition.id IN (SELECT max(id) FROM transition GROUP BY host)")
	if err != nil {
		return nil, h.explain(err)
	}
	for _, t := range all {
		last[t.Host] = t.To
	}
	return last, nil
}
