package vantage

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/peers"
)

// An exporter's page, as far as it matters here.
func metrics(place, host string, words map[string]float64, trusted int, ran time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "milepost_vantage_info{%s} 1\nmilepost_monitor_trusted{test=\"all\"} %d\n", place, trusted)
	for check, status := range words {
		labels := fmt.Sprintf(`{host=%q,check=%q}`, host, check)
		fmt.Fprintf(&b, "milepost_check_status%s %v\nmilepost_check_last_run_timestamp_seconds%s %d\n", labels, status, labels, ran.Unix())
	}
	return b.String()
}

// TestRealRuleAndRecordingRulesAgree shows the same vantages to a real Prometheus with
// the rules of contrib/prometheus and, through it, to the rule of this house: hosts in
// hundreds of situations must come out alike.
func TestRealRuleAndRecordingRulesAgree(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join("..", "..", "contrib", "prometheus", "rules", "quorum.yml"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	const vantages, hosts = 6, 300
	providers, regions := []string{"a", "a", "b", "c", "d", ""}, []string{"eu", "us", "eu", "as", "us", "af"}
	pages := make([]string, vantages)
	began := time.Now()
	for h := range hosts {
		worst := random.Float64() // how ill the host is
		for v := range vantages {
			words := map[string]float64{}
			for _, check := range checksOf(h) {
				if words[check] = 0; random.Float64() < worst {
					words[check] = float64(1 + random.IntN(3))
				}
			}
			ran := began
			if random.IntN(8) == 0 {
				ran = began.Add(-time.Hour)
			}
			trusted := 1
			if v == 4 {
				trusted = 0
			}
			place := fmt.Sprintf(`vantage="v%d",provider=%q,region=%q`, v, providers[v], regions[v])
			page := metrics(place, fmt.Sprintf("h%d", h), words, trusted, ran)
			if h > 0 {
				page = page[strings.Index(page, "\n")+1:]
				page = page[strings.Index(page, "\n")+1:]
			}
			pages[v] += page
		}
	}
	var scrapes atomic.Int32
	var targets []string
	for v := range vantages {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			scrapes.Add(1)
			_, _ = w.Write([]byte(pages[v]))
		}))
		t.Cleanup(s.Close)
		targets = append(targets, fmt.Sprintf("%q", strings.TrimPrefix(s.URL, "http://")))
	}
	conf := fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [quorum.yml]
scrape_configs: [{job_name: milepost, static_configs: [{targets: [%s]}]}]
`, strings.Join(targets, ", "))
	p := peers.StartPrometheus(t, conf, map[string]string{"quorum.yml": strings.Replace(string(rules), "interval: 15s", "interval: 1s", 1)})

	client, err := New("http://"+p.Addr, "")
	if err != nil {
		t.Fatal(err)
	}
	var a Answer
	var differ []string
	met := map[hoststate.Status]int{}
	compare := func() bool {
		if a, err = client.Ask(t.Context(), []string{"squid_auth", "packet_loss"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		all, err := client.query(t.Context(), "milepost:host:quorum", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		recorded := map[string]hoststate.Status{}
		for _, s := range all {
			recorded[s.labels["host"]] = hoststate.Status(s.value)
		}
		differ = nil
		clear(met)
		for h := range hosts {
			host := fmt.Sprintf("h%d", h)
			roles := hoststate.Roles{Down: []string{"squid_auth"}, Degraded: []string{"packet_loss"}}.Of(checksOf(h), nil)
			votes, _ := a.Votes(host, roles, time.Now(), time.Minute)
			tally := hoststate.Count(votes)
			met[tally.Status]++
			if was, known := recorded[host]; !known || was != tally.Status {
				differ = append(differ, fmt.Sprintf("%s is %v by the recording rules, and %v by %+v", host, was, tally.Status, votes))
			}
		}
		return len(differ) == 0
	}
	// A rule's word is of its last evaluation: what was scraped since is not in it yet.
	peers.Until(20*time.Second, func() bool { return scrapes.Load() >= 3*vantages && compare() })
	for _, d := range differ[:min(len(differ), 5)] {
		t.Error(d)
	}
	for _, s := range []hoststate.Status{hoststate.Up, hoststate.Degraded, hoststate.Down, hoststate.Unknown} {
		if met[s] < 10 {
			t.Errorf("only %d hosts were %v: the test tells too little", met[s], s)
		}
	}
	if m := a.Monitor(time.Now(), time.Minute); m.Total != vantages || m.Healthy != vantages-1 {
		t.Errorf("%+v", m)
	}
}

// checksOf is the checks that the host of that number has: most both.
func checksOf(host int) []string {
	if host%10 == 0 {
		return []string{"packet_loss"}
	}
	return []string{"packet_loss", "squid_auth"}[:2-host%7/6]
}

// TestRealAgents: three sites with the agent.yml of contrib/prometheus, whose Prometheus
// all know their milepost as 127.0.0.1:10120, have three votes at the centre, by its
// recording rules and by ours.
func TestRealAgents(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", "contrib", "prometheus", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	rules := strings.Replace(read("rules/quorum.yml"), "interval: 15s", "interval: 1s", 1)
	centre := peers.StartPrometheus(t, "global: {evaluation_interval: 1s}\nrule_files: [quorum.yml]\n", map[string]string{"quorum.yml": rules},
		"--web.enable-remote-write-receiver", "--storage.tsdb.path="+filepath.Join(peers.Dir(t), "data"))
	for n, site := range []string{"fra-1", "lon-1", "nyc-1"} {
		word := map[string]float64{"squid_auth": []float64{2, 2, 0}[n]}
		milepost := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // as a proxy
			if r.URL.String() != "http://127.0.0.1:10120/metrics" {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write([]byte(metrics(fmt.Sprintf(`vantage=%q,provider="p%d",region=""`, site, n), "web", word, 1, time.Now())))
		}))
		t.Cleanup(milepost.Close)
		conf := regexp.MustCompile(`(?m)^    basic_auth: .*\n`).ReplaceAllString(read("agent.yml"), "")
		conf = strings.NewReplacer("https://prometheus.example.net", "http://"+centre.Addr, "fra-1", site, "15s", "1s",
			"job_name: milepost\n", "job_name: milepost\n    proxy_url: "+milepost.URL+"\n").Replace(conf)
		peers.StartPrometheus(t, conf, nil, "--enable-feature=agent", "--storage.agent.path="+filepath.Join(peers.Dir(t), "agent"))
	}
	var votes, quorum struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	centre.Await("three votes", "/api/v1/query?query=milepost:host:vote", &votes, func() bool { return len(votes.Data.Result) == 3 })
	centre.Await("a host that two of three see down", "/api/v1/query?query=milepost:host:quorum", &quorum, func() bool {
		return len(quorum.Data.Result) == 1 && quorum.Data.Result[0].Value[1] == "3"
	})
	c, err := New("http://"+centre.Addr, "")
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.Ask(t.Context(), []string{"squid_auth"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	all, _ := a.Votes("web", hoststate.Roles{Down: []string{"squid_auth"}}, time.Now(), time.Minute)
	if tally := hoststate.Count(all); tally.Votes != (hoststate.Votes{Up: 1, Down: 2}) || tally.Status != hoststate.Down {
		t.Errorf("%+v of %+v", tally, all)
	}
}

func TestRealPromtool(t *testing.T) {
	dir, err := filepath.Abs(filepath.Join("..", "..", "contrib", "prometheus", "rules"))
	if err != nil {
		t.Fatal(err)
	}
	if says, content := peers.Promtool(t, dir, "test", "rules", "quorum_test.yml"); !content {
		t.Error(says)
	}
}
