package peers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A RunningPostgres is a PostgreSQL with an empty database.
type RunningPostgres struct {
	*Running
	URL      string // without the password: "postgres://milepost@127.0.0.1:port/postgres?sslmode=disable"
	Password string
}

// StartPostgres starts a PostgreSQL. It runs as the user nobody if the test runs as
// root, because PostgreSQL refuses to.
func StartPostgres(tb testing.TB) *RunningPostgres {
	tb.Helper()
	initdb, program := Program(tb, "initdb"), Program(tb, "postgres")
	dir := Dir(tb)
	r := newRunning(tb, dir, Port(tb))
	r.leaveRoot("nobody")
	p := &RunningPostgres{
		Running:  r,
		URL:      fmt.Sprintf("postgres://milepost@%s/postgres?sslmode=disable", r.Addr),
		Password: "not a secret",
	}
	data := filepath.Join(dir, "data")
	secret := write(tb, dir, "password", p.Password+"\n", 0o644)
	create := exec.CommandContext(tb.Context(), initdb, "--pgdata="+data, "--username=milepost", "--pwfile="+secret,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	create.Dir = dir
	create.SysProcAttr = &syscall.SysProcAttr{Credential: r.as}
	if said, err := create.CombinedOutput(); err != nil {
		tb.Fatalf("making a database: %v: %s", err, said)
	}
	r.args = []string{program, "-D", data}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1",
		fmt.Sprintf("port=%d", r.Port),
		"unix_socket_directories=" + dir,
		"fsync=off", // what a power cut would lose is not tested
	} {
		r.args = append(r.args, "-c", setting)
	}
	r.farewell = syscall.SIGINT // SIGTERM waits until the clients have left
	r.ready = p.connects
	r.launch()
	return p
}

// connects logs in.
func (p *RunningPostgres) connects() error {
	ctx, cancel := context.WithTimeout(p.tb.Context(), tryPatience)
	defer cancel()
	config, err := pgx.ParseConfig(p.URL)
	if err != nil {
		return err
	}
	config.Password = p.Password
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	return connection.Close(ctx)
}
