package statusbar

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Public serves what everybody may see: status.json, fleet.json, Statuspage's
// routes, the badges, and a page made from status.json alone. It answers GET and
// HEAD; every other path is a 404 that repeats nothing of what was asked.
func (b *Bar) Public() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.serve(w, r, false)
	})
}

// Operator serves the same as Public, with the operator's page in the public one's
// place: that has the sentences of the checks, in which addresses and errors stand.
func (b *Bar) Operator() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.serve(w, r, true)
	})
}

// always is of every answer, and forEverybody of the public ones: any page may read
// them, and how old they are.
var (
	always       = []header{{"X-Content-Type-Options", []string{"nosniff"}}}
	forEverybody = []header{
		{"Access-Control-Allow-Origin", []string{"*"}},
		{"Access-Control-Expose-Headers", []string{"Date, Age, ETag"}},
		{"Cross-Origin-Resource-Policy", []string{"cross-origin"}},
	}
)

func (b *Bar) serve(w http.ResponseWriter, r *http.Request, operator bool) {
	h := w.Header()
	set(h, always)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	now := time.Now()
	e := b.current.Load().at(now)
	if operator {
		if page := e.operatorPage(r); page != nil {
			h.Set("Cache-Control", "no-store")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Refresh", e.refresh(now))
			h.Set("Content-Security-Policy", page.policy+"; frame-ancestors 'none'")
			send(w, r, page)
			return
		}
	}
	set(h, forEverybody)
	found := e.find(r.URL.Path)
	if found == nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	set(h, e.caching(now))
	if found.policy != "" {
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", found.policy)
		h.Set("Refresh", e.refresh(now))
	}
	send(w, r, found)
}

// operatorPage is the page that the operator asks for; nil if it is none of his own.
func (e *edition) operatorPage(r *http.Request) *body {
	if id, ok := strings.CutPrefix(r.URL.Path, "/host/"); ok {
		return e.hostPage(r.Context(), id)
	}
	if r.URL.Path != "/" {
		return nil
	}
	if label := r.URL.Query().Get("label"); label != "" {
		return e.drawn.page(operatorView(e.content, label))
	}
	return e.operator()
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// send answers with found, or with 304 if the client has it. It knows no ranges and
// no preconditions: the answer is always 200, with the truth in the body.
func send(w http.ResponseWriter, r *http.Request, found *body) {
	as := &found.plain
	if found.packed != nil && acceptsGzip(r.Header["Accept-Encoding"]) {
		as = found.packed
	}
	h := w.Header()
	set(h, as.about)
	if hasTag(r.Header["If-None-Match"], as.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	set(h, as.whole)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(as.text) // a client that is gone misses nothing
}

// hasTag says that one of If-None-Match's tags is tag, by the weak comparison
// (RFC 9110, 13.1.2): a cache on the way may have made it weak.
func hasTag(values []string, tag string) bool {
	for one := range elements(values) {
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3). What is not mentioned is
// not sent; "*" stands for what is not mentioned.
func acceptsGzip(values []string) bool {
	other := false
	for one := range elements(values) {
		coding, params, _ := strings.Cut(one, ";")
		yes := weight(params) > 0
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return yes
		case "*":
			other = yes
		}
	}
	return other
}

// weight is the q of a list's element: 1 if it has none, 0 if it makes no sense.
func weight(params string) float64 {
	name, value, given := strings.Cut(strings.TrimSpace(params), "=")
	if !given || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 0
	}
	return q
}

// elements are those of a header that is a list, over all its lines.
func elements(values []string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range values {
			for one := range strings.SplitSeq(line, ",") {
				if one = strings.TrimSpace(one); one != "" && !yield(one) {
					return
				}
			}
		}
	}
}
