package squidauth

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"milepost/lib/secret"
)

// A login is who logs in.
type login struct {
	user     string
	password secret.Value
}

// wrongLogin is credentials that nobody has.
func wrongLogin(w Wrong, user string) login {
	if w == RandomUser {
		user = "milepost-" + strings.ToLower(rand.Text())
	}
	return login{user, secret.New(rand.Text())}
}

// basic is l as RFC 7617 says it.
func (l login) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.user+":"+l.password.Reveal()))
}

// A digest is a nonce of the proxy and how often it was used: RFC 7616, qop=auth.
type digest struct {
	realm, nonce, opaque string
	algorithm            string // as the proxy spelled it; "" = MD5
	hash                 func() hash.Hash
	uses                 uint32
	cnonce               func() string // nil = random
}

// newDigest is the digest that c asks for; nil if it is one that is not spoken
// here: a session algorithm, or no qop=auth.
func newDigest(c challenge) *digest {
	d := &digest{
		realm: c.params["realm"], nonce: c.params["nonce"], opaque: c.params["opaque"],
		algorithm: c.params["algorithm"],
	}
	switch strings.ToUpper(d.algorithm) {
	case "", "MD5":
		d.hash = md5.New
	case "SHA-256":
		d.hash = sha256.New
	default:
		return nil
	}
	offered := strings.FieldsFunc(strings.ToLower(c.params["qop"]), func(r rune) bool { return r == ',' || r == ' ' })
	if c.scheme != "digest" || d.nonce == "" || !slices.Contains(offered, "auth") {
		return nil
	}
	return d
}

// authorize is the credentials for one request (RFC 7616 section 3.4).
func (d *digest) authorize(l login, method, target string) string {
	d.uses++
	cnonce := rand.Text
	if d.cnonce != nil {
		cnonce = d.cnonce
	}
	nc, once := fmt.Sprintf("%08x", d.uses), cnonce()
	a1 := d.sum(l.user + ":" + d.realm + ":" + l.password.Reveal())
	a2 := d.sum(method + ":" + target)
	response := d.sum(strings.Join([]string{a1, d.nonce, nc, once, "auth", a2}, ":"))

	var b strings.Builder
	fmt.Fprintf(&b, "Digest username=%s, realm=%s, nonce=%s, uri=%s", quoted(l.user), quoted(d.realm), quoted(d.nonce), quoted(target))
	if d.algorithm != "" {
		b.WriteString(", algorithm=" + d.algorithm)
	}
	if d.opaque != "" {
		b.WriteString(", opaque=" + quoted(d.opaque))
	}
	fmt.Fprintf(&b, `, response="%s", qop=auth, nc=%s, cnonce=%s`, response, nc, quoted(once))
	return b.String()
}

func (d *digest) sum(text string) string {
	h := d.hash()
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// quoted is text as a quoted-string (RFC 9110 section 5.6.4).
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// An authenticator is how the proxy wants to be told who asks. The zero
// authenticator says it by Basic.
type authenticator struct{ digest *digest }

// authorize is the credentials of l for one request.
func (a *authenticator) authorize(l login, method, target string) string {
	if a.digest != nil {
		return a.digest.authorize(l, method, target)
	}
	return l.basic()
}

// learn takes what a 407 offers. again says that the request before was refused
// because of how it said it, not of what: the nonce was old (RFC 7616 section
// 3.3), or Basic was a guess. No offer changes nothing.
func (a *authenticator) learn(offers []challenge) (again bool, err error) {
	if len(offers) == 0 {
		return false, nil
	}
	var names []string
	for _, c := range offers {
		if c.scheme == "basic" {
			again, a.digest = a.digest != nil, nil
			return again, nil
		}
	}
	for _, c := range offers {
		if d := newDigest(c); d != nil {
			again = a.digest == nil || strings.EqualFold(c.params["stale"], "true")
			a.digest = d
			return again, nil
		}
		names = append(names, c.name())
	}
	return false, fmt.Errorf("the proxy offers only %s: this check speaks Basic, and Digest with MD5 or SHA-256 and qop=auth", strings.Join(names, ", "))
}

// name is the scheme for people.
func (c challenge) name() string {
	n := c.scheme
	if a := c.params["algorithm"]; a != "" {
		n += " " + a
	}
	if c.scheme == "digest" && c.params["qop"] != "" {
		n += " qop=" + c.params["qop"]
	}
	return printable(n, 60)
}
