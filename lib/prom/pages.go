package prom

import (
	"compress/gzip"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Pages serves the metrics of c and, if runtime, those of the Go runtime and of this
// process: as Handler does of Registry, but with little memory where the client
// takes text, however many hosts there are.
func (c *Collector) Pages(runtime bool, s Serving) http.Handler {
	objects := Handler(c.Registry(runtime), s)
	others := prometheus.NewRegistry()
	others.MustRegister(c.More...)
	if runtime {
		others.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	var slots chan struct{}
	if s.AtOnce > 0 {
		slots = make(chan struct{}, s.AtOnce)
	}
	var texts http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slots != nil {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			default:
				http.Error(w, "too many pages are made at this time", http.StatusServiceUnavailable)
				return
			}
		}
		if err := c.serve(w, r, others); err != nil && s.Log != nil {
			s.Log.Error("a page of metrics was not served in full", "why", err)
		}
	})
	if s.Timeout > 0 {
		texts = http.TimeoutHandler(texts, s.Timeout, "the page of metrics took too long")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch wanted(r).FormatType() {
		case expfmt.TypeTextPlain, expfmt.TypeOpenMetrics:
			if len(r.URL.Query()) == 0 { // what is asked for by name is the library's to find
				texts.ServeHTTP(w, r)
				return
			}
		default: // protocol buffers, and with them native histograms
		}
		objects.ServeHTTP(w, r)
	})
}

// wanted is the format that the client likes best.
func wanted(r *http.Request) expfmt.Format {
	return expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
}

// serve writes one page in text.
func (c *Collector) serve(w http.ResponseWriter, r *http.Request, others *prometheus.Registry) error {
	format := wanted(r)
	var before map[string]int
	if last := c.lengths.Load(); last != nil {
		before = *last
	}
	t := newText(format.FormatType() == expfmt.TypeOpenMetrics, before)
	c.fill(&page{text: t, drop: c.drop})
	lengths := t.lengths()
	c.lengths.Store(&lengths)
	rest, err := others.Gather()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", string(format))
	w.Header().Set("Vary", "Accept, Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return t.write(w, rest)
	}
	w.Header().Set("Content-Encoding", "gzip")
	z, ok := c.zippers.Get().(*gzip.Writer)
	if !ok {
		if z, err = gzip.NewWriterLevel(w, gzip.BestSpeed); err != nil {
			return err
		}
	}
	defer c.zippers.Put(z)
	z.Reset(w)
	if err := t.write(z, rest); err != nil {
		return err
	}
	return z.Close()
}
