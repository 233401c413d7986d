package statusbar

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A label is something that hosts can be chosen by: "provider=gandi".
type label struct {
	Text   string
	Chosen bool
}

// manyLabels is how many are offered: a fleet with a label for every host has no
// use for all of them on a page.
const manyLabels = 30

// labels are those that part the fleet: the most common first.
func (c content) labels(chosen string) []label {
	count := map[string]int{}
	for i := range c.hosts {
		for _, text := range c.labelsOf(i) {
			count[text]++
		}
	}
	texts := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b))
	})
	texts = slices.DeleteFunc(texts, func(text string) bool { return count[text] == len(c.hosts) && text != chosen })
	var all []label
	for _, text := range texts[:min(len(texts), manyLabels)] {
		all = append(all, label{text, text == chosen})
	}
	if chosen != "" && !slices.Contains(all, label{chosen, true}) {
		all = append(all, label{chosen, true})
	}
	return all
}

// labelsOf are those of a host, its group among them.
func (c content) labelsOf(i int) []string {
	var all []string
	if h := c.hosts[i]; h.Group != "" {
		all = append(all, "group="+h.Group)
	}
	if c.operator.Labels != nil {
		given := c.operator.Labels(c.hosts[i].ID)
		for _, name := range slices.Sorted(maps.Keys(given)) {
			all = append(all, name+"="+given[name])
		}
	}
	return all
}

func (c content) has(i int, label string) bool { return slices.Contains(c.labelsOf(i), label) }

// A Usage is what one of squid's users consumed.
type Usage struct {
	User            string // as shown; "" = nobody
	Bytes, Requests float64
}

// A usageRow is a Usage for people.
type usageRow struct{ User, Bytes, Requests string }

func usageRows(all []Usage) []usageRow {
	var rows []usageRow
	for _, u := range all {
		rows = append(rows, usageRow{cmp.Or(u.User, "(nobody)"), amount(u.Bytes), strconv.FormatFloat(u.Requests, 'f', 0, 64)})
	}
	return rows
}

// amount is n bytes as people say it, in powers of 1000 as networks count.
func amount(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for n >= 999.5 && i < len(units)-1 {
		n /= 1000
		i++
	}
	if i == 0 || n >= 99.95 {
		return fmt.Sprintf("%.0f %s", n, units[i])
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}

// percent is a ratio for people, rounded down: 99.999 % is not 100 %.
func percent(ratio float64) string {
	return strconv.FormatFloat(math.Floor(ratio*1e4+1e-7)/100, 'f', -1, 64) + " %"
}
