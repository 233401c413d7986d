// Package vantage asks any engine that speaks Prometheus' HTTP API (Prometheus,
// Thanos, Mimir, VictoriaMetrics) what every vantage says of every host, and makes
// votes of it. It is told what it must not believe: an answer in part, one that is
// old, one that is none.
package vantage

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"milepost/lib/promquery"
)

const (
	// patience is how long one answer may take.
	patience = 10 * time.Second

	// seriesLimit and bytesLimit bound one answer: 10,000 hosts, three checks and ten
	// vantages are 300,000 series, of some 200 bytes.
	seriesLimit = 500_000
	bytesLimit  = 256 << 20

	shownLimit = 200 // of what an engine says, in a sentence
)

// A Client asks one engine.
type Client struct {
	base    *url.URL
	headers promquery.Header
	http    *http.Client
	series  int // that an answer may have
}

// New is a client of the engine at address: the URL that its API is under, such as
// http://prometheus:9090 or https://mimir/prometheus. headersFile holds "Name: value"
// lines (a tenant, a token) and must not be readable by others; "" = none.
func New(address, headersFile string) (*Client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("%q is no URL of an API: write it as http://prometheus:9090", address)
	}
	if base.User != nil {
		return nil, errors.New("the URL carries a login: put an Authorization header into headers_file")
	}
	headers, err := promquery.Headers(headersFile)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, headers: headers, series: seriesLimit, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// query evaluates an expression at one moment. Whatever is not a whole answer is an
// error.
func (c *Client) query(ctx context.Context, expression string, at time.Time) ([]sample, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	form := url.Values{
		"query": {expression}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)},
		"partial_response":      {"false"}, // Thanos; others do not know it
		"deny_partial_response": {"1"},     // VictoriaMetrics
	}
	u := c.base.JoinPath("api", "v1", "query")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, c.failed(err)
	}
	c.headers.AddTo(r)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.failed(err)
	}
	defer answer.Body.Close()
	contentType := answer.Header.Get("Content-Type")
	if kind, _, _ := mime.ParseMediaType(contentType); kind != "application/json" {
		kind, _, _ = mime.ParseMediaType(c.shown(contentType)) // in small letters: what is hidden must be hidden before
		return nil, c.failed(fmt.Errorf("%s, and %q instead of JSON: is this the URL that the API is under?", answer.Status, kind))
	}
	all, err := decode(&limited{r: answer.Body, left: bytesLimit}, c.series)
	if err != nil {
		return nil, c.failed(fmt.Errorf("%s: %w", answer.Status, err))
	}
	if answer.StatusCode != http.StatusOK {
		return nil, c.failed(errors.New(answer.Status))
	}
	return all, nil
}

// failed is err as a sentence, without what was sent.
func (c *Client) failed(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no whole answer within %v", patience)
	}
	return fmt.Errorf("asking %q for the votes: %s", c.base.Redacted(), c.shown(err.Error()))
}

// shown is what an engine said, short, printable, and without our secrets.
func (c *Client) shown(text string) string {
	text = c.headers.Redact(text)
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if all := []rune(text); len(all) > shownLimit {
		text = string(all[:shownLimit]) + "…"
	}
	return text
}
