package cachemgr

import (
	"bufio"
	"iter"
	"math"
	"strconv"
	"strings"
)

// numbers are the "name = value" lines of the page counters, whose values may have
// a unit behind them.
func numbers(text string) map[string]float64 {
	all := map[string]float64{}
	for line := range lines(text) {
		name, value, ok := strings.Cut(line, " = ")
		if !ok {
			continue
		}
		value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil && v >= 0 && !math.IsInf(v, 0) {
			all[strings.TrimSpace(name)] = v
		}
	}
	return all
}

// A quantile is a service time of the last five minutes: so many of the requests of
// a kind took so long at most.
type quantile struct {
	kind    string  // http, miss, hit, near_hit, not_modified, dns, icp
	ratio   float64 // 0.5 is the median
	seconds float64
}

// kindOf is a heading of the page service_times as a label.
func kindOf(heading string) string {
	switch {
	case strings.HasPrefix(heading, "HTTP Requests"):
		return "http"
	case strings.HasPrefix(heading, "Cache Misses"):
		return "miss"
	case strings.HasPrefix(heading, "Cache Hits"):
		return "hit"
	case strings.HasPrefix(heading, "Near Hits"):
		return "near_hit"
	case strings.HasPrefix(heading, "Not-Modified"):
		return "not_modified"
	case strings.HasPrefix(heading, "DNS Lookups"):
		return "dns"
	case strings.HasPrefix(heading, "ICP Queries"):
		return "icp"
	default:
		return ""
	}
}

// quantiles reads the page service_times: under each heading "50%   0.00463  0.00286",
// the last five minutes and the last hour, in seconds.
func quantiles(text string) []quantile {
	var all []quantile
	kind := ""
	for line := range lines(text) {
		fields := strings.Fields(line)
		if heading, _, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			kind = kindOf(heading)
			fields = strings.Fields(line[strings.Index(line, ":")+1:]) // the first quantile may stand behind it
		}
		if kind == "" || len(fields) < 2 || !strings.HasSuffix(fields[0], "%") {
			continue
		}
		percent, err := strconv.ParseFloat(strings.TrimSuffix(fields[0], "%"), 64)
		if err != nil || percent < 0 || percent > 100 {
			continue
		}
		if took, err := strconv.ParseFloat(fields[1], 64); err == nil && took >= 0 && !math.IsInf(took, 0) {
			all = append(all, quantile{kind, percent / 100, took})
		}
	}
	return all
}

// tunnels reads the page active_requests: how many CONNECTs are open, and how many
// bytes they sent their clients so far. Whose they are is not looked at.
func tunnels(text string) (open int, sent float64) {
	tunnel := false
	for line := range lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "Connection:"):
			tunnel = false
		case strings.HasPrefix(line, "logType TCP_TUNNEL"):
			tunnel = true
			open++
		case tunnel && strings.HasPrefix(line, "out.offset"):
			if _, size, ok := strings.Cut(line, "out.size "); ok {
				if v, err := strconv.ParseFloat(strings.TrimSpace(size), 64); err == nil && v >= 0 {
					sent += v
				}
			}
		}
	}
	return open, sent
}

func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		s := bufio.NewScanner(strings.NewReader(text))
		s.Buffer(make([]byte, 0, 4096), 1<<20)
		for s.Scan() {
			if !yield(s.Text()) {
				return
			}
		}
	}
}
