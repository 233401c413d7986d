// Package vantage asks any engine that speaks Prometheus' HTTP API (Prometheus,
// Thanos, Mimir, VictoriaMetrics) what every vantage says of every host, and makes
// votes of it. It is told what it must not believe: an answer in part, one that is
// old, one that is none.
package vantage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"milepost/lib/secret"
)

const (
	// patience is how long one answer may take.
	patience = 10 * time.Second

	// seriesLimit and bytesLimit bound one answer: 10,000 hosts, three checks and ten
	// vantages are 300,000 series, of some 200 bytes.
	seriesLimit = 500_000
	bytesLimit  = 256 << 20

	headersLimit = 64 << 10 // of the headers' file, in bytes
	shownLimit   = 200      // of what an engine says, in a sentence
)

// A Client asks one engine.
type Client struct {
	base    *url.URL
	headers http.Header
	hide    []secret.Value // what no sentence may show
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
	c := &Client{base: base, headers: http.Header{}, series: seriesLimit, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if headersFile == "" {
		return c, nil
	}
	if err := c.read(headersFile); err != nil {
		return nil, fmt.Errorf("reading headers %q: %w", headersFile, err)
	}
	return c, nil
}

// read reads the headers' file.
func (c *Client) read(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		if e, ok := errors.AsType[*os.PathError](err); ok {
			err = e.Err
		}
		return err
	case !info.Mode().IsRegular() || info.Size() > headersLimit:
		return fmt.Errorf("not a regular file of at most %d bytes", headersLimit)
	case info.Mode().Perm()&0o007 != 0:
		return fmt.Errorf("others may open it (mode %04o): run chmod o-rwx %q", info.Mode().Perm(), path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, headersLimit))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); !ok || name == "" || value == "" || strings.ContainsAny(name, " \t") {
			return fmt.Errorf(`line %d is no header: write it as "Name: value"`, n)
		}
		c.headers.Add(name, value)
		c.hide = append(c.hide, secret.New(value))
	}
	return lines.Err()
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
	r.Header = c.headers.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.failed(err)
	}
	defer answer.Body.Close()
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "application/json" {
		return nil, c.failed(fmt.Errorf("%s, and %q instead of JSON: is this the URL that the API is under?", answer.Status, c.shown(kind)))
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
	for _, s := range c.hide {
		text = s.Redact(text)
	}
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
