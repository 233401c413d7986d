package main

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"milepost/lib/fleet"
)

// reload reads the inventory again. A fault leaves everything as it was.
func (m *monitor) reload() error {
	err := m.tryReload()
	m.mu.Lock()
	m.reloadOK = err == nil
	if err == nil {
		m.reloaded = time.Now()
	}
	m.mu.Unlock()
	if err != nil {
		m.log.Error("the inventory was not reloaded: what ran goes on", "why", err)
	} else {
		m.log.Info("the inventory was reloaded")
	}
	return err
}

func (m *monitor) tryReload() error {
	f, err := m.flags.load(served())
	if err != nil {
		return err
	}
	if err := needsRestart(m.watching(), f); err != nil {
		return err
	}
	checker, err := m.newChecker(f)
	if err != nil {
		return err
	}
	checker.Inherit(m.check())
	m.mu.Lock()
	m.checker = checker
	close(m.renewed)
	m.renewed = make(chan struct{})
	m.mu.Unlock()
	m.bar.Reconfigure(m.barConfig(f, m.stateDir))
	m.adopt(f)
	m.news.soon()
	return nil
}

// needsRestart refuses an inventory that changes what a reload cannot: what runs is always
// one file, whole, and never parts of two.
func needsRestart(was, is *fleet.Fleet) error {
	var all []error
	for key, same := range map[string]bool{
		"billing":           reflect.DeepEqual(was.Billing, is.Billing),
		"state_dir":         was.StateDir == is.StateDir,
		"defaults.interval": was.Interval == is.Interval,
		"status.prometheus": was.Status.Prometheus == is.Status.Prometheus,
	} {
		if !same {
			all = append(all, is.Fault(key, "%s has changed, which takes a restart: nothing of this file is in force until then", key))
		}
	}
	return fleet.Join(all)
}

// reloads reads the inventory again on SIGHUP and when somebody posts so.
func (m *monitor) reloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.hangup:
			_ = m.reload() // it is logged, and in the metrics
		case answer := <-m.reloadAsked:
			answer <- m.reload()
		}
	}
}

// reloadOverHTTP is POST (or PUT, as in Prometheus) /-/reload, where it is switched on.
func (m *monitor) reloadOverHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "only POST and PUT requests reload", http.StatusMethodNotAllowed)
		return
	case !m.flags.EnableReload:
		http.Error(w, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	if err := m.reloadFor(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// reloadFor reloads for somebody who waits for it.
func (m *monitor) reloadFor(ctx context.Context) error {
	told := make(chan error, 1)
	select {
	case m.reloadAsked <- told:
	case <-ctx.Done():
		return fmt.Errorf("waiting for a reload before this one: %w", context.Cause(ctx))
	}
	select {
	case err := <-told:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the reload: %w", context.Cause(ctx))
	}
}

// reloadOverSocket is the command's other end. Whoever may open the socket could as well
// send SIGHUP, so that it is never off.
func (m *monitor) reloadOverSocket(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]string{}, m.reloadFor(r.Context()))
}
