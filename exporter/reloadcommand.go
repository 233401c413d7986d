package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"milepost/lib/control"
	"milepost/lib/fleet"
)

// reloadPatience is for an exporter that has said it is ready and opens its socket now.
const reloadPatience = 3 * time.Second

// reloadCommand has the exporter that runs read its inventory again. It alone can say
// whether that went well: what it may read, the credentials of systemd above all, others
// may not.
func reloadCommand(ctx context.Context, args []string, out, _ io.Writer) (int, error) {
	var flags socketOption
	if _, done, err := parse("reload", &flags, args, 0, 0, out); err != nil || done {
		return exitOf(err), err
	}
	clients, err := flags.clients()
	if err != nil {
		return 1, err
	}
	patience, stop := context.WithTimeout(ctx, reloadPatience) // until somebody answers, and not for the answer
	defer stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		asked, err := reloadAtOne(ctx, clients)
		if asked {
			return exitOf(err), err
		}
		select {
		case <-patience.Done():
			return 1, err
		case <-again.C:
		}
	}
}

// reloadAtOne asks the first exporter that answers, if one does.
func reloadAtOne(ctx context.Context, clients []*control.Client) (asked bool, err error) {
	for _, c := range clients {
		err = c.Ask(ctx, http.MethodPost, "/reload", nil, nil, &map[string]string{})
		var absent *control.Absent
		if !errors.As(err, &absent) {
			return true, err
		}
	}
	return false, err
}

// clients are where the exporter that runs can be: where its inventory says, be the rest of
// that as faulty as it likes, and where --state-dir does: state_dir may be what is new.
func (o socketOption) clients() ([]*control.Client, error) {
	var dirs []string
	if named := fleet.StateDirOf(o.ConfigFile); named != "" {
		dirs = append(dirs, named)
	}
	if o.StateDir != "" || len(dirs) == 0 {
		dir, err := statePath("", o.StateDir)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, dir)
	}
	var all []*control.Client
	for _, dir := range dirs {
		all = append(all, control.NewClient(dir))
	}
	return all, nil
}
