package accesslog

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shown is a user's key as people, labels and files see it: UTF-8 as it is,
// control characters and bytes that are not UTF-8 as %XX, and a % that two hex
// digits follow as %25. No two keys look alike; ParseShown is the way back.
func Shown(key string) string {
	if plain(key) {
		return key
	}
	var b strings.Builder
	for i := 0; i < len(key); {
		r, n := utf8.DecodeRuneInString(key[i:])
		char := key[i : i+n]
		switch {
		case hides(r, n):
			for _, c := range []byte(char) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		case startsHex(key[i:]):
			b.WriteString("%25")
		default:
			b.WriteString(char)
		}
		i += n
	}
	return b.String()
}

// plain says that key is shown as it is.
func plain(key string) bool {
	for _, r := range key {
		if r == '%' || unicode.IsControl(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// hides says that a character is not for showing: n is how many bytes it took.
func hides(r rune, n int) bool {
	return r == utf8.RuneError && n == 1 || unicode.IsControl(r)
}

// startsHex says that s starts with what ParseShown would decode.
func startsHex(s string) bool {
	return len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

// ParseShown is the key that Shown shows as s.
func ParseShown(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if startsHex(s[i:]) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}
