// Package vantage asks any engine that speaks Prometheus' HTTP API (Prometheus,
// Thanos, Mimir, VictoriaMetrics) what every vantage says of every host, and makes
// votes of it. It is told what it must not believe: an answer in part, one that is
// old, one that is none.
package vantage

import (
	"bufio"
	"context"
	"encoding/json"
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

// A sample is one series of an answer.
type sample struct {
	labels map[string]string
	value  float64
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

// errTooLong is that an answer is longer than one may be.
var errTooLong = fmt.Errorf("its answer is longer than %d MB", bytesLimit>>20)

// limited is a reader that fails where it would read more than it may.
type limited struct {
	r    io.Reader
	left int64
}

// Read reads.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// A reply is the envelope of an answer, but for its samples.
type reply struct {
	Status    string
	Error     string
	Warnings  []string
	IsPartial bool // VictoriaMetrics
}

// decode reads an answer of at most so many series as it comes, so that one that is
// too long costs no memory.
func decode(r io.Reader, most int) ([]sample, error) {
	in := json.NewDecoder(r)
	if err := expect(in, json.Delim('{')); err != nil {
		return nil, garbled(err)
	}
	var head reply
	var all []sample
	kind, seen := "", false
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return nil, garbled(err)
		}
		into := map[any]any{"status": &head.Status, "error": &head.Error, "warnings": &head.Warnings, "isPartial": &head.IsPartial}[key]
		switch {
		case key == "data":
			seen = true
			kind, all, err = decodeData(in, most)
		case into != nil:
			err = in.Decode(into)
		default:
			var skip json.RawMessage
			err = in.Decode(&skip)
		}
		if err != nil {
			return nil, garbled(err)
		}
	}
	switch {
	case head.Status != "success":
		return nil, fmt.Errorf("it says %q: %s", head.Status, head.Error)
	case head.IsPartial || len(head.Warnings) > 0:
		return nil, fmt.Errorf("an answer in part, which is none: %s", strings.Join(head.Warnings, "; "))
	case !seen || kind != "vector":
		return nil, fmt.Errorf("a result of type %q instead of a vector", kind)
	}
	return all, nil
}

func decodeData(in *json.Decoder, most int) (kind string, all []sample, err error) {
	if err := expect(in, json.Delim('{')); err != nil {
		return "", nil, err
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return "", nil, err
		}
		switch key {
		case "resultType":
			err = in.Decode(&kind)
		case "result":
			all, err = decodeSamples(in, most)
		default:
			var skip json.RawMessage
			err = in.Decode(&skip)
		}
		if err != nil {
			return "", nil, err
		}
	}
	return kind, all, expect(in, json.Delim('}'))
}

func decodeSamples(in *json.Decoder, most int) ([]sample, error) {
	open, err := in.Token()
	if err != nil || open == nil { // VictoriaMetrics says null for nothing
		return nil, err
	}
	if open != json.Delim('[') {
		return nil, fmt.Errorf("%v where a list should be", open)
	}
	var all []sample
	for in.More() {
		if len(all) == most {
			return nil, fmt.Errorf("more than %d series: is this the engine of one fleet?", most)
		}
		var one struct {
			Metric map[string]string
			Value  [2]any
		}
		if err := in.Decode(&one); err != nil {
			return nil, err
		}
		text, ok := one.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("%v is no value", one.Value[1])
		}
		all = append(all, sample{one.Metric, v})
	}
	return all, expect(in, json.Delim(']'))
}

func expect(in *json.Decoder, want json.Delim) error {
	got, err := in.Token()
	if err == nil && got != want {
		err = fmt.Errorf("%v where %v should be", got, want)
	}
	return err
}

func garbled(err error) error {
	if errors.Is(err, errTooLong) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("its answer breaks off")
	}
	return fmt.Errorf("its answer is not that of the API: %w", err)
}
