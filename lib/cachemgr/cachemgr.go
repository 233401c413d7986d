// Package cachemgr asks squid's cache manager for its counters, and for the bytes
// of the tunnels that are open now. It asks for the pages of a list and no others:
// some print what clients typed, their passwords too (basicauthenticator).
package cachemgr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Manager is a squid's, at 127.0.0.1:3128.
type Manager struct {
	Address string // as it was configured
	client  *http.Client
}

// A page is one of the cache manager's that may be asked for.
type page string

// The pages. There is no way to ask for another.
const (
	counters       page = "counters"
	serviceTimes   page = "service_times"
	activeRequests page = "active_requests"
)

const (
	patience = 5 * time.Second // of one page
	most     = 32 << 20        // bytes of a page: a hundred thousand open requests
)

// New is the manager at address, which must be this machine's: squid tells others
// nothing, and what it tells of its users is not for the wire.
func New(address string) (*Manager, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("cache_manager %q: write an address with a port, as 127.0.0.1:3128", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) || port == "" {
		return nil, fmt.Errorf("cache_manager %q: only this machine's squid is asked: write 127.0.0.1:3128", address)
	}
	return &Manager{address, &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{Proxy: nil, MaxIdleConns: 1, ResponseHeaderTimeout: patience, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}, nil
}

// get is one page. squid 3.2 to 7 answer at this path.
func (m *Manager) get(ctx context.Context, p page) (string, error) {
	where := "http://" + m.Address + "/squid-internal-mgr/" + string(p)
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("asking the cache manager of %q for %s: %w", m.Address, p, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return fail(err)
	}
	answer, err := m.client.Do(request)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the text has the address already
		}
		return fail(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusProxyAuthRequired:
		return fail(fmt.Errorf("squid refuses with %d: put \"http_access allow localhost manager\" before the other http_access lines of squid.conf", answer.StatusCode))
	case answer.StatusCode != http.StatusOK:
		return fail(fmt.Errorf("squid answers %d", answer.StatusCode))
	case err != nil:
		return fail(err)
	case len(text) > most:
		return fail(fmt.Errorf("more than %d MB", most>>20))
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n"), nil
}
