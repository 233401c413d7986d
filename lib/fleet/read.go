package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/option"
	"milepost/lib/secret"
)

// A reader turns the values of a document into a Fleet. What is wrong becomes a
// fault of the document, and reading goes on, so that all faults are found at once.
type reader struct {
	doc   *document
	kinds map[string]*kindReader
	names []string // of the kinds

	vantageCity value // where it stands, for faults
}

// A kindReader sets the options of one kind of check, one host after the other:
// to make the options anew for each of ten thousand hosts would take seconds.
type kindReader struct {
	check.Kind
	config  any // what options point to
	common  *common
	options *option.Options
}

// common are the options that every check has in an inventory.
type common struct {
	Timeout time.Duration
}

func newReader(doc *document, kinds []check.Kind) *reader {
	r := &reader{doc: doc, kinds: map[string]*kindReader{}}
	for _, k := range kinds {
		kr := &kindReader{Kind: k, config: k.Default(), common: &common{}}
		kr.options = option.New(kr.config, kr.common)
		r.kinds[k.Name] = kr
		r.names = append(r.names, k.Name)
	}
	slices.Sort(r.names)
	return r
}

// section puts the scalars of a mapping into o; nested are the keys that hold more.
func (r *reader) section(v value, where string, o *option.Options, nested map[string]func(entry)) {
	for _, e := range v.entries(where) {
		e.name.stands(strings.TrimPrefix(where+"."+e.key, topSection+"."))
		if read := nested[e.key]; read != nil {
			read(e)
			continue
		}
		e.put(o, where, slices.Collect(maps.Keys(nested))...)
	}
}

// into is section for a struct whose fields are all of the section.
func (r *reader) into(dst any, where string) func(entry) {
	return func(e entry) { r.section(e.value, where, option.New(dst), nil) }
}

// topSection is what faults call the mapping at the top.
const topSection = "inventory"

func (r *reader) top(f *Fleet, v value) {
	var first struct{ StateDir string }
	var defaults, hosts, maintenance value
	r.section(v, topSection, option.New(&first), map[string]func(entry){
		"vantage":     func(e entry) { f.Vantage, r.vantageCity = vantageOf(e.value) },
		"references":  r.into(&f.References, "references"),
		"defaults":    func(e entry) { defaults = e.value },
		"hosts":       func(e entry) { hosts = e.value },
		"maintenance": func(e entry) { maintenance = e.value },
		"billing":     r.billing(&f.Billing),
		"status":      r.status(&f.Status),
	})
	f.StateDir = first.StateDir
	base := r.defaults(f, defaults)
	r.hosts(f, hosts, base)
	r.maintenance(f, maintenance)
	r.roles(f)
}

// defaults returns the options of each check that hosts start from.
func (r *reader) defaults(f *Fleet, v value) map[string]value {
	base := map[string]value{}
	if v.node == nil {
		return base
	}
	all := struct{ Interval, Timeout time.Duration }{f.Interval, f.Timeout}
	r.section(v, "defaults", option.New(&all), map[string]func(entry){
		"checks": func(e entry) {
			base = r.checks(e.value, "defaults")
			for _, c := range e.entries("defaults: checks") {
				c.name.stands("defaults.checks." + c.key)
			}
		},
	})
	f.Interval, f.Timeout = all.Interval, all.Timeout
	given := index(v.entries("defaults"))
	if f.Interval < time.Second {
		given["interval"].fault("defaults: interval %v is less than 1s", f.Interval)
	}
	if f.Timeout <= 0 {
		given["timeout"].fault("defaults: timeout is more than 0")
	}
	if at := cmp.Or(given["timeout"], given["interval"]); f.Timeout > f.Interval && f.Interval > 0 {
		at.fault("defaults: timeout %v is longer than interval %v: a round could not end before the next begins", f.Timeout, f.Interval)
	}
	return base
}

// checks are the values of a "checks" mapping by the check's name.
func (r *reader) checks(v value, where string) map[string]value {
	all := map[string]value{}
	for _, e := range v.entries(where + ": checks") {
		if r.kinds[e.key] == nil {
			e.name.fault("%s: unknown check %q%s", where, e.key, nearest(e.key, "checks", r.names))
			continue
		}
		all[e.key] = e.value
	}
	return all
}

func (r *reader) hosts(f *Fleet, v value, base map[string]value) {
	if v.node == nil {
		return
	}
	seen := map[string]string{} // names by what shell loops read
	id := newIdentityReader()
	for _, item := range v.items("hosts") {
		h, given := id.read(item)
		word := strings.Join(strings.Fields(h.Name), "_")
		switch first, twice := seen[word]; {
		case word == "":
			item.fault("host has no name")
		case twice && first == h.Name:
			item.fault("host %q is there twice", h.Name)
		case twice:
			given["name"].fault("host %q and host %q are one to shell loops, which read a blank as _: call one of them otherwise", h.Name, first)
		default:
			seen[word] = h.Name
		}
		var own map[string]value
		if checks := given["checks"]; checks.node != nil {
			own = r.checks(checks, "host")
		}
		h.Checks = r.bind(f, h, item, given["city"], base, own)
		f.Hosts = append(f.Hosts, h)
	}
}

// bind makes the checks of one host: the kind's default, then the inventory's,
// then the host's own options. item is the host, city the value of that key.
func (r *reader) bind(f *Fleet, h Host, item, city value, base, own map[string]value) []check.Check {
	var checks []check.Check
	for _, name := range r.names {
		k := r.kinds[name]
		k.reset(f.Timeout)
		if !settings(name, base, own, k.options) {
			continue
		}
		err := k.options.Environment() // where a secret may be instead of in a file
		var bound check.Check
		if err == nil {
			bound, err = k.Bind(k.config, h.target(f.Vantage))
		}
		if err != nil {
			r.unbound(f, h, item, name, base, own, err)
			continue
		}
		if bound.Moot {
			r.unplaced(name, f, h, city)
			if _, asked := own[name]; !asked {
				continue
			}
		}
		r.contradicting(h, bound, base[name], own[name])
		bound.Timeout = k.common.Timeout
		checks = append(checks, bound)
	}
	return checks
}

// unbound tells why a check cannot be: at the host's own options of it, else once for
// all hosts where the inventory's stand.
func (r *reader) unbound(f *Fleet, h Host, item value, name string, base, own map[string]value, err error) {
	b, inBase := base[name]
	o, inOwn := own[name]
	switch {
	case inBase && !b.off() && (!inOwn || len(o.entries(name)) == 0):
		r.doc.add(*f.Fault("defaults.checks."+name, "defaults: %s: %v", name, err))
	case inOwn:
		o.fault("host %q: %s: %v", h.Name, name, err)
	default:
		item.fault("host %q: %s: %v", h.Name, name, err)
	}
}

// reset makes the next Put start from the defaults.
func (k *kindReader) reset(timeout time.Duration) {
	k.options.Load(k.config, k.Default())
	*k.common = common{Timeout: timeout}
}

func (r *reader) billing(b *Billing) func(entry) {
	return func(e entry) {
		r.section(e.value, "billing", option.New(b), nil)
		for _, field := range e.entries("billing") {
			if fault := b.wrong(field.key); fault != "" {
				field.fault("billing: %s", fault)
			}
		}
	}
}

// wrong is what is wrong with the value of a key that is well-formed; "" if nothing.
func (b *Billing) wrong(key string) string {
	switch key {
	case "timezone":
		if _, err := time.LoadLocation(b.Timezone); err != nil || b.Timezone == "Local" { // which is another's everywhere
			return fmt.Sprintf("timezone %q is unknown: write it as Europe/Berlin, or UTC", b.Timezone)
		}
	case "start":
		_, err := time.Parse(time.DateOnly, b.Start)
		if err != nil && b.Start != "" && b.Start != "beginning" && b.Start != "end" {
			return fmt.Sprintf("start %q is neither beginning, end nor a date: write 2026-11-01", b.Start)
		}
	case "ledger", "publish":
		url := map[string]string{"ledger": b.Ledger, "publish": b.Publish}[key]
		scheme, _, isURL := strings.Cut(url, "://")
		switch {
		case secret.InURL(url):
			return key + ": the URL carries a password: put it into publish_password_file or PGPASSFILE"
		case isURL && scheme != "postgres" && scheme != "postgresql", key == "publish" && url != "" && !isURL:
			return fmt.Sprintf("%s %q is no URL of a PostgreSQL: write postgres://user@host/database", key, url)
		}
	case "keep_buckets":
		if b.KeepBuckets < 24*time.Hour {
			return "keep_buckets is at least 1d: what is not kept cannot be billed"
		}
	case "top_users":
		if b.TopUsers < 0 {
			return "top_users is less than nothing: 0 names all"
		}
	}
	return ""
}

func (r *reader) status(s *Status) func(entry) {
	return func(e entry) {
		r.section(e.value, "status", option.New(s), map[string]func(entry){
			"page":       r.into(&s.Page, "status: page"),
			"prometheus": r.into(&s.Prometheus, "status: prometheus"),
		})
	}
}

// roles refuses a status that listens to checks that do not exist.
func (r *reader) roles(f *Fleet) {
	known := map[string]bool{}
	for _, n := range r.names {
		known[n] = true
	}
	for role, names := range map[string][]string{"down": f.Status.Down, "degraded": f.Status.Degraded} {
		for _, n := range names {
			if !known[n] {
				r.doc.add(*f.Fault("status."+role, "status: unknown check %q%s", n, nearest(n, "checks", r.names)))
			}
		}
	}
}

// Describe is one line on what the inventory holds, for a person.
func (f *Fleet) Describe() string {
	checks := map[string]int{}
	for _, h := range f.Hosts {
		for _, c := range h.Checks {
			checks[c.Name]++
		}
	}
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(checks)) {
		parts = append(parts, fmt.Sprintf("%d %s", checks[n], n))
	}
	text := "1 host"
	if n := len(f.Hosts); n != 1 {
		text = fmt.Sprintf("%d hosts", n)
	}
	if len(parts) > 0 {
		text += ", checks: " + strings.Join(parts, ", ")
	}
	return text
}

// StateDirOf is the state_dir that stands in the inventory at path, be the rest of it as
// faulty as it likes: "" if none can be seen. Who asks the exporter about a faulty file
// must find that exporter.
func StateDirOf(path string) string {
	text, err := read(path)
	if err != nil {
		return ""
	}
	_, top := parse(path, text)
	dir, _ := scalar(index(top.entries("inventory"))["state_dir"])
	return dir
}
