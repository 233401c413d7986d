package main

import (
	"os"
	"path/filepath"
	"testing"

	"milepost/lib/plugintest"
)

func TestManual(t *testing.T) { plugintest.Manual(t, plugin()) }

func TestHelp(t *testing.T) { plugintest.Golden(t, plugin(), "help", plugintest.Args("--help")) }

func TestUsage(t *testing.T) {
	plugintest.Golden(t, plugin(), "usage",
		plugintest.Args("--expect-host"),
		plugintest.Args("--expect-nameserver dns.example.net"),
		plugintest.Args("--immutable hosts"),
		plugintest.Args("--immutable /etc/hosts --not-immutable /etc/hosts"),
		plugintest.Args("--wallclock dependent"),
		plugintest.Args("--root /srv/fra-1"),
		plugintest.Args("-w 2:1"),
		plugintest.Args("-H 192.0.2.1 -4 -6"),
		plugintest.Args("fra-1"),
	)
}

func TestRealHost(t *testing.T) {
	program := plugintest.Build(t, ".")
	dir := t.TempDir()
	for path, text := range map[string]string{
		"fra-1/etc/hostname":        "fra-1\n",
		"syd-1/etc/hostname":        "vps123\n",
		"syd-1/etc/hosts":           "127.0.0.1 localhost\n",
		"syd-1/var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\n\nPackage: exim4-daemon-light\nStatus: install ok installed\n\nPackage: provider-agent\nStatus: install ok installed\n",
		"packages":                  "bash\n",
		"forbidden":                 "exim4-*\n",
		"here":                      "*\n",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("manual", func(t *testing.T) { plugintest.Examples(t, program, "/srv", dir) })
	for _, tt := range []struct {
		name, args string
		exit       int
		want       string
	}{
		{"this machine's packages", "--root / --packages " + dir + "/here", 0, "HOST_DRIFT OK: looked at 1 thing, all as expected | ..."},
		{"this machine has another name", "--expect-hostname nobody.is-called.so", 2, `HOST_DRIFT CRITICAL: hostname is "...", expected "nobody.is-called.so": run hostnamectl set-hostname nobody.is-called.so; ...`},
		{"a file that cannot have the bit", "--root / --not-immutable /proc/version", 3, `HOST_DRIFT UNKNOWN: looking at the immutable bit of "/proc/version": its file system does not tell (proc has no such flag)...`},
		{"another machine", "-H 192.0.2.1", 3, `HOST_DRIFT UNKNOWN: looking at "192.0.2.1": this check sees the machine that it runs on, and that is "...": run it there, by NRPE, with -H 127.0.0.1`},
		{"the inventory's address", "-H 127.0.0.1 --root " + dir + "/fra-1 --expect-hostname fra-1", 0, "HOST_DRIFT OK: ..."},
	} {
		t.Run(tt.name, func(t *testing.T) { program.Run(t, plugintest.Args(tt.args)...).Expect(t, tt.exit, tt.want) })
	}
}
