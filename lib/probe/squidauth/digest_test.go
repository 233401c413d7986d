package squidauth_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"
)

var digestParam = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^, ]*))`)

// digestProxy knows alice by Digest. Each nonce is good for uses requests and is
// stale then.
type digestProxy struct {
	algorithm string
	hash      func([]byte) string
	uses      int
	also      string // another challenge beside it

	mu    sync.Mutex
	nonce int
	count int
	stale int // how many requests were told so
}

func md5Hex(b []byte) string    { s := md5.Sum(b); return hex.EncodeToString(s[:]) }
func sha256Hex(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

func (d *digestProxy) serve(c call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	given := map[string]string{}
	for _, m := range digestParam.FindAllStringSubmatch(c.Header.Get("Proxy-Authorization"), -1) {
		given[m[1]] = m[2] + m[3]
	}
	if given["nonce"] != fmt.Sprintf("nonce-%d", d.nonce) {
		d.refuse(c, given["nonce"] != "")
		return
	}
	if d.count++; d.count > d.uses {
		d.refuse(c, true)
		return
	}
	h := func(s string) string { return d.hash([]byte(s)) }
	a1 := h("alice:r:wonder")
	a2 := h(c.Method + ":" + c.RequestURI)
	right := h(a1 + ":" + given["nonce"] + ":" + given["nc"] + ":" + given["cnonce"] + ":auth:" + a2)
	if given["username"] != "alice" || given["uri"] != c.RequestURI || given["response"] != right {
		d.refuse(c, false)
		return
	}
	c.answer(http.StatusOK, "", "hello")
}

func (d *digestProxy) refuse(c call, stale bool) {
	d.nonce++
	d.count = 0
	if stale {
		d.stale++
	}
	c.answer(http.StatusProxyAuthRequired, fmt.Sprintf("%sProxy-Authenticate: Digest realm=\"r\", nonce=\"nonce-%d\", qop=\"auth\", algorithm=%s, stale=%v\r\n",
		d.also, d.nonce, d.algorithm, stale), "")
}

func TestDigest(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		proxy *digestProxy
		stale int
		want  string
	}{
		{"MD5", nil, &digestProxy{algorithm: "MD5", hash: md5Hex, uses: 9}, 0, hello},
		{"SHA-256", nil, &digestProxy{algorithm: "SHA-256", hash: sha256Hex, uses: 9}, 0, hello},
		{"beside Negotiate", nil, &digestProxy{algorithm: "MD5", hash: md5Hex, uses: 9, also: "Proxy-Authenticate: Negotiate\r\n"}, 0, hello},
		{"stale at once is asked again", []string{"--url", "http://other.test/"}, &digestProxy{algorithm: "MD5", hash: md5Hex, uses: 1}, 1, "OK: refused without credentials, refused wrong ones, fetched 2 URLs"},
		{"always stale is refused", nil, &digestProxy{algorithm: "MD5", hash: md5Hex, uses: 0}, 4, "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"},
		{"Basic was a guess", []string{"--no-credentials", "skip", "--wrong", "never"}, &digestProxy{algorithm: "MD5", hash: md5Hex, uses: 9}, 0, "OK: fetched http://ORIGIN/ (200, 5 B)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := origin(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
			s := situation{args: c.args, proxy: c.proxy.serve, want: c.want}
			if got := s.run(t, o.addr, fake(t, s.proxy).addr); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if c.proxy.stale != c.stale {
				t.Errorf("%d requests had an old nonce, want %d", c.proxy.stale, c.stale)
			}
		})
	}
}
