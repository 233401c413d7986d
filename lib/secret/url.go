package secret

import (
	"net/url"
	"strings"
)

// InURL says that a URL carries a password, which belongs into a file: before its host,
// or in its query, where libpq and its like take password and sslpassword. Of a URL
// that cannot be read it says so where there may be one.
func InURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return strings.Contains(text, "@") || strings.Contains(strings.ToLower(text), "password")
	}
	if _, typed := u.User.Password(); typed {
		return true
	}
	if u.Scheme == "" && strings.Contains(strings.ToLower(text), "password=") {
		return true // libpq's other way to write it: key=value ...
	}
	for key := range u.Query() {
		if strings.Contains(strings.ToLower(key), "password") {
			return true
		}
	}
	return false
}
