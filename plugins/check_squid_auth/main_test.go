package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

func TestManual(t *testing.T) { plugintest.Manual(t, plugin()) }

func TestHelp(t *testing.T) { plugintest.Golden(t, plugin(), "help", plugintest.Args("--help")) }

func TestUsage(t *testing.T) {
	plugintest.Golden(t, plugin(), "usage",
		nil,
		plugintest.Args("-H 127.0.0.1"),
		plugintest.Args("-H 127.0.0.1 --url http://origin.test/"),
		plugintest.Args("-H 127.0.0.1 --url http://origin.test/ -u alice"),
		plugintest.Args("-H 127.0.0.1 --url ftp://origin.test/"),
		plugintest.Args("-H 127.0.0.1 --url http://alice:wonder@origin.test/"),
		plugintest.Args("-H 127.0.0.1 --password wonder"),
		plugintest.Args("-H 127.0.0.1 --password-file /nonexistent/password"),
		plugintest.Args("-H 127.0.0.1 --wrong always"),
		plugintest.Args("-H 127.0.0.1 --no-credentials maybe"),
		plugintest.Args("-H 127.0.0.1 --expect-status 99"),
		plugintest.Args("-H 127.0.0.1 -w :"),
	)
}

func TestReal(t *testing.T) {
	program := plugintest.Build(t, ".")
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	t.Cleanup(origin.Close)
	squid := peers.StartSquid(t, peers.Squid{Users: map[string]string{"monitor": "swordfish"}})
	open := peers.StartSquid(t, peers.Squid{})
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("manual", func(t *testing.T) {
		at := func(port int) string { return fmt.Sprintf("-H 127.0.0.1 -p %d", port) }
		plugintest.Examples(t, program,
			"/etc/milepost/squid.password", password,
			"http://canary.example.net/", origin.URL+"/",
			"-H fra-1.example.net", at(squid.Port),
			"-H open-1.example.net", at(open.Port),
			"-H gone-1.example.net", at(peers.Port(t)),
		)
	})
	silent := plugintest.Silent(t)
	for _, tt := range []struct {
		name string
		port int
		args string
		exit int
		want string
	}{
		{"no wrong password", squid.Port, "--wrong never", 0, "SQUID_AUTH OK: refused without credentials, fetched ..."},
		{"another text", squid.Port, "--expect goodbye --no-direct", 2, "SQUID_AUTH CRITICAL: ... does not contain \"goodbye\"..."},
		{"it is slow", squid.Port, "-c @0:", 2, "SQUID_AUTH CRITICAL: slow: ..."},
		{"it accepts and says nothing", silent, "-t 1", 2, "SQUID_AUTH CRITICAL: ...no answer within ...ms..."},
		{"an exit that only a canary can tell", squid.Port, "--expect-exit 192.0.2.1", 3, "SQUID_AUTH UNKNOWN: ... is no milepost canary: --expect-exit needs one as the first --url..."},
		{"the other family", squid.Port, "-6", 3, "SQUID_AUTH UNKNOWN: address \"127.0.0.1\" is not of the family that was asked for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"-H", "127.0.0.1", "-p", fmt.Sprint(tt.port), "-u", "monitor", "--password-file", password, "--url", origin.URL + "/"}, plugintest.Args(tt.args)...)
			program.Run(t, args...).Expect(t, tt.exit, tt.want)
		})
	}
}
