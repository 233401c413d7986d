package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"

	"milepost/lib/crew"
)

// canaryCommand serves the canary and nothing else, for a machine that proxies
// reach and that is no monitor.
func canaryCommand(ctx context.Context, args []string, out, faults io.Writer) (int, error) {
	flags := struct {
		Listen []string `name:"web.listen-address" sep:"none" placeholder:"ADDR" help:"Where the canary is served; may be given again."`
		Config string   `name:"web.config.file" placeholder:"FILE" help:"TLS of the canary."`
	}{Listen: []string{":10122"}}
	if _, done, err := parse("canary", &flags, args, 0, 0, out); err != nil || done {
		return exitOf(err), err
	}
	no := false
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", canary)
	l := &listener{
		server: newServer(mux), log: slog.New(slog.NewTextHandler(faults, nil)),
		option: "--web.listen-address", file: "--web.config.file",
		config: web.FlagConfig{WebListenAddresses: &flags.Listen, WebSystemdSocket: &no, WebConfigFile: &flags.Config},
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var ending crew.Crew
	ending.Go(func() {
		<-ctx.Done()
		l.end()
	})
	err := l.serve()
	stop()
	ending.Wait()
	return exitOf(err), err
}

// nonceLimit is how long a canary's nonce may be.
const nonceLimit = 128

// canary is an origin that says who asked it: a check that fetches it through a
// proxy knows that the proxy was used, and that no cache answered.
func canary(w http.ResponseWriter, r *http.Request) {
	nonce := r.URL.Query().Get("nonce")
	if strings.Trim(nonce, "0123456789abcdefghijklmnopqrstuvwxyz") != "" || len(nonce) > nonceLimit {
		http.Error(w, fmt.Sprintf("a nonce is up to %d lower-case letters and digits", nonceLimit), http.StatusBadRequest)
		return
	}
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"nonce": nonce, "client": client}) // a client that is gone misses nothing
}
