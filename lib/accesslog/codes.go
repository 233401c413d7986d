package accesslog

import "strings"

// A meaning is what a field is to a Line.
type meaning uint8

const (
	nothing meaning = iota // skipped
	seconds
	fraction // of the second
	clock
	tag
	status
	sent
	received
	total // sent and received
	sequence
	user
)

// A class is which bytes squid may write for a code that is not quoted.
type class uint8

const (
	word    class = iota // no space and nothing that is no character
	natural              // digits
	number               // digits, a point, a sign; "-" where there is none
	upper                // LIKE_THIS
	address
	peer   // an address or a host's name, which may hold what no name should; no space, no slash
	reason // the name of an error, or what squid says of it: no space, no slash
	method
	text    // anything
	escaped // anything, of which squid writes what is unsafe in a URL as %XX
)

// The reserved and the unsafe bytes are those of squid's lib/rfc1738.c.
const unsafeInURL = "<>\"#{}|\\^~[]`'"

// set is the bytes that a value of the class may hold. "-" is in all of them.
func (c class) set() byteset {
	return setOf(func(b byte) bool {
		letter, digit := b|0x20-'a' < 26, b-'0' < 10
		switch c {
		case natural:
			return digit
		case number:
			return digit || b == '-' || b == '.'
		case upper:
			return b >= '@' && b <= '_' || b == '-'
		case address:
			return letter || digit || strings.IndexByte(".:%-", b) >= 0
		case peer:
			return b > ' ' && b != '/'
		case reason:
			return letter || digit || strings.IndexByte("_-+=.:,", b) >= 0
		case method:
			return letter || digit || strings.IndexByte("!#$%&'*+-.^_`|~:", b) >= 0
		case text:
			return b != '\n'
		case escaped:
			return b > ' ' && b < 0x7f && strings.IndexByte(unsafeInURL, b) < 0
		default:
			return b > ' ' && b != 0x7f
		}
	})
}

// A known is a % code that squid knows.
type known struct {
	name  string
	class class
	means meaning
}

// codes are squid 5.7's (src/format/Token.cc), and those that 4, 6 and 7 have
// beside them. Where one begins with another, the longer is meant.
var codes = [...]known{
	{"ts", natural, seconds},
	{"tu", natural, fraction},
	{"tl", text, clock},
	{"tg", text, clock},
	{"Ss", upper, tag},
	{">Hs", natural, status},
	{"Hs", natural, status},
	{"<st", natural, sent},
	{">st", natural, received},
	{"st", natural, total},
	{"sn", natural, sequence},
	{"un", text, user},
	{"ul", text, user},
	{"ue", text, user},
	{"us", text, user},
	{"ui", word, user}, // of RFC 1413, which nobody speaks any more: "-"
	{"EXT_USER", text, user},
	{"LOGIN", text, user},
	{"IDENT", word, user},

	{">a", address, nothing},
	{">A", peer, nothing},
	{">p", number, nothing},
	{">eui", address, nothing},
	{">la", address, nothing},
	{">lp", number, nothing},
	{">qos", address, nothing},
	{">nfmark", address, nothing},
	{"la", address, nothing},
	{"lp", number, nothing},
	{"<a", peer, nothing},
	{"<A", peer, nothing},
	{"<p", number, nothing},
	{"<la", address, nothing},
	{"<lp", number, nothing},
	{"oa", address, nothing},
	{"<qos", address, nothing},
	{"<nfmark", address, nothing},
	{">handshake", word, nothing},

	{"tS", number, nothing},
	{"tr", number, nothing},
	{"dt", number, nothing},
	{"<pt", number, nothing},
	{"<tt", number, nothing},
	{"busy_time", number, nothing},

	{"rm", method, nothing},
	{">rm", method, nothing},
	{"<rm", method, nothing},
	{"ru", word, nothing},
	{">ru", escaped, nothing},
	{"<ru", escaped, nothing},
	{">rs", escaped, nothing},
	{"<rs", escaped, nothing},
	{">rd", escaped, nothing},
	{"<rd", escaped, nothing},
	{">rP", number, nothing},
	{"<rP", number, nothing},
	{"rp", escaped, nothing},
	{">rp", escaped, nothing},
	{"<rp", escaped, nothing},
	{"rv", number, nothing},
	{">rv", number, nothing},
	{"<rv", number, nothing},
	{">v", number, nothing},
	{"rG", escaped, nothing},
	{">h", escaped, nothing},
	{"<h", escaped, nothing},
	{">ha", escaped, nothing},
	{"<Hs", number, nothing},
	{"mt", word, nothing},
	{">sh", number, nothing},
	{"<sh", number, nothing},
	{"<sH", number, nothing},
	{"<sS", number, nothing},
	{"<bs", number, nothing},
	{"Sh", upper, nothing},
	{"err_code", reason, nothing},
	{"err_detail", reason, nothing},
	{"request_attempts", number, nothing},
	{"note", escaped, nothing},
	{"et", escaped, nothing},
	{"ea", escaped, nothing},
	{"credentials", text, nothing},
	{"master_xaction", number, nothing},

	{"ssl::bump_mode", word, nothing},
	{"ssl::>sni", word, nothing},
	{"ssl::>cert_subject", text, nothing},
	{"ssl::>cert_issuer", text, nothing},
	{"ssl::<cert_subject", text, nothing},
	{"ssl::<cert_issuer", text, nothing},
	{"ssl::<cert_errors", text, nothing},
	{"ssl::<cert", escaped, nothing},
	{"ssl::>negotiated_version", word, nothing},
	{"ssl::<negotiated_version", word, nothing},
	{"ssl::>negotiated_cipher", word, nothing},
	{"ssl::<negotiated_cipher", word, nothing},
	{"ssl::>received_hello_version", word, nothing},
	{"ssl::<received_hello_version", word, nothing},
	{"ssl::>received_supported_version", word, nothing},
	{"ssl::<received_supported_version", word, nothing},
	{"icap::tt", number, nothing},
	{"icap::tr", number, nothing},
	{"icap::tio", number, nothing},
	{"icap::to", upper, nothing},
	{"icap::Hs", number, nothing},
	{"icap::<A", address, nothing},
	{"icap::<service_name", word, nothing},
	{"icap::ru", word, nothing},
	{"icap::rm", method, nothing},
	{"icap::>st", number, nothing},
	{"icap::<st", number, nothing},
	{"icap::<bs", number, nothing},
	{"icap::>h", escaped, nothing},
	{"icap::<h", escaped, nothing},
	{"icap::<last_h", escaped, nothing},
	{"adapt::<last_h", escaped, nothing},
	{"adapt::sum_trs", text, nothing},
	{"adapt::all_trs", text, nothing},
	{"proxy_protocol::>h", escaped, nothing},
	{"transport::>connection_id", number, nothing},

	{"ACL", word, nothing}, // of external_acl_type, which logformat takes too
	{"DATA", text, nothing},
	{"DST", escaped, nothing},
	{"EXT_LOG", escaped, nothing},
	{"EXT_TAG", escaped, nothing},
	{"METHOD", method, nothing},
	{"MYADDR", address, nothing},
	{"MYPORT", number, nothing},
	{"PATH", escaped, nothing},
	{"PORT", number, nothing},
	{"PROTO", escaped, nothing},
	{"SRCEUI48", address, nothing},
	{"SRCEUI64", address, nothing},
	{"SRCPORT", number, nothing},
	{"SRC", address, nothing},
	{"TAG", escaped, nothing},
	{"URI", escaped, nothing},
}

// lookUp is the code that s begins with, and how long its name is in s.
func lookUp(s string) (k known, length int, ok bool) {
	prefix := 0
	if rest, found := strings.CutPrefix(s, "http::"); found {
		s, prefix = rest, len("http::")
	}
	if rest, found := strings.CutPrefix(s, "tls::"); found { // the new name of ssl::, and as long
		s = "ssl::" + rest
	}
	for _, c := range codes {
		if strings.HasPrefix(s, c.name) && len(c.name) > len(k.name) {
			k, ok = c, true
		}
	}
	return k, prefix + len(k.name), ok
}
