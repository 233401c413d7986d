package peers_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"milepost/lib/peers"
)

func TestRealPostgresKeepsATable(t *testing.T) {
	p := peers.StartPostgres(t)
	config, err := pgx.ParseConfig(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.ConnectConfig(t.Context(), config); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("connecting without a password: %v, want a refusal", err)
	}
	config.Password = p.Password
	for _, step := range []string{"CREATE TABLE usage AS SELECT 'alice' AS who", "before", "after a crash"} {
		if step == "after a crash" {
			p.Kill()
			p.Start()
		}
		connection, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close(t.Context())
		if strings.HasPrefix(step, "CREATE") {
			if _, err := connection.Exec(t.Context(), step); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var who string
		if err := connection.QueryRow(t.Context(), "SELECT who FROM usage").Scan(&who); err != nil || who != "alice" {
			t.Errorf("%s the table says %q, %v", step, who, err)
		}
	}
}
