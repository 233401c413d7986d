package squidauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
)

// The canary protocol: an origin that says who asked it.
//
// The probe asks GET <url>?nonce=HEX with a nonce of its own in every request.
// The canary answers 200, Content-Type application/json, Cache-Control no-store:
//
//	{"nonce": "HEX", "client": "192.0.2.1"}
//
// nonce repeats the query's, so that no cache on the way can answer; client is
// the address, without a port, that the canary's connection came from. More
// members may follow. Headers such as X-Forwarded-For are not to be believed:
// what counts is where the connection came from.
type canary struct {
	Nonce  string `json:"nonce"`
	Client string `json:"client"`
}

// maxCanary is how large a canary's answer may be.
const maxCanary = 4 << 10

// nonceParameter is the name of the nonce in the query.
const nonceParameter = "nonce"

var (
	errNoCanary   = errors.New("is no milepost canary: --expect-exit needs one as the first --url")
	errStaleNonce = errors.New("answered with another request's nonce: a cache answered, not the canary")
)

// readCanary is the address that the canary saw, from its answer to nonce.
func readCanary(body []byte, nonce string) (netip.Addr, error) {
	var c canary
	if len(body) > maxCanary || json.Unmarshal(body, &c) != nil || c.Nonce == "" {
		return netip.Addr{}, errNoCanary
	}
	if c.Nonce != nonce {
		return netip.Addr{}, errStaleNonce
	}
	a, err := netip.ParseAddr(c.Client)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("is a canary that saw no address, but %q", printable(c.Client, 60))
	}
	return a.Unmap().WithZone(""), nil
}
