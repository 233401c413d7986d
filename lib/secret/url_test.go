package secret_test

import (
	"testing"

	"milepost/lib/secret"
)

func TestInURL(t *testing.T) {
	for _, row := range []struct {
		situation, url string
		want           bool
	}{
		{"none", "postgres://u@h/x?sslmode=verify-full", false},
		{"a file of passwords", "postgres://u@h/x?passfile=/etc/pgpass", false},
		{"a path", "/var/lib/milepost/ledger.db", false},
		{"before the host", "postgres://u:geheim@h/x", true},
		{"empty, before the host", "postgres://u:@h/x", true},
		{"in the query", "postgres://u@h/x?sslmode=disable&password=geheim", true},
		{"in the query, escaped", "postgres://u@h/x?p%61ssword=geheim", true},
		{"of a key", "postgres://u@h/x?sslpassword=geheim", true},
		{"no URL at all", "host=h user=u password=geheim", true},
		{"nobody can tell", "postgres://u:ge%heim@h/x", true},
	} {
		if got := secret.InURL(row.url); got != row.want {
			t.Errorf("%s: %v", row.situation, got)
		}
	}
}
