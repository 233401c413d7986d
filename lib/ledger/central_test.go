package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/secret"
)

// A proxy has a log, a ledger and a publisher.
type proxy struct {
	*testing.T
	Config
	central Central
	p       *publisher
}

func newProxy(t *testing.T, server string, central Central) *proxy {
	x := &proxy{T: t, Config: config(t.TempDir()), central: central}
	x.Server = server
	return x
}

// serves logs lines and counts them.
func (x *proxy) serves(lines ...string) {
	x.Helper()
	write(x.T, x.Globs[0], strings.Join(lines, ""))
	follow(x.T, x.Config).Close()
}

// publishes sends what is new; restarted is the exporter's first time.
func (x *proxy) publishes() error {
	x.Helper()
	l, err := Open(x.Context(), x.Config)
	if err != nil {
		x.Fatal(err)
	}
	defer l.Close()
	var stranger string
	var since time.Time
	if x.p != nil {
		stranger, since = x.p.stranger, x.p.since
	}
	x.p = &publisher{Ledger: l, central: x.central, target: "test", forgotten: map[note]bool{}, stranger: stranger, since: since}
	defer x.p.close()
	return x.p.once(x.Context())
}

func (x *proxy) mustPublish() {
	x.Helper()
	if err := x.publishes(); err != nil {
		x.Fatal(err)
	}
}

// waits lets the stranger be silent for long enough.
func (x *proxy) waits() { x.p.since = x.p.since.Add(-2 * quiet) }

// asked is the answer of the fleet's ledger.
func asked(t *testing.T, c Central, q Query) string {
	t.Helper()
	rows, holes, err := c.Usage(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, r := range rows {
		in := "-"
		if r.BytesIn != nil {
			in = fmt.Sprint(*r.BytesIn)
		}
		said = append(said, fmt.Sprintf("%s %d/%s/%d", strings.Join(r.Keys, " "), r.BytesOut, in, r.Requests))
	}
	for _, h := range holes {
		said = append(said, fmt.Sprintf("hole %s %s %d", h.Server, h.Kind, h.Count))
	}
	return strings.Join(said, ", ")
}

func TestRealFleetLedger(t *testing.T) {
	postgres := peers.StartPostgres(t)
	central := Central{URL: postgres.URL, Password: secret.New(postgres.Password)}
	a, b := newProxy(t, "fra-1", central), newProxy(t, "par-1", central)
	byServer := Query{By: []string{"server", "user"}}
	expect := func(situation string, q Query, want string) {
		t.Helper()
		if got := asked(t, central, q); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", situation, got, want)
		}
	}
	alice := func(n int64) string { return line(noon, "TCP_MISS", 200, n, "alice") }

	a.serves(alice(100), line(noon.Add(time.Hour), "TCP_MISS", 200, 5, "b%ffb"), "no line\n")
	b.serves(alice(1000))
	a.mustPublish()
	b.mustPublish()
	a.mustPublish() // twice changes nothing
	expect("two servers", byServer, "par-1 alice 1000/-/1, fra-1 alice 100/-/1, fra-1 b\xffb 5/-/1, hole fra-1 malformed 1")
	expect("all of them", Query{}, " 1105/-/3, hole fra-1 malformed 1")
	expect("by day", Query{By: []string{"day"}, From: noon.Truncate(24 * time.Hour)}, "2026-11-20 1105/-/3, hole fra-1 malformed 1")
	expect("an hour", Query{By: []string{"hour"}, From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}, "2026-11-20T13:00Z 5/-/1, hole fra-1 malformed 1")

	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := Backup(t.Context(), a.Path, backup); err != nil {
		t.Fatal(err)
	}
	var month []string // cut off for a month
	for i := range 31 * 4 {
		month = append(month, line(noon.Add(-40*24*time.Hour+time.Duration(i)*6*time.Hour), "TCP_MISS", 200, 1, fmt.Sprint("user", i%3)))
	}
	a.serves(month...)
	if postgres.Stop(); a.publishes() == nil {
		t.Error("it was sent to nobody")
	}
	postgres.Start()
	a.mustPublish()
	expect("after a month", Query{By: []string{"server", "month"}}, "fra-1 2026-10 82/-/82, fra-1 2026-11 147/-/44, par-1 2026-11 1000/-/1, hole fra-1 malformed 1")

	t.Run("a copy of the machine", func(t *testing.T) {
		clone := newProxy(t, "fra-1", central)
		clone.Path = filepath.Join(t.TempDir(), "ledger.db")
		copyFile(t, a.Path, clone.Path)
		copyFile(t, a.Path+".id", clone.Path+".id")
		a.serves(alice(7))
		a.mustPublish()
		before := asked(t, central, byServer)
		clone.serves(alice(50))
		for range 3 { // the other one writes on: it is alive
			if err := clone.publishes(); err == nil || !strings.Contains(err.Error(), `somebody else writes as server "fra-1" with a copy of this ledger`) {
				t.Errorf("%v", err)
			}
			clone.waits()
			a.mustPublish()
		}
		expect("nothing of the copy", byServer, before)
	})
	t.Run("a ledger that was restored", func(t *testing.T) {
		before := asked(t, central, byServer)
		copyFile(t, backup, a.Path)
		follow(t, a.Config).Close() // counts the log since
		if err := a.publishes(); err == nil {
			t.Error("it was not recognised")
		}
		a.waits()
		a.mustPublish()
		expect("counted anew, and nothing twice", byServer, before)
		a.serves(alice(3))
		a.mustPublish()
		expect("it goes on", Query{By: []string{"server"}}, "par-1 1000/-/1, fra-1 239/-/128, hole fra-1 malformed 1")
	})
	t.Run("a ledger that was damaged, when half of the logs are gone", func(t *testing.T) {
		if err := os.WriteFile(a.Path, []byte(strings.Repeat("garbage ", 4000)), 0o600); err != nil {
			t.Fatal(err)
		}
		remove(t, a.Globs[0])
		a.serves(alice(10000))
		if err := a.publishes(); err == nil {
			t.Error("it was not recognised")
		}
		a.waits()
		a.mustPublish()
		// Of alice's quarter of an hour the larger sum stays; all others are as they were.
		expect("what was known stays", Query{By: []string{"server"}}, "fra-1 10129/-/128, par-1 1000/-/1, hole fra-1 set_aside 1, hole fra-1 malformed 1")
	})
	t.Run("another machine of the same name", func(t *testing.T) {
		other := newProxy(t, "par-1", central)
		other.serves(alice(1))
		err := other.publishes()
		if err == nil || !strings.Contains(err.Error(), `server "par-1" is another ledger's`) {
			t.Fatalf("%v", err)
		}
		id := err.Error()[strings.LastIndex(err.Error(), "adopt ")+len("adopt "):]
		id, _, _ = strings.Cut(id, ". If")
		if err := Adopt(t.Context(), other.Path, id); err != nil {
			t.Fatal(err)
		}
		_ = other.publishes()
		other.waits()
		other.mustPublish()
		other.serves(alice(2000))
		other.mustPublish()
		expect("it took the other's place", Query{By: []string{"server"}}, "fra-1 10129/-/128, par-1 2001/-/2, hole fra-1 set_aside 1, hole fra-1 malformed 1")
	})
	t.Run("a user is forgotten", func(t *testing.T) {
		name, err := central.Forget(t.Context(), "user1")
		if err != nil {
			t.Fatal(err)
		}
		a.serves(alice(1))
		a.mustPublish()
		got := asked(t, central, byServer)
		if strings.Contains(got, "user1") || !strings.Contains(got, "fra-1 "+name+" 41/-/41") {
			t.Errorf("%s", got)
		}
		if sum := asked(t, central, Query{By: []string{"month"}}); !strings.HasPrefix(sum, "2026-10 82/-/82, 2026-11 ") {
			t.Errorf("%s", sum)
		}
		if here := usage(t, a.Config, "user"); here["user1"] != "" {
			t.Errorf("%v", here)
		}
	})
	t.Run("a user is forgotten at one proxy", func(t *testing.T) {
		before := asked(t, central, Query{By: []string{"server"}})
		name, err := Forget(t.Context(), a.Path, "alice")
		if err != nil {
			t.Fatal(err)
		}
		a.mustPublish()
		expect("its sums stay", Query{By: []string{"server"}}, before)
		got := asked(t, central, byServer)
		if strings.Contains(got, "fra-1 alice") || !strings.Contains(got, "fra-1 "+name) || !strings.Contains(got, "par-1 alice") {
			t.Errorf("%s", got)
		}
		if l, err := Open(t.Context(), a.Config); err != nil {
			t.Error(err)
		} else {
			defer l.Close()
			var n int
			if err := l.db.QueryRow("SELECT count(*) FROM forgotten").Scan(&n); err != nil || n != 0 {
				t.Errorf("%d names are still there, %v", n, err)
			}
		}
	})
	t.Run("another zone", func(t *testing.T) {
		a.Timezone = "Asia/Tokyo"
		tokyo, err := time.LoadLocation(a.Timezone)
		if err != nil {
			t.Fatal(err)
		}
		late := newProxy(t, "tyo-1", central)
		late.serves(line(time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC), "TCP_MISS", 200, 7, "late"))
		late.mustPublish()
		late.Timezone = a.Timezone
		late.serves()
		late.mustPublish()
		rows, _, err := central.Usage(t.Context(), Query{Zone: tokyo, By: []string{"user", "day"}})
		if err != nil || !slices.ContainsFunc(rows, func(r Row) bool { return fmt.Sprint(r.Keys) == "[late 2026-11-01]" && r.BytesOut == 7 }) {
			t.Errorf("%v %v", rows, err)
		}
	})
	t.Run("roles that may do no more than they must", func(t *testing.T) { roles(t, postgres) })
	t.Run("a wrong password", func(t *testing.T) {
		_, _, err := Central{URL: postgres.URL, Password: secret.New("geheim")}.Usage(t.Context(), Query{})
		if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "password authentication failed") {
			t.Error(err)
		}
	})
}

// No password goes where others see it: a URL that holds one is refused, and never shown.
func TestAPasswordInTheURL(t *testing.T) {
	for _, url := range []string{
		"postgres://u:geheim@127.0.0.1:1/x", "postgres://u@127.0.0.1:1/x?password=geheim",
		"postgres://u@127.0.0.1:1/x?sslmode=disable&sslpassword=geheim", "postgres://u:geheim%@127.0.0.1:1/x",
	} {
		_, _, err := Central{URL: url}.Usage(t.Context(), Query{})
		if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "carries a password: put it into publish_password_file or PGPASSFILE") {
			t.Errorf("%s: %v", url, err)
		}
	}
	_, _, err := Central{URL: "postgres://u@127.0.0.1:1/x"}.Usage(t.Context(), Query{}) // tried with TLS and without
	if err == nil || err.Error() != `the fleet's ledger "127.0.0.1:1/x": connecting as "u": 127.0.0.1:1 (127.0.0.1): dial tcp 127.0.0.1:1: connect: connection refused` {
		t.Errorf("%v", err)
	}
}

// roles runs contrib/postgresql/roles.sql, and sees what the roles may do.
func roles(t *testing.T, postgres *peers.RunningPostgres) {
	owner, err := Central{URL: postgres.URL, Password: secret.New(postgres.Password)}.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	for _, file := range []string{"schema.sql", "roles.sql"} {
		text, err := os.ReadFile("../../contrib/postgresql/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for statement := range strings.SplitSeq(string(text), ";\n") {
			exec1(t, owner, statement)
		}
	}
	exec1(t, owner, "ALTER ROLE milepost_proxy PASSWORD 'proxies write'")
	exec1(t, owner, "ALTER ROLE milepost_report PASSWORD 'reports read'")
	as := func(role, password string) Central {
		return Central{URL: strings.Replace(postgres.URL, "milepost@", role+"@", 1), Password: secret.New(password)}
	}
	x := newProxy(t, "rol-1", as("milepost_proxy", "proxies write"))
	x.serves(line(noon, "TCP_MISS", 200, 11, "role"))
	x.mustPublish()
	if got := asked(t, as("milepost_report", "reports read"), Query{By: []string{"server"}}); !strings.Contains(got, "rol-1 11/-/1") {
		t.Errorf("%s", got)
	}
	x.central = as("milepost_report", "reports read")
	x.serves(line(noon, "TCP_MISS", 200, 11, "role"))
	if err := x.publishes(); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("the reader wrote: %v", err)
	}
	proxies, err := as("milepost_proxy", "proxies write").open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer proxies.Close()
	if _, err := proxies.Exec("DROP TABLE usage"); err == nil {
		t.Error("a proxy dropped a table")
	}
}

// The file that an administrator runs is what the exporter knows.
func TestTheSchemaInContrib(t *testing.T) {
	b, err := os.ReadFile("../../contrib/postgresql/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != CentralSchema() {
		t.Error("contrib/postgresql/schema.sql is not lib/ledger/central.sql: copy it")
	}
	if !slices.ContainsFunc(strings.Split(CentralSchema(), "\n"), func(s string) bool { return strings.HasPrefix(s, "CREATE TABLE IF NOT EXISTS usage ") }) {
		t.Error("no table usage")
	}
}
