// Package control is how commands talk to the exporter that runs: HTTP over a unix
// socket in its state directory, which its owner and its group may open and nobody
// else.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	name = "control.sock"
	mode = 0o660 // owner and group

	// longestPath is what fits into a socket's address (unix(7)).
	longestPath = 107

	// answerLimit is the most that is read of an answer or a question, in bytes.
	answerLimit = 4 << 20

	dialPatience = 5 * time.Second

	// answerPatience is how long the answer to a question is waited for. An exporter
	// whose disk hangs answers nobody.
	answerPatience = time.Minute
)

// Path is where the socket is in a state directory.
func Path(stateDir string) string { return filepath.Join(stateDir, name) }

// Listen opens the socket. One that was left behind is replaced; one that somebody
// answers at is not: two exporters must not share a state directory.
func Listen(ctx context.Context, stateDir string) (net.Listener, error) {
	path := Path(stateDir)
	doing := fmt.Sprintf("listening on socket %q", path)
	if len(path) > longestPath {
		return nil, fmt.Errorf("%s: its path has more than %d bytes: choose a shorter state_dir", doing, longestPath)
	}
	if err := Free(ctx, stateDir); err != nil {
		return nil, err
	}
	if err := remove(path); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, bare(err))
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", doing, bare(err)), l.Close())
	}
	return l, nil
}

// Free says that no exporter answers in the state directory. What two of them kept
// there, each would overwrite for the other.
func Free(ctx context.Context, stateDir string) error {
	conn, err := (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "unix", Path(stateDir))
	if err != nil {
		return nil //nolint:nilerr // nobody answers: that is what was asked
	}
	_ = conn.Close()
	return fmt.Errorf("listening on socket %q: another milepost-exporter answers there: give this one a state_dir of its own", Path(stateDir))
}

// remove removes a socket that nobody listens on, and nothing else.
func remove(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return bare(err)
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("something is there that is no socket: remove it")
	}
	return bare(os.Remove(path))
}

// Serve answers until ctx ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           http.MaxBytesHandler(h, answerLimit),
		ReadHeaderTimeout: dialPatience,
		ReadTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on socket %q: %w", l.Addr(), err)
	}
	return nil
}

// A Client asks the exporter that runs with a state directory.
type Client struct {
	path     string
	patience time.Duration // with a question
	http     *http.Client
}

// NewClient is a client of the exporter with this state directory.
func NewClient(stateDir string) *Client {
	path := Path(stateDir)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, patience: answerPatience, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Ask makes a request with the JSON of question, nil being none, and reads the answer
// into answer, which may take a minute. What the exporter refuses is an error in its words.
func (c *Client) Ask(ctx context.Context, method, path string, query url.Values, question, answer any) error {
	ctx, stop := context.WithTimeoutCause(ctx, c.patience, fmt.Errorf("no answer within %v: see the exporter's log", c.patience))
	defer stop()
	body, err := c.open(ctx, method, path, query, question)
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, answerLimit))
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		return fmt.Errorf("reading the answer of socket %q: %w", c.path, err)
	}
	return nil
}

// Follow makes a request and copies the answer to w as it comes.
func (c *Client) Follow(ctx context.Context, method, path string, query url.Values, w io.Writer) error {
	body, err := c.open(ctx, method, path, query, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(w, io.LimitReader(body, answerLimit)); err != nil {
		return fmt.Errorf("reading the answer of socket %q: %w", c.path, err)
	}
	return nil
}

// An Absent error is that no exporter answers.
type Absent struct{ err error }

// Error says where it was looked for.
func (a *Absent) Error() string { return a.err.Error() }

// Unwrap is the cause.
func (a *Absent) Unwrap() error { return a.err }

func (c *Client) open(ctx context.Context, method, path string, query url.Values, question any) (io.ReadCloser, error) {
	var text []byte
	if question != nil {
		var err error
		if text, err = json.Marshal(question); err != nil {
			return nil, fmt.Errorf("spelling the question to socket %q: %w", c.path, err)
		}
	}
	at := url.URL{Scheme: "http", Host: "exporter", Path: path, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("asking socket %q: %w", c.path, err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("asking socket %q: %w", c.path, context.Cause(ctx))
		}
		return nil, c.explain(err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of socket %q: %w", c.path, err)
	}
	return nil, errors.New(string(bytes.TrimSpace(said)))
}

func (c *Client) explain(err error) error {
	doing := fmt.Sprintf("connecting to socket %q", c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return &Absent{fmt.Errorf("%s: nobody answers: does milepost-exporter run, with this state directory? --config.file or --state-dir names another", doing)}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied: run this as the exporter's user or a member of its group", doing)
	}
	var e *net.OpError
	if errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// bare is err without the path, which the caller tells.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}
