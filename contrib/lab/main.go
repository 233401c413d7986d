// milepost-lab is a world in a box: ten cities as network namespaces, as far from each
// other as pings once were, each with a proxy's servers, and milepost watching them
// from one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// A scene is how large a world is wanted.
type scene struct {
	cities   []string // none = all
	vantages int
}

// parse reads the options of a scene.
func parse(args []string) (scene, error) {
	s := scene{vantages: 1}
	for ; len(args) > 1; args = args[2:] {
		var err error
		switch args[0] {
		case "--vantages":
			s.vantages, err = strconv.Atoi(args[1])
		case "--cities":
			s.cities = strings.Split(args[1], ",")
		default:
			return s, fmt.Errorf("no option %q", args[0])
		}
		if err != nil {
			return s, fmt.Errorf("%s: %q is no number", args[0], args[1])
		}
	}
	if len(args) > 0 {
		return s, fmt.Errorf("%s: needs a value", args[0])
	}
	w := plan("", s.cities...)
	for _, name := range s.cities {
		if _, err := plan("").city(name); err != nil {
			return s, err
		}
	}
	if n := len(w.cities); n < 2 || s.vantages < 1 || s.vantages > n {
		return s, fmt.Errorf("a world has two cities or more, and this one from 1 to %d vantages", n)
	}
	return s, nil
}

const usage = `milepost-lab                  builds the world and runs it until Ctrl-C (root)
  --vantages N                with an exporter in so many cities, one of which judges for all
  --cities CITY,...           of these cities alone
milepost-lab set ORDER...     changes the world that runs
milepost-lab show             tells what it is like
milepost-lab exec CITY COMMAND...
                              runs a command in a city

Orders:
`

// run is the program; its result is the exit code.
func run(args []string, in io.Reader, out, faults io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	command, all := "", args
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	var err error
	switch command {
	case "set":
		err = tell(ctx, out, args)
	case "show":
		err = tell(ctx, out, []string{"show"})
	case "exec":
		return execute(ctx, args, in, out, faults)
	case "inside": // see place
		err = inside(args)
	case "clock": // see clock
		if len(args) != 1 {
			err = errors.New("clock FILE")
			break
		}
		err = tellTime(args[0], in, out)
	case "-h", "--help", "help":
		help(out)
	default:
		if command != "" && !strings.HasPrefix(command, "--") {
			help(faults)
			err = fmt.Errorf("no command %q", command)
			break
		}
		var wanted scene
		if wanted, err = parse(all); err == nil {
			err = live(ctx, out, wanted)
		}
	}
	if err != nil {
		fmt.Fprintf(faults, "milepost-lab: %v\n", err)
		return 1
	}
	return 0
}

func help(w io.Writer) {
	fmt.Fprint(w, usage)
	for _, o := range orders() {
		if o.about != "" {
			fmt.Fprintf(w, "  %-28s %s\n", o.name+" "+o.operands, o.about)
		}
	}
}

func tell(ctx context.Context, out io.Writer, words []string) error {
	text, err := give(ctx, socket, words)
	if err == nil {
		fmt.Fprintln(out, text)
	}
	return err
}

// live makes the world and ends it when ctx ends.
func live(ctx context.Context, out io.Writer, wanted scene) error {
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	bin, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range []string{"ip", "squid", "snmpd", "unbound", "nrpe", "prometheus"} {
		if _, err := program(name); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "milepost-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // squid and nrpe are other users
		return err
	}
	w, err := newWorld(dir, wanted.cities...)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer w.end()
	defer stop()
	l := &lab{world: w, towns: map[string]*town{}}
	if err := l.listen(ctx, socket); err != nil {
		return err
	}
	w.route(ctx)
	return l.live(ctx, out, filepath.Dir(bin), wanted.vantages)
}

// live starts every server and says where to look.
func (l *lab) live(ctx context.Context, out io.Writer, bin string, vantages int) error {
	for _, c := range l.cities {
		t, err := l.settle(c, bin)
		if err != nil {
			return err
		}
		if err := t.all(ctx); err != nil {
			return err
		}
		l.towns[c.ID] = t
	}
	vantage, err := l.observe(ctx, vantages)
	if err != nil {
		return err
	}
	// Some hosts always lose a little.
	for _, line := range []string{"loss moscow 2", "jitter brisbane 3ms", "jitter sydney 1ms"} {
		if _, err := l.obey(line); err != nil && len(l.cities) == len(plan("").cities) {
			return err
		}
	}
	urls := map[int]string{}
	for _, port := range []int{exporterPort, prometheusPort} {
		from, err := listenNear(ctx, port)
		if err != nil {
			return err
		}
		urls[port] = "http://" + from.Addr().String() + "/"
		l.forward(ctx, from, vantage.city, port)
	}
	if err := vantage.ready(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d cities, seen from %s: %s\nPrometheus: %s\nChange the world: milepost-lab set loss paris 20 (milepost-lab help). Ctrl-C ends it.\n",
		len(l.cities), vantage.Name, urls[exporterPort], urls[prometheusPort])
	<-ctx.Done()
	fmt.Fprintln(out, "the world ends")
	return nil
}

// observe starts the exporters of so many cities, and in the first, the vantage, the
// Prometheus that knows what all of them see.
func (l *lab) observe(ctx context.Context, vantages int) (*town, error) {
	var exporters []*town
	for _, c := range l.cities[:vantages] {
		exporters = append(exporters, l.towns[c.ID])
	}
	vantage, engine := exporters[0], ""
	if vantages > 1 {
		engine = "http://" + loopback(prometheusPort).String()
	}
	err := vantage.canary(ctx)
	for _, t := range exporters {
		if err == nil {
			err = t.watch(ctx, engine)
		}
		engine = "" // one judges for all
	}
	if err == nil {
		err = vantage.prometheus(ctx, exporters)
	}
	return vantage, err
}

// listenNear listens on the port, or, if somebody does already, on any.
func listenNear(ctx context.Context, port int) (net.Listener, error) {
	from, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return from, nil
}

// ready waits until the exporter serves.
func (t *town) ready(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := t.dial(patience, loopback(exporterPort))
		if err == nil {
			return conn.Close()
		}
		if err := t.servers["exporter"].ended(); err != nil {
			return err
		}
		select {
		case <-patience.Done():
			if ctx.Err() != nil {
				return nil // somebody ends it
			}
			return fmt.Errorf("waiting for the exporter: %w: see %s", err, t.path("exporter.log"))
		case <-again.C:
		}
	}
}

// execute runs a command in a city of the lab that runs, and ends as it does.
func execute(ctx context.Context, args []string, in io.Reader, out, faults io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintf(faults, "milepost-lab: %v\n", err)
		return 1
	}
	if len(args) < 2 {
		return fail(errors.New("exec CITY COMMAND"))
	}
	answer, err := give(ctx, socket, []string{"enter", args[0]})
	if err != nil {
		return fail(err)
	}
	way := strings.Fields(answer) // its network, its ID, its resolv.conf
	path, err := exec.LookPath(args[1])
	if err != nil {
		return fail(err)
	}
	network, err := os.Open(way[0])
	if err != nil {
		return fail(err)
	}
	defer network.Close()
	place := place{city: &city{ID: way[1]}, resolver: way[2]}
	cmd, err := place.command(ctx, append([]string{path}, args[2:]...)...)
	if err != nil {
		return fail(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, faults
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces} // it stays in the terminal's group
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	err = onThread(func() error { return enter(&namespace{network}, cmd.Run) })
	if e, ended := errors.AsType[*exec.ExitError](err); ended {
		return max(e.ExitCode(), 1)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}
