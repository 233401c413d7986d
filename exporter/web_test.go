package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// Each listener has a TLS of its own, and who does not know the password sees nothing.
func TestRealWebConfig(t *testing.T) {
	t.Parallel()
	dir := peers.Dir(t)
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate, and a client that trusts it
	defer secure.Close()
	pair := secure.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	put("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	put("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	const encrypted = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
	// The password is "wonder".
	private := put("private.yml", encrypted+"basic_auth_users: {prometheus: '$2b$04$abcdefghijklmnopqrstuuetGRvO6QNMBbbIoo5tpQkbPXg26U9Qu'}\n")
	public := put("public.yml", encrypted)

	ours, everybodys, canarys := fmt.Sprintf("127.0.0.1:%d", peers.Port(t)), fmt.Sprintf("127.0.0.1:%d", peers.Port(t)), fmt.Sprintf("127.0.0.1:%d", peers.Port(t))
	program := plugintest.Build(t, ".")
	for _, args := range [][]string{
		{
			"serve", "--config.file", put("milepost.yml", idle), "--state-dir", dir, "--web.listen-address", ours, "--web.config.file", private,
			"--web.public-listen-address", everybodys, "--web.public-config.file", public,
		},
		{"canary", "--web.listen-address", canarys, "--web.config.file", public},
	} {
		cmd := program.Command(t.Context(), args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}()
	}
	ask := func(url, user, password string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			r.SetBasicAuth(user, password)
		}
		answer, err := secure.Client().Do(r)
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		return answer.StatusCode, nil
	}
	for _, url := range []string{"https://" + ours + "/-/healthy", "https://" + everybodys + "/status.json", "https://" + canarys + "/"} {
		var err error
		if !peers.Until(30*time.Second, func() bool { _, err = ask(url, "", ""); return err == nil }) {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		url, user, password string
		want                int
	}{
		{"https://" + ours + "/metrics", "", "", 401},
		{"https://" + ours + "/", "prometheus", "wander", 401},
		{"https://" + ours + "/metrics", "prometheus", "wonder", 200},
		{"http://" + ours + "/metrics", "prometheus", "wonder", 400},
		{"https://" + everybodys + "/status.json", "", "", 200},
		{"https://" + everybodys + "/metrics", "prometheus", "wonder", 404},
		{"http://" + everybodys + "/status.json", "", "", 400},
		{"https://" + canarys + "/?nonce=abc", "", "", 200},
		{"http://" + canarys + "/", "", "", 400},
	} {
		if got, err := ask(tt.url, tt.user, tt.password); got != tt.want {
			t.Errorf("%s as %q: %d %v, want %d", tt.url, tt.user, got, err, tt.want)
		}
	}
}

// A file for the listeners that cannot be used is named, with the option that named it.
func TestBadWebConfig(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(bad, []byte("tls_server_config: {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"--web.config.file", "--web.public-config.file"} {
		exit, _, faults := execute("serve", "--config.file", inventoryFile(t, idle), "--state-dir", t.TempDir(),
			"--web.listen-address", "127.0.0.1:0", "--web.public-listen-address", "127.0.0.1:0", option, bad)
		if want := fmt.Sprintf("with %s %q: ", option, bad); exit != 1 || !strings.Contains(faults, want) {
			t.Errorf("%d %s, want %s", exit, faults, want)
		}
	}
}

// State is kept where the inventory says, else where the option does, else where the XDG
// base directories have it.
func TestStateDirectory(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	for _, tt := range []struct{ inventory, flag, xdg, home, want string }{
		{"/a", "/b", "/c", "/d", "/a"},
		{"", "/b", "/c", "/d", "/b"},
		{"", "", "/c", "/d", "/c/milepost"},
		{"", "", "", "/d", "/d/.local/state/milepost"},
	} {
		t.Setenv("XDG_STATE_HOME", tt.xdg)
		t.Setenv("HOME", tt.home)
		if got, err := statePath(tt.inventory, tt.flag); got != tt.want {
			t.Errorf("%+v: %s %v", tt, got, err)
		}
	}
	t.Setenv("HOME", "")
	if got, err := statePath("", ""); err == nil || !strings.Contains(err.Error(), "name one with --state-dir") {
		t.Errorf("%s %v", got, err)
	}
}
