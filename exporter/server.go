package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"milepost/lib/prom"
)

// scrapesAtOnce bounds how many pages of metrics are made at the same time.
const scrapesAtOnce = 8

// operator is everything, for those who run the fleet.
func (m *monitor) operator() http.Handler {
	mux := http.NewServeMux()
	serving := prom.Serving{AtOnce: scrapesAtOnce, Timeout: time.Minute, Log: m.log}
	users := &prom.Collector{Others: m.billing.users(), Dropped: m.collector.Dropped}
	mux.Handle("GET /metrics", m.collector.Pages(true, serving))
	if m.billing.expose {
		mux.Handle("GET /metrics/users", users.Pages(false, serving))
	}
	mux.Handle("GET /probe", newProber(m))
	mux.HandleFunc("GET /sd", m.serviceDiscovery)
	mux.HandleFunc("GET /-/healthy", say("milepost is healthy\n"))
	mux.HandleFunc("GET /-/ready", m.ready)
	mux.HandleFunc("/-/reload", m.reloadOverHTTP)
	mux.HandleFunc("GET /canary", canary)
	mux.HandleFunc("GET /paths", m.pathPage)
	mux.HandleFunc("GET /paths.csv", m.pathCSV)
	mux.HandleFunc("GET /smoke/{host...}", m.smokePage)
	mux.Handle("/", m.bar.Operator())
	return mux
}

// public is what everybody may see. No mux stands before it: that would answer a
// path like //x with a redirect, where everything unknown is a 404.
func (m *monitor) public() http.Handler {
	bar := m.bar.Public()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/canary" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			canary(w, r)
			return
		}
		bar.ServeHTTP(w, r)
	})
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprint(w, text) // a client that is gone misses nothing
	}
}

// ready says so once everything is open, and no more when milepost ends.
func (m *monitor) ready(w http.ResponseWriter, r *http.Request) {
	if m.ending.Load() {
		http.Error(w, "milepost is ending", http.StatusServiceUnavailable)
		return
	}
	say("milepost is ready\n")(w, r)
}

// A target is a group of Prometheus' HTTP service discovery.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// serviceDiscovery tells Prometheus to scrape /probe for every check of every
// host, at the address that it asked us by.
func (m *monitor) serviceDiscovery(w http.ResponseWriter, r *http.Request) {
	f := m.watching()
	all := []target{}
	for _, h := range f.Hosts {
		for _, c := range h.Checks {
			labels := map[string]string{
				"__metrics_path__": "/probe", "__param_target": h.Name, "__param_check": c.Name,
				"__meta_milepost_host": h.Name, "__meta_milepost_check": c.Name, "__meta_milepost_group": h.Group,
				"__meta_milepost_city": h.City, "__meta_milepost_country": h.Country,
			}
			for name, value := range h.Labels {
				labels["__meta_milepost_label_"+labelName(name)] = value
			}
			all = append(all, target{[]string{r.Host}, labels})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // a client that is gone misses nothing
}

// labelName is name as Prometheus takes it, as its own discoveries make it: what is
// neither letter, digit nor underscore is an underscore.
func labelName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}
