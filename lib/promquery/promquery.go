// Package promquery asks a Prometheus-compatible server for one number, over the
// HTTP API that Prometheus, Thanos, Mimir and VictoriaMetrics share
// (https://prometheus.io/docs/prometheus/latest/querying/api/).
package promquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
)

// A Server is whom to ask.
type Server struct {
	URL     string // where the API begins: http://127.0.0.1:9090
	Headers string // a file of headers, as Headers reads it; "" = none

	Client *http.Client // nil = one that follows no redirect: headers are for URL only
}

// ErrNothing is that the server knows no series that the query fits.
var ErrNothing = errors.New("it knows nothing of that")

// largest is more than one number takes.
const largest = 1 << 20

// Number is what query, an instant query with one series as its result, amounts to
// now. An error names the server, without a password that its URL may hold,
// and without the values of the headers.
func (s Server) Number(ctx context.Context, query string) (float64, error) {
	request, err := s.request(ctx, query)
	if err != nil {
		return 0, err
	}
	header, err := Headers(s.Headers)
	if err != nil {
		return 0, err
	}
	header.AddTo(request)
	v, err := s.ask(request, header.Redact)
	if err != nil {
		if text := header.Redact(err.Error()); text != err.Error() {
			err = errors.New(text)
		}
		return 0, fmt.Errorf("asking Prometheus %q: %w", s.shown(), err)
	}
	return v, nil
}

// shown is the URL without its password.
func (s Server) shown() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return "(no URL)"
	}
	return u.Redacted()
}

func (s Server) request(ctx context.Context, query string) (*http.Request, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("asking Prometheus %q: that is no URL: write http://127.0.0.1:9090", s.shown())
	}
	u = u.JoinPath("api/v1/query")
	u.RawQuery = url.Values{"query": {query}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking Prometheus %q: that is no URL: write http://127.0.0.1:9090", s.shown())
	}
	request.Header.Set("Accept", "application/json")
	return request, nil
}

// ask asks; redact takes out of what the server says what it must not repeat.
func (s Server) ask(request *http.Request, redact func(string) string) (float64, error) {
	client := s.Client
	if client == nil {
		client = &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment, MaxResponseHeaderBytes: 64 << 10},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, why(request.Context(), err)
	}
	defer answer.Body.Close()
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")) // "" is none of ours
	body, err := io.ReadAll(io.LimitReader(answer.Body, largest+1))
	switch {
	case err != nil:
		return 0, why(request.Context(), err)
	case len(body) > largest:
		return 0, fmt.Errorf("its answer is larger than %d bytes", largest)
	case kind == "application/json": // errors too have a text of Prometheus'
		return parse(answer.StatusCode, body, redact)
	case answer.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("it answered %s", answer.Status)
	default:
		return 0, fmt.Errorf("it answered %s and no JSON: is the URL that of a Prometheus?", described(redact(answer.Header.Get("Content-Type"))))
	}
}

func described(contentType string) string {
	kind, _, _ := mime.ParseMediaType(contentType) // in small letters: what is hidden must be hidden before
	if kind == "" {
		return "something without a type"
	}
	return kind
}

// why is err without the URL, which the caller's text names.
func why(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return errors.New("it did not answer in time")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// An answer is the API's.
type answer struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Data   struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
}

// A point is a time and a number in text.
type point [2]json.RawMessage

// parse reads an answer of one number.
func parse(status int, body []byte, redact func(string) string) (float64, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return 0, fmt.Errorf("its answer is no JSON of Prometheus: %w", err)
	}
	if status != http.StatusOK || a.Status != "success" {
		return 0, fmt.Errorf("it answered %d: %s", status, strconv.Quote(cut(redact(a.Error))))
	}
	var p point
	switch a.Data.Type {
	case "scalar":
		if err := json.Unmarshal(a.Data.Result, &p); err != nil {
			return 0, fmt.Errorf("its answer is no JSON of Prometheus: %w", err)
		}
	case "vector":
		var series []struct {
			Value point `json:"value"`
		}
		if err := json.Unmarshal(a.Data.Result, &series); err != nil {
			return 0, fmt.Errorf("its answer is no JSON of Prometheus: %w", err)
		}
		switch len(series) {
		case 0:
			return 0, ErrNothing
		case 1:
			p = series[0].Value
		default:
			return 0, fmt.Errorf("it answered with %d series: have the query make one of them, with avg()", len(series))
		}
	default:
		return 0, fmt.Errorf("it answered with a %s: the query must give one number", strconv.Quote(cut(redact(a.Data.Type))))
	}
	var text string
	if err := json.Unmarshal(p[1], &text); err != nil {
		return 0, errors.New("its answer holds no number")
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("its answer %s is no number", strconv.Quote(cut(redact(text))))
	}
	return v, nil
}

// cut is as much of what a server says as a line has room for.
func cut(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
