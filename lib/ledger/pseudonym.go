package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"milepost/lib/secret"
)

// pseudonym is a name that stands for a user: the same as long as the key is, and
// the user is not to be found from it without the key (HMAC-SHA256, RFC 2104, of
// which 80 bits are kept: no two of a million users are likely to share one).
func pseudonym(key secret.Value, user string) string {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write([]byte(user))
	return "u-" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:10]))
}
