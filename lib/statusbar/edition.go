package statusbar

import (
	"strings"
	"sync"
	"time"
)

// An edition is a content as bytes, plain and compressed, which never change. status.json
// is encoded before the edition is shown; each other body once, when it is first asked for:
// there are thousands of them (a badge of each host, another page for each label), and
// nobody pays for a spelling that nobody reads.
type edition struct {
	content
	routes   map[string]func() *body // what everybody may see, by path
	operator func() *body            // the page with the sentences
	badges   func() map[string]func() *body
	keep     []header // Cache-Control, but for the end of the lease
	drawn    *drawings
}

func newEdition(d *drawings, c content) *edition {
	e := &edition{content: c, drawn: d, keep: cacheControl(c.interval / 4)}
	once := func(v func() any) func() *body {
		return sync.OnceValue(func() *body { return newBody(kindJSON, encode(v())) })
	}
	e.routes = map[string]func() *body{
		"/status.json":            once(func() any { return c.document() }),
		"/fleet.json":             once(func() any { return c.fleet }),
		"/api/v2/status.json":     once(func() any { return c.statusPanel() }),
		"/api/v2/components.json": once(func() any { return c.componentsPanel() }),
		"/api/v2/summary.json":    once(func() any { return c.summaryPanel() }),
		"/history.json":           once(func() any { return c.pastDocument() }),
		"/status.schema.json":     sync.OnceValue(func() *body { return newBody(kindSchema, []byte(schemaText)) }),
		"/bar.svg":                sync.OnceValue(func() *body { return newBody(kindSVG, c.strip(d)) }),
		"/widget.js":              d.widget,
		"/feed.atom":              sync.OnceValue(func() *body { return newBody(kindAtom, c.feed()) }),
		"/":                       sync.OnceValue(func() *body { return d.page(publicView(c)) }),
	}
	e.operator = sync.OnceValue(func() *body { return d.page(operatorView(c, "")) })
	e.badges = sync.OnceValue(func() map[string]func() *body {
		all := make(map[string]func() *body, 2*len(c.hosts))
		for _, h := range c.hosts {
			all[h.ID+".json"] = once(func() any { return h.shield(c.generatedAt) })
			all[h.ID+".svg"] = sync.OnceValue(func() *body { return newBody(kindSVG, d.badge(h, c.generatedAt)) })
		}
		return all
	})
	return e
}

// still is status.html, as Deliver writes it.
func (e *edition) still() []byte { return e.drawn.still(publicView(e.content)) }

// find is the body at a public path; nil if there is none.
func (e *edition) find(path string) *body {
	if route := e.routes[path]; route != nil {
		return route()
	}
	if name, ok := strings.CutPrefix(path, "/badge/"); ok {
		if badge := e.badges()[name]; badge != nil {
			return badge()
		}
	}
	return nil
}

// maxAge is how long a cache may keep what is served at now: a quarter of a round,
// and nothing beyond its lease.
func (e *edition) maxAge(now time.Time) time.Duration {
	age := e.interval / 4
	if !e.lapsed && !e.dataAt.IsZero() {
		age = min(age, e.lease().Until.Sub(now))
	}
	return max(age, 0).Truncate(time.Second)
}

// caching is how long a cache may keep what is served at now, as a header.
func (e *edition) caching(now time.Time) []header {
	if age := e.maxAge(now); age != (e.interval / 4).Truncate(time.Second) {
		return cacheControl(age)
	}
	return e.keep
}

func cacheControl(age time.Duration) []header {
	return []header{{"Cache-Control", []string{"public, max-age=" + seconds(max(age, 0))}}}
}

// refresh is in how many seconds a page that is served at now should be asked for
// again: twice a round, and when its lease ends.
func (e *edition) refresh(now time.Time) string {
	in := time.Duration(refreshSeconds(e.interval)) * time.Second
	if e.dataAt.IsZero() {
		in = soon * time.Second
	}
	if left := e.lease().Until.Sub(now); !e.lapsed && left > 0 {
		in = min(in, left+time.Second)
	}
	return seconds(in)
}

// refreshSeconds is half a round, as far as that suits a person who reads.
func refreshSeconds(interval time.Duration) int {
	return int(min(max(interval/2, 5*time.Second), time.Minute).Seconds())
}
