package main

import (
	"context"
	"net/http"
	"reflect"
	"time"
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
	checker, err := m.newChecker(f)
	if err != nil {
		return err
	}
	checker.Inherit(m.check())
	m.mu.Lock()
	if !reflect.DeepEqual(f.Billing, m.inventory.Billing) || f.StateDir != m.inventory.StateDir || f.Interval != m.inventory.Interval {
		m.log.Warn("billing, state_dir and interval take effect at the next start")
	}
	f.Interval = m.inventory.Interval
	if f.Status.Prometheus != m.inventory.Status.Prometheus {
		m.log.Warn("status.prometheus takes effect at the next start")
		f.Status.Prometheus = m.inventory.Status.Prometheus
	}
	m.checker = checker
	close(m.renewed)
	m.renewed = make(chan struct{})
	m.mu.Unlock()
	m.bar.Reconfigure(m.barConfig(f, m.stateDir))
	m.adopt(f)
	m.news.soon()
	return nil
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

// reloadOverHTTP is POST /-/reload, where it is switched on.
func (m *monitor) reloadOverHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.flags.EnableReload {
		http.Error(w, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	answer := make(chan error, 1)
	select {
	case m.reloadAsked <- answer:
	case <-r.Context().Done():
		return
	}
	if err := <-answer; err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
