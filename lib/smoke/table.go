package smoke

import (
	_ "embed"
	"encoding/csv"
	"html/template"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

// A Page is a host's graphs, each with its numbers as a table.
type Page struct {
	Host   string
	Note   string // why a graph may be empty; "" = nothing
	Graphs []Graph
}

// HTML writes p. Its pictures are at NAME.svg?range=RANGE beside it.
func (p Page) HTML(w io.Writer) error {
	page, err := template.New("smoke").Funcs(template.FuncMap{
		"millis":  Millis,
		"percent": Percent,
		"utc":     func(t time.Time) string { return t.UTC().Format("Mon 2 Jan 15:04") },
		"rounds":  Graph.measured,
		"silent":  Round.silent,
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return page.Execute(w, p)
}

// File is the graph's address beside the page of its host, without an ending: what
// follows the last slash, which a browser takes what stands there relative to.
func (g Graph) File() string {
	return "./" + url.PathEscape(g.Host[strings.LastIndex(g.Host, "/")+1:])
}

// Range is how the graph's stretch of time is asked for: "3h", "10d".
func (g Graph) Range() string {
	const day = 24 * time.Hour
	if d := g.To.Sub(g.From); d > 2*day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return strconv.Itoa(int(g.To.Sub(g.From)/time.Hour)) + "h"
}

// CSV writes g's rounds with a head, times in seconds. What was not measured has no
// row, and what had no answer no times.
func (g Graph) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"start", "length", "sent", "lost", "rtt_min", "rtt_10", "rtt_25", "rtt_median", "rtt_75", "rtt_90", "rtt_max"})
	for _, r := range g.measured() {
		row := []string{r.Start.UTC().Format(time.RFC3339), seconds64(r.Length), strconv.Itoa(r.Sent), strconv.Itoa(r.Lost)}
		for _, rtt := range r.RTT {
			if r.silent() {
				row = append(row, "")
			} else {
				row = append(row, seconds64(rtt))
			}
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

func seconds64(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
