package matrix

import (
	_ "embed"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strconv"
)

//go:embed page.html
var pageText string

// A View is how a reader wants to see a matrix.
type View struct {
	By         Order
	Descending bool
	Show       string // in the grid: "percent", "speed" or "rtt"
	Week       bool   // the least round trips of a Week, and not of now
}

// Of is m as v wants to see it.
func (v View) Of(m Matrix) Matrix {
	if v.Week {
		return m.OverWeek()
	}
	return m
}

// ParseView reads a View from a query; what is none is the usual.
func ParseView(q url.Values) View {
	v := View{By: Order(q.Get("sort")), Descending: q.Get("order") == "desc", Show: q.Get("show"), Week: q.Get("over") == "7d"}
	if !slices.Contains(Orders(), v.By) {
		v.By = Orders()[0]
	}
	if v.Show != "rtt" && v.Show != "speed" {
		v.Show = "percent"
	}
	return v
}

// query is v as ParseView reads it.
func (v View) query() string {
	q := url.Values{"sort": {string(v.By)}, "show": {v.Show}}
	if v.Descending {
		q.Set("order", "desc")
	}
	if v.Week {
		q.Set("over", "7d")
	}
	return q.Encode()
}

// A column is a head of the list that sorts by it.
type column struct {
	Name, Link, Sorted string // Sorted as aria-sort spells it; "" = by another
}

func (v View) columns() []column {
	var all []column
	for _, c := range []struct {
		name string
		by   Order
	}{{"path", ByName}, {"round trip", ByRTT}, {"distance", ByDistance}, {"miles/ms", BySpeed}, {"of light in fibre", BySpeed}} {
		next := View{By: c.by, Show: v.Show, Week: v.Week}
		head := column{Name: c.name}
		if c.by == v.By {
			head.Sorted, next.Descending = "ascending", !v.Descending
			if v.Descending {
				head.Sorted = "descending"
			}
		}
		head.Link = "?" + next.query() + "#list"
		all = append(all, head)
	}
	return all
}

// A choice is a link to another View.
type choice struct {
	Name, Link string
	Chosen     bool
}

func (v View) choices() []choice {
	var all []choice
	for _, c := range [][2]string{{"percent", "% of light in fibre"}, {"speed", "miles/ms"}, {"rtt", "round trip, ms"}} {
		next := v
		next.Show = c[0]
		all = append(all, choice{c[1], "?" + next.query(), v.Show == c[0]})
	}
	return all
}

// times are links to the Views of other lengths of time.
func (v View) times() []choice {
	now, week := v, v
	now.Week, week.Week = false, true
	return []choice{{"now", "?" + now.query(), !v.Week}, {"at their best in 7 days", "?" + week.query(), v.Week}}
}

// A square is one path in the grid.
type square struct {
	Text, Title string
	Heat        string // a class; "" = no speed
}

// grid is a line for each site that somebody measures from: a square for each site.
type grid struct {
	Heads []string
	Lines []gridLine
}

type gridLine struct {
	Name    string
	Squares []square
}

// grid is the matrix as a matrix; empty with one monitor, whose list says it all.
func (m Matrix) grid(show string) grid {
	var from []int
	for i := range m.sites {
		for pair := range m.trips {
			if pair[0] == i {
				from = append(from, i)
				break
			}
		}
	}
	if len(from) < 2 {
		return grid{}
	}
	var g grid
	order := make([]int, len(m.sites))
	for i := range order {
		order[i] = i
	}
	byName := func(a, b int) int {
		if m.sites[a].Name < m.sites[b].Name {
			return -1
		}
		return 1
	}
	slices.SortFunc(order, byName)
	slices.SortFunc(from, byName)
	for _, to := range order {
		g.Heads = append(g.Heads, m.sites[to].Name)
	}
	for _, i := range from {
		line := gridLine{Name: m.sites[i].Name}
		for _, to := range order {
			line.Squares = append(line.Squares, m.square(i, to, show))
		}
		g.Lines = append(g.Lines, line)
	}
	return g
}

func (m Matrix) square(from, to int, show string) square {
	if _, ok := m.trips[[2]int{from, to}]; !ok {
		return square{}
	}
	r := m.row([2]int{from, to})
	s := square{Title: r.From.Name + " to " + r.To.Name + ": " + millis(r.RTT)}
	if r.Fast() {
		s.Heat = heat(r.Percent())
		s.Title += ", " + kilometres(r.Distance) + ", " + decimal(r.MilesPerMillisecond(), 1) + " miles/ms, " + decimal(r.Percent(), 0) + " % of light in fibre"
	}
	switch {
	case show == "rtt":
		s.Text = decimal(r.RTT.Seconds()*1000, 1)
	case !r.Fast():
		s.Text = "–"
	case show == "speed":
		s.Text = decimal(r.MilesPerMillisecond(), 1)
	default:
		s.Text = decimal(r.Percent(), 0)
	}
	return s
}

// heat is the class of a colour: from slow, which glows, to fast.
func heat(percent float64) string {
	for i, upTo := range [...]float64{10, 25, 40, 55, 70, 105} {
		if percent < upTo {
			return "h" + strconv.Itoa(i)
		}
	}
	return "no" // nothing is as fast
}

// HTML writes the matrix as a page.
func (m Matrix) HTML(w io.Writer, v View) error {
	page, err := template.New("paths").Funcs(template.FuncMap{
		"millis": millis, "decimal": decimal, "kilometres": kilometres, "heat": heat,
		"miles": func(metres float64) string { return decimal(metres/1609.344, 0) },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return page.Execute(w, struct {
		Matrix   Matrix
		When     string
		Findings []Finding
		Grid     grid
		Choices  []choice
		Times    []choice
		Columns  []column
		Rows     []Row
		CSV      string
	}{m, m.when(), m.Findings(), m.grid(v.Show), v.choices(), v.times(), v.columns(), m.Rows(v.By, v.Descending), "paths.csv?" + v.query()})
}
