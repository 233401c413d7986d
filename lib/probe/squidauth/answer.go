package squidauth

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An Answer is what came back to one request.
type Answer struct {
	Method     string // GET or CONNECT
	Status     int    // 0 = no answer came
	SquidError string // X-Squid-Error: who answered was squid, not the origin; "" = it does not say
	Challenged bool   // it has a Proxy-Authenticate
	Breach     *Breach
	Begun      int // status of an answer that a Breach ended; 0 = not even that came
}

// answerTo is the answer to a request of method.
func answerTo(method string, r response) Answer {
	return Answer{
		Method: method, Status: r.status, SquidError: squidError(r.header.Get("X-Squid-Error")),
		Challenged: len(r.header.Values("Proxy-Authenticate")) > 0,
	}
}

// squidError is the error's name in X-Squid-Error. "ERR_ACCESS_DENIED 0" is a
// name and an errno, "302 Access Denied" a redirect of squid's own. Anything
// else squid did not write, and a person need not read.
func squidError(field string) string {
	name, _, _ := strings.Cut(field, " ")
	odd := strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || len(name) > 40
	switch {
	case field == "":
		return ""
	case strings.HasPrefix(name, "ERR_") && !odd:
		return name
	case len(name) == 3 && name[0] == '3' && !odd:
		return "by squid"
	default:
		return "unknown error"
	}
}

// String is "502 ERR_READ_ERROR", or what there was instead of an answer.
func (a Answer) String() string {
	status := strconv.Itoa(a.Status)
	switch {
	case a.Breach != nil && a.Begun != 0:
		return strconv.Itoa(a.Begun) + ", then " + a.Breach.Error()
	case a.Breach != nil:
		return a.Breach.Error()
	case a.SquidError != "":
		return status + " " + a.SquidError
	default:
		return status
	}
}

// began says that the head of an answer came which no proxy gives to credentials that
// it has not taken: so far all was well, whatever ended it.
func (a Answer) began() bool {
	return a.Begun != 0 && a.Begun != http.StatusProxyAuthRequired
}

// refused says that the proxy would not do it for these credentials, or for anybody.
func (a Answer) refused() bool {
	return a.Status == http.StatusProxyAuthRequired || a.denied()
}

// denied says that an access rule of the proxy forbids it. squid can redirect
// whom it denies (deny_info).
func (a Answer) denied() bool {
	return a.Status == http.StatusForbidden ||
		a.SquidError != "" && a.Status >= 300 && a.Status < 400
}

// attempts are squid's errors about a request that it let in and tried to fetch.
// DNS errors are said as ERR_READ_ERROR and ERR_CANNOT_FORWARD by squid 5.7, and
// as ERR_DNS_FAIL by others.
var attempts = []string{
	"ERR_CONNECT_FAIL", "ERR_DNS_FAIL", "ERR_READ_ERROR", "ERR_READ_TIMEOUT", "ERR_ZERO_SIZE_OBJECT",
	"ERR_CANNOT_FORWARD", "ERR_WRITE_ERROR", "ERR_INVALID_RESP", "ERR_SECURE_CONNECT_FAIL", "ERR_SOCKET_FAILURE",
}

// served says that the proxy fetched, or tried to.
func (a Answer) served() bool {
	switch {
	case a.Status == 0 || a.refused():
		return false
	case a.SquidError != "":
		return slices.Contains(attempts, a.SquidError)
	case a.Method == http.MethodConnect:
		return a.Status < 300
	default:
		// A 5xx without squid's name may be whoever stands before the proxy.
		return a.Status < 500
	}
}
