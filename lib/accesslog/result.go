package accesslog

import "bytes"

// A Result is what came of a request, as one word.
type Result uint8

// The results.
const (
	Other   Result = iota
	Hit            // answered from the cache, after asking the origin or not
	Miss           // fetched
	Tunnel         // CONNECT or an upgraded connection
	Denied         // by a login or an ACL
	Aborted        // the client left, or time was up
	Error          // no answer, or squid's or the origin's 5xx
)

// Results is every Result.
var Results = [...]Result{Hit, Miss, Tunnel, Denied, Aborted, Error, Other}

// String is the word.
func (r Result) String() string {
	switch r {
	case Hit:
		return "hit"
	case Miss:
		return "miss"
	case Tunnel:
		return "tunnel"
	case Denied:
		return "denied"
	case Aborted:
		return "aborted"
	case Error:
		return "error"
	default:
		return "other"
	}
}

// Result classifies a line by squid's result code (LogTags.cc). How it ended
// comes before how it was served: an aborted hit is aborted.
func (l *Line) Result() Result {
	switch string(l.Tag) {
	case "TCP_TUNNEL":
		return l.tunnel()
	case "TCP_MISS", "TCP_REFRESH_MODIFIED", "TCP_CLIENT_REFRESH_MISS", "TCP_SWAPFAIL_MISS":
		return l.fetched()
	case "TCP_DENIED", "TCP_DENIED_REPLY":
		return Denied
	case "TCP_HIT", "TCP_MEM_HIT", "TCP_IMS_HIT", "TCP_INM_HIT", "TCP_NEGATIVE_HIT", "TCP_OFFLINE_HIT",
		"TCP_REFRESH_UNMODIFIED", "TCP_REFRESH_FAIL_OLD", "TCP_REFRESH_FAIL": // LogTags::isTcpHit
		return Hit
	}
	return l.rare()
}

// rare classifies the codes with suffixes and those of no HTTP request.
func (l *Line) rare() Result {
	has := func(s string) bool { return bytes.Contains(l.Tag, []byte(s)) }
	switch {
	case bytes.HasPrefix(l.Tag, []byte("UDP_")), bytes.HasPrefix(l.Tag, []byte("ICP_")):
		return Other // another cache asked
	case has("_ABORTED"), has("_TIMEDOUT"):
		return Aborted
	case has("_DENIED"):
		return Denied
	case has("_FAIL_ERR"), has("NONE"):
		return l.failed(Other)
	case has("_TUNNEL"):
		return l.tunnel()
	case has("_HIT"), has("_UNMODIFIED"), has("_FAIL"):
		return Hit
	case has("_MISS"), has("_MODIFIED"), has("_REFRESH"):
		return l.fetched()
	default:
		return Other
	}
}

// tunnel believes the bytes before the status: squid 6.0 to 6.6 log good
// tunnels as 500 (bug 5274).
func (l *Line) tunnel() Result {
	if l.Status == 500 && l.Sent > 0 {
		return Tunnel
	}
	return l.failed(Tunnel)
}

func (l *Line) fetched() Result {
	if l.Status == 0 || l.Status >= 500 {
		return Error
	}
	return Miss
}

// failed is Error if squid's own answer was one, else otherwise.
func (l *Line) failed(otherwise Result) Result {
	if l.Status == 0 || l.Status >= 400 {
		return Error
	}
	return otherwise
}
