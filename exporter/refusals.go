package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"milepost/lib/check"
	"milepost/lib/keep"
)

// refusalsFile is when each proxy last refused a wrong password, in the state
// directory. A restart must not try one more: accounts are locked for that.
const refusalsFile = "refusals.json"

const largestRefusals = 16 << 20 // bytes

// refusals is what proxies said to wrong passwords.
type refusals struct {
	*wrongLogins
	path string // "" = nothing is kept
	log  *slog.Logger
	due  publisher
	lost complaint // why nothing is kept
}

// openRefusals remembers what the process before this one knew.
func openRefusals(dir string, log *slog.Logger) *refusals {
	r := &refusals{
		wrongLogins: &wrongLogins{}, path: filepath.Join(dir, refusalsFile), log: log, due: newPublisher(),
		lost: complaint{what: "when wrong passwords were tried is not kept over a restart"},
	}
	text, err := keep.ReadOwn(r.path, largestRefusals)
	if err == nil {
		err = r.UnmarshalText(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.setAside(err)
	}
	r.Changed = r.due.soon
	return r
}

// setAside moves a file that cannot be read, be it another version's, out of the way of
// the next save. Where that cannot be done, nothing is saved.
func (r *refusals) setAside(why error) {
	aside := fmt.Sprintf("%s.unread-%s", r.path, time.Now().UTC().Format("20060102T150405Z"))
	if err := os.Rename(r.path, aside); err != nil {
		r.log.Warn("when wrong passwords were tried last is forgotten, and not kept over a restart: the file is left as it is",
			"file", r.path, "why", errors.Join(why, keep.Cause(err)))
		r.path = ""
		return
	}
	r.log.Warn("when wrong passwords were tried last is forgotten: the file was set aside", "file", aside, "why", why)
}

// remembered is c with what proxies said to wrong passwords, if it tries any.
func (r *refusals) remembered(c check.Check) check.Check {
	if !isProxy(c) {
		return c
	}
	with, err := c.With(remembering(r.wrongLogins))
	if err != nil {
		return c // what was valid without is valid with a memory
	}
	return with
}

// run keeps what is new until ctx ends, and then once more.
func (r *refusals) run(ctx context.Context) {
	r.due.run(ctx, r.save)
	r.save(time.Now())
}

func (r *refusals) save(time.Time) {
	if r.path == "" {
		return
	}
	text, err := r.MarshalText()
	if err == nil {
		err = keep.Replace(r.path, append(text, '\n'), 0o600)
	}
	r.lost.take(r.log, err)
}
