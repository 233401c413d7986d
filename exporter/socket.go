package main

import (
	"context"
	"encoding/json"
	"net/http"

	"milepost/lib/control"
)

// socketOption is where the exporter that runs is found; the commands that talk to it
// share it.
type socketOption struct {
	configOption `embed:""`
	StateDir     string `name:"state-dir" env:"STATE_DIRECTORY" placeholder:"DIR" help:"The state directory of the exporter that runs, with its socket; the inventory's state_dir goes before it."`
}

// client is a client of the exporter that runs. The inventory is read for its
// state_dir alone.
func (o socketOption) client() (*control.Client, string, error) {
	named := ""
	if o.ConfigFile != "" {
		f, err := o.load(served())
		if err != nil {
			return nil, "", err
		}
		named = f.StateDir
	}
	dir, err := statePath(named, o.StateDir)
	if err != nil {
		return nil, "", err
	}
	return control.NewClient(dir), dir, nil
}

// control answers the commands until ctx ends. An exporter without its socket watches
// all the same.
func (m *monitor) control(ctx context.Context) {
	l, err := control.Listen(ctx, m.stateDir)
	if err != nil {
		m.log.Error("the commands reload, why, maintenance and drill do not reach this exporter", "why", err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /maintenance", m.listMaintenance)
	mux.HandleFunc("POST /maintenance", m.startMaintenance)
	mux.HandleFunc("DELETE /maintenance", m.endMaintenance)
	mux.HandleFunc("GET /why", m.tellWhy)
	mux.HandleFunc("POST /drill", m.drillOver)
	mux.HandleFunc("POST /reload", m.reloadOverSocket)
	if err := control.Serve(ctx, l, mux); err != nil {
		m.log.Error("the commands reload, why, maintenance and drill do not reach this exporter any more", "why", err)
	}
}

// answer writes v, or why not.
func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that is gone misses nothing
}
