package ledger

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"milepost/lib/accesslog"
)

// Output is how rows are written.
type Output struct {
	Format string   // table, csv, json
	By     []string // the rows' keys
	Raw    bool     // csv: without the apostrophe before what a spreadsheet would run
	Holes  bool     // show them in the table
}

// Write writes rows and holes to w.
func (o Output) Write(w io.Writer, rows []Row, holes []Hole) error {
	switch o.Format {
	case "", "table":
		return o.table(w, rows, holes)
	case "csv":
		return o.csv(w, rows)
	case "json":
		return o.json(w, rows, holes)
	default:
		return fmt.Errorf("format %q is none of table, csv, json", o.Format)
	}
}

// shown is a row's keys as people see them.
func (o Output) shown(r Row) []string {
	keys := slices.Clone(r.Keys)
	for i, k := range o.By {
		if k == "user" {
			keys[i] = accesslog.Shown(keys[i])
		}
	}
	return keys
}

func (o Output) table(w io.Writer, rows []Row, holes []Hole) error {
	if err := o.sums(w, rows, len(holes) > 0); err != nil {
		return err
	}
	if len(holes) == 0 {
		return nil
	}
	if !o.Holes {
		_, err := fmt.Fprintf(w, "\nincomplete: %s: --holes shows what\n", Incomplete(holes))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\nHOLE\tCOUNT\tFROM\tTO\tSERVER\tLOG\tDETAIL\n")
	for _, h := range holes {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", h.Kind, h.Count, instant(h.At), instant(h.Until), h.Server, accesslog.Shown(h.Path), accesslog.Shown(h.Detail))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, kind := range slices.Sorted(maps.Keys(advice)) {
		if slices.ContainsFunc(holes, func(h Hole) bool { return h.Kind == kind }) {
			fmt.Fprintf(w, "%s: %s\n", kind, advice[kind])
		}
	}
	return nil
}

// instant is a time of a hole.
func instant(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// nobody is what the table calls the user "".
const nobody = "(nobody)"

// sums is the rows, aligned, and their total. What clients sent has columns
// if the log tells it of any row.
func (o Output) sums(w io.Writer, rows []Row, incomplete bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	told := slices.ContainsFunc(rows, func(r Row) bool { return r.BytesIn != nil })
	line := func(keys []string, cells ...string) {
		fmt.Fprintln(t, strings.Join(append(slices.Clone(keys), cells...), "\t")+"\t")
	}
	figures := func(r Row) []string {
		cells := []string{strconv.FormatInt(r.BytesOut, 10), humane(r.BytesOut)}
		switch {
		case told && r.BytesIn != nil:
			cells = append(cells, strconv.FormatInt(*r.BytesIn, 10), humane(*r.BytesIn))
		case told:
			cells = append(cells, "unknown", "")
		}
		return append(cells, strconv.FormatInt(r.Requests, 10))
	}
	head := make([]string, len(o.By))
	for i, k := range o.By {
		head[i] = strings.ToUpper(k)
	}
	if told {
		line(head, "BYTES OUT", "", "BYTES IN", "", "REQUESTS")
	} else {
		line(head, "BYTES OUT", "", "REQUESTS")
	}
	var in int64
	all := Row{BytesIn: &in}
	for _, r := range rows {
		keys := o.shown(r)
		for i, k := range o.By {
			switch {
			case k != "user":
			case keys[i] == "":
				keys[i] = nobody
			case keys[i] == nobody: // one to one, whatever people call themselves
				keys[i] = "%28" + nobody[1:]
			}
		}
		line(keys, figures(r)...)
		all.BytesOut += r.BytesOut
		all.Requests += r.Requests
		if r.BytesIn == nil {
			all.BytesIn = nil
		} else {
			in += *r.BytesIn
		}
	}
	total := make([]string, len(o.By))
	if len(total) > 0 {
		total[0] = "total"
		if incomplete {
			total[0] = "total, incomplete"
		}
	}
	line(total, figures(all)...)
	return t.Flush()
}

// formula is what a spreadsheet would run, and what looks like one that was kept from it.
var formula = regexp.MustCompile(`^'*[=+@-]`)

// csv is RFC 4180. A name that a spreadsheet would run as a formula gets an apostrophe,
// and so does one that would look the same then.
func (o Output) csv(w io.Writer, rows []Row) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(append(slices.Clone(o.By), "bytes_out", "bytes_in", "requests")); err != nil {
		return err
	}
	for _, r := range rows {
		fields := o.shown(r)
		for i, f := range fields {
			if !o.Raw && formula.MatchString(f) {
				fields[i] = "'" + f
			}
		}
		in := ""
		if r.BytesIn != nil {
			in = strconv.FormatInt(*r.BytesIn, 10)
		}
		if err := c.Write(append(fields, strconv.FormatInt(r.BytesOut, 10), in, strconv.FormatInt(r.Requests, 10))); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func (o Output) json(w io.Writer, rows []Row, holes []Hole) error {
	page := struct {
		Rows  []map[string]any `json:"rows"`
		Holes []Hole           `json:"holes"`
	}{[]map[string]any{}, []Hole{}}
	page.Holes = append(page.Holes, holes...)
	for _, r := range rows {
		m := map[string]any{"bytes_out": r.BytesOut, "bytes_in": r.BytesIn, "requests": r.Requests}
		for i, k := range o.shown(r) {
			m[o.By[i]] = k
		}
		page.Rows = append(page.Rows, m)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(page)
}

// humane is n as people say it: 1.4 GB.
func humane(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		if v /= 1000; v < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}
