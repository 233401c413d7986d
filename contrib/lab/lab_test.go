package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
)

// asLab makes the test's program the lab's.
const asLab = "MILEPOST_LAB"

// TestMain becomes what the lab starts by its own program.
func TestMain(m *testing.M) {
	own := len(os.Args) > 1 && (os.Args[1] == "inside" || os.Args[1] == "clock")
	if own || os.Getenv(asLab) != "" {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestOrders(t *testing.T) {
	l := &lab{world: plan(t.TempDir()), towns: map[string]*town{}}
	for _, tt := range []struct{ line, want string }{
		{"loss paris 20", "Paris loses 20 % of what leaves it"},
		{"loss New-York 2.5%", "New York loses 2.5 % of what leaves it"},
		{"jitter sydney 5ms", "what leaves Sydney is late by 5ms in the mean"},
		{"cut zurich on", "Zurich is cut off"},
		{"detour baltimore dallas paris", "packets between Baltimore and Dallas go through Paris"},
		{"clock milan 30s", "the clock of Milan is ahead by 30s"},
		{"show", "baltimore  198.18.0.1\nbrisbane   198.18.0.2\ndallas     198.18.0.3\nfremont    198.18.0.4\nmilan      198.18.0.5, its clock is ahead by 30s\n" +
			"moscow     198.18.0.6\nnew-york   198.18.0.7, loses 2.5 %\nparis      198.18.0.8, loses 20 %\nsydney     198.18.0.9, late by 5ms in the mean\n" +
			"zurich     198.18.0.10, cut off\nbaltimore and dallas are joined through paris"},
		{"cut zurich off", "Zurich is back"},
		{"detour dallas baltimore off", "Dallas and Baltimore are joined as they were published to be"},
		{"clock milan 0", "the clock of Milan is ahead by 0s"},
		{"loss berlin 2", `no city "berlin": there are baltimore, brisbane, dallas, fremont, milan, moscow, new-york, paris, sydney, zurich`},
		{"loss paris 101", `"101" is no percentage from 0 to 100`},
		{"loss paris NaN", `"NaN" is no percentage from 0 to 100`},
		{"loss paris", "loss needs CITY PERCENT"},
		{"jitter paris 5", `"5" is no duration up to a minute, such as 5ms`},
		{"cut paris yes", `"yes" is neither on nor off`},
		{"detour paris paris milan", "a detour is between two cities and through a third"},
		{"detour paris milan milan", "a detour is between two cities and through a third"},
		{"clock paris late", `"late" is no offset, such as 30s or -2m`},
		{"hijack paris on", "Paris has no resolver"},
		{"", `"" is none of loss, jitter, cut, detour, clock, hijack, show, enter`},
	} {
		got, err := l.obey(tt.line)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\n%s, not\n%s", tt.line, got, tt.want)
		}
	}
}

// TestRouter sends packets through a world that is only planned.
func TestRouter(t *testing.T) {
	w := plan(t.TempDir())
	l := &lab{world: w, towns: map[string]*town{}}
	now := time.Now()
	for _, tt := range []struct {
		name, orders string
		from, to     string
		version      byte
		want         string
	}{
		{"there takes half of there and back", "", "paris", "new-york", 4, "38.655ms"},
		{"back takes the other half", "", "new-york", "paris", 4, "38.655ms"},
		{"through a third city", "detour paris new-york baltimore", "paris", "new-york", 4, "136.16ms"},
		{"and straight again", "detour paris new-york off", "paris", "new-york", 4, "38.655ms"},
		{"out of a city that is cut off", "cut paris on", "paris", "new-york", 4, "lost"},
		{"into a city that is cut off", "", "milan", "paris", 4, "lost"},
		{"back again", "cut paris off", "milan", "paris", 4, "10.645ms"},
		{"everything is lost", "loss milan 100", "milan", "paris", 4, "lost"},
		{"not what arrives there", "", "paris", "milan", 4, "10.645ms"},
		{"to nobody", "", "paris", "", 4, "lost"},
		{"of another kind", "", "paris", "new-york", 6, "lost"},
		{"to itself, which the city does alone", "", "paris", "paris", 4, "lost"},
	} {
		if tt.orders != "" {
			if _, err := l.obey(tt.orders); err != nil {
				t.Fatal(err)
			}
		}
		packet := make([]byte, 28)
		packet[0] = tt.version<<4 | 5
		if c, err := w.city(tt.to); err == nil {
			copy(packet[16:20], c.Address.AsSlice())
		}
		c, err := w.city(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		w.router.send(w.router.index[c.Address], packet, now)
		_, wait := w.router.due(now)
		got := "lost"
		if arrived, _ := w.router.due(now.Add(wait)); len(arrived) == 1 {
			got = wait.String()
		}
		if got != tt.want {
			t.Errorf("%s: %s, not %s", tt.name, got, tt.want)
		}
	}
	w.router.send(0, nil, now) // what is no packet is dropped
}

func TestClock(t *testing.T) {
	c := &clock{file: filepath.Join(t.TempDir(), "offset")}
	if err := c.set(90 * time.Second); err != nil {
		t.Fatal(err)
	}
	var answers bytes.Buffer
	questions := "PING\nget\n" + clockBase + ".0\ngetnext\n" + clockBase + "\nget\n.1.3\nset\n" + clockBase + ".0\ninteger 1\nnonsense\n"
	if err := tellTime(c.file, strings.NewReader(questions), &answers); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`^PONG\n\.1\.3\.6\.1\.4\.1\.8072\.9999\.9999\.1\.0\ngauge\n(\d+)\n\.1\.3\.6\.1\.4\.1\.8072\.9999\.9999\.1\.0\ngauge\n\d+\nNONE\nnot-writable\nNONE\n$`).FindStringSubmatch(answers.String())
	if m == nil {
		t.Fatalf("it answers\n%s", answers.String())
	}
	told, err := strconv.ParseInt(m[1], 10, 64)
	if off := told - time.Now().Unix(); err != nil || off < 85 || off > 91 {
		t.Errorf("it is ahead by %d s, not 90", off)
	}
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args string
		exit int
		want string
	}{
		{"help", 0, "detour CITY CITY THROUGH|off"},
		{"--vantages 11", 1, "this one from 1 to 10 vantages"},
		{"--vantages x", 1, `--vantages: "x" is no number`},
		{"--vantages", 1, "--vantages: needs a value"},
		{"--cities paris", 1, "a world has two cities or more"},
		{"--cities paris,berlin,milan", 1, `no city "berlin"`},
		{"--city paris", 1, `no option "--city"`},
		{"nonsense", 1, `no command "nonsense"`},
		{"exec paris", 1, "exec CITY COMMAND"},
		{"inside", 1, "inside HOSTNAME"},
		{"clock", 1, "clock FILE"},
	} {
		var out bytes.Buffer
		if exit := run(strings.Fields(tt.args), strings.NewReader(""), &out, &out); exit != tt.exit || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: %d %s", tt.args, exit, out.String())
		}
	}
}

// TestWithoutRoot is the lab for a user.
func TestWithoutRoot(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	lab := filepath.Join(peers.Dir(t), "milepost-lab")
	if err := os.WriteFile(lab, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(lab)
	cmd.Env = []string{asLab + "=1"}
	const want = "the lab makes network namespaces, which needs root: run sudo make lab\n"
	if exit, out := asNobody(cmd); exit != 1 || out != "milepost-lab: "+want {
		t.Errorf("%d: %s", exit, out)
	}
}

// TestMakeLabWithoutRoot: make says so before it builds anything.
func TestMakeLabWithoutRoot(t *testing.T) {
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	dir := peers.Dir(t)
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "lab")
	cmd.Dir = dir
	const want = "the lab makes network namespaces, which needs root: run sudo make lab\n"
	if exit, out := asNobody(cmd); exit == 0 || !strings.Contains(out, want) || strings.Contains(out, "build") {
		t.Errorf("%d: %s", exit, out)
	}
}

// asNobody runs cmd without root's rights, and gives its exit code (-1 = none) and what it
// says.
func asNobody(cmd *exec.Cmd) (exit int, said string) {
	if os.Geteuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// A running is a lab of a few cities, with everything in it, seen from the first.
type running struct {
	*lab
	t   *testing.T
	ctx context.Context
	bin string
}

func startLab(t *testing.T, ids ...string) *running {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("the lab needs root")
		}
		t.Skip("the lab needs root")
	}
	for _, name := range []string{"ip", "squid", "snmpd", "unbound", "nrpe", "prometheus"} {
		peers.Program(t, name)
	}
	dir := peers.Dir(t)
	bin := filepath.Join(dir, "bin")
	if out, err := exec.Command("sh", "-ec", `mkdir "$1"; go build -o "$1/" milepost/plugins/check_path milepost/plugins/check_packet_loss milepost/plugins/check_resolver milepost/plugins/check_host_drift; go build -o "$1/milepost-exporter" milepost/exporter`, "sh", bin).CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	w, err := newWorld(dir, ids...)
	if err != nil {
		t.Fatal(err)
	}
	w.interval = 2 * time.Second
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); w.end() })
	w.route(ctx)
	r := &running{&lab{world: w, towns: map[string]*town{}}, t, ctx, bin}
	for _, c := range w.cities {
		town, err := w.settle(c, bin)
		if err == nil {
			err = town.all(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.towns[c.ID] = town
	}
	first := r.towns[w.cities[0].ID]
	if err := first.canary(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.watch(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if err := first.ready(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

// plugin runs a check in a city, and gives its exit code and first line.
func (r *running) plugin(in, check string, args ...string) (exit int, line string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, 30*time.Second)
	defer cancel()
	cmd, err := r.towns[in].place("").command(ctx, append([]string{filepath.Join(r.bin, check)}, args...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = r.towns[in].space.do(cmd.Run)
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		r.t.Fatal(err)
	}
	line, _, _ = strings.Cut(out.String(), "\n")
	return cmd.ProcessState.ExitCode(), line
}

func (r *running) order(line string) {
	r.t.Helper()
	if _, err := r.obey(line); err != nil {
		r.t.Fatal(err)
	}
}

// get is what the exporter serves.
func (r *running) get(path string) string {
	vantage := r.cities[0]
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return vantage.dial(ctx, loopback(exporterPort))
		},
	}}
	answer, err := client.Get("http://exporter" + path)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// until waits until the page matches all patterns.
func (r *running) until(t *testing.T, what, path string, patterns ...string) {
	t.Helper()
	looks := time.NewTicker(100 * time.Millisecond)
	defer looks.Stop()
	for deadline := time.Now().Add(90 * time.Second); ; <-looks.C {
		text, missing := r.get(path), ""
		for _, p := range patterns {
			if !regexp.MustCompile(p).MatchString(text) {
				missing = p
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s has no %s:\n%s\n%s", what, path, missing, strings.Join(regexp.MustCompile(`(?m)^milepost_(check|host)_status.*|^\{.*`).FindAllString(text, -1), "\n"), r.show())
		}
	}
}

// TestReal lives in four cities: as far apart as they were, and found out whatever
// befalls them.
func TestReal(t *testing.T) {
	r := startLab(t, "milan", "moscow", "paris", "zurich")
	status := func(check, host string, code int) string {
		return fmt.Sprintf(`check_status\{check="%s",host="%s"\} %d\b`, check, host, code)
	}
	r.until(t, "all is well", "/status.json", `"id":"milan".*?"status":"up"`, `"id":"paris".*?"status":"up"`, `"id":"zurich".*?"status":"up"`)
	t.Run("both directions", func(t *testing.T) {
		for _, pair := range [][2]string{{"paris", "milan"}, {"milan", "paris"}, {"milan", "zurich"}, {"zurich", "milan"}} {
			r.far(t, pair[0], pair[1])
		}
	})
	t.Run("a detour opens and closes", func(t *testing.T) {
		to := r.towns["milan"].Address.String()
		r.order("detour paris milan zurich")
		exit, line := r.plugin("paris", "check_path", "--from", "Paris", "--to", "Milan", "-H", to)
		if want := "PATH WARNING: detour: no usual path of that length takes longer than 67.4 ms; "; exit != 1 || !strings.HasPrefix(line, want) {
			t.Errorf("%d %s", exit, line)
		}
		r.order("detour paris milan off")
		if exit, line = r.plugin("paris", "check_path", "--from", "Paris", "--to", "Milan", "-H", to); exit != 0 {
			t.Errorf("%d %s", exit, line)
		}
		exit, line = r.plugin("paris", "check_path", "--from", "Paris", "--to", "Milan", "-w", "60:", "-H", to)
		if want := "PATH WARNING: slow for its length; "; exit != 1 || !strings.HasPrefix(line, want) {
			t.Errorf("%d %s", exit, line)
		}
	})
	for _, line := range []string{"cut zurich on", "clock paris 90s", "hijack paris on", "loss paris 40"} {
		r.order(line)
	}
	t.Run("its NRPE finds the resolver that lies", r.asksNRPE)
	t.Run("loss is found", func(t *testing.T) {
		exit, line := r.plugin("milan", "check_packet_loss", "-n", "60", "-i", "0.05", "--baseline", "2", "-H", r.towns["paris"].Address.String())
		if exit != 2 || !strings.Contains(line, "PACKET_LOSS CRITICAL: ") {
			t.Errorf("%d %s", exit, line)
		}
	})
	t.Run("and everything else", func(t *testing.T) {
		// A round is a few packets: how sure 40 % of them makes depends on which are lost.
		r.until(t, "what befell them", "/metrics", status("clock_offset", "paris", 2), status("resolver", "paris", 2),
			`check_status\{check="packet_loss",host="paris"\} [12]\b`, status("packet_loss", "zurich", 2))
		r.until(t, "a city that is cut off", "/status.json", `"id":"zurich".*?"status":"down"`)
	})
	t.Run("it ends with Ctrl-C", r.ends)
	for _, line := range []string{"cut zurich off", "clock paris 0", "hijack paris off", "loss paris 0"} {
		r.order(line)
	}
	r.until(t, "all is well again", "/metrics", status("clock_offset", "paris", 0), status("resolver", "paris", 0), `host_status\{host="zurich",status="up"\} 1`)
}

// asksNRPE has Milan ask Paris' NRPE, as a Nagios there would.
func (r *running) asksNRPE(t *testing.T) {
	client := peers.Program(t, "check_nrpe")
	for command, want := range map[string]string{"check_resolver": "RESOLVER CRITICAL: ", "check_host_drift": "HOST_DRIFT OK: "} {
		ctx, cancel := context.WithTimeout(r.ctx, 40*time.Second)
		defer cancel()
		cmd, err := r.towns["milan"].place("").command(ctx, client, "-H", r.towns["paris"].Address.String(), "-t", "30", "-c", command)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err = r.towns["milan"].space.do(cmd.Run)
		if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: %v %s", command, err, out.String())
		}
	}
}

// ends runs the program itself, interrupts it, and looks for what it left behind.
func (r *running) ends(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(r.bin, "milepost-lab")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--vantages", "2")
	tmp := peers.Dir(t)
	cmd.Env = append(os.Environ(), asLab+"=1", "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	line, _ := said.ReadString('\n')
	url := regexp.MustCompile(`10 cities, seen from Baltimore: (http://127\.0\.0\.1:\d+/)`).FindStringSubmatch(line)
	if url == nil {
		t.Fatalf("it says %q", line)
	}
	line, _ = said.ReadString('\n')
	engine := regexp.MustCompile(`(http://127\.0\.0\.1:\d+/)`).FindString(line)
	if engine == "" {
		t.Fatalf("it says %q", line)
	}
	// The engine has asked both exporters, each of which has looked at every city.
	awaitAll(t, engine+"api/v1/query?query=milepost_vantage_info", `"vantage":"baltimore"`, `"vantage":"brisbane"`)
	awaitAll(t, url[1]+"paths", everyCity("brisbane – %s</td>")[2:]...)
	awaitAll(t, engine+"api/v1/query?query=milepost_check_last_run_timestamp_seconds", everyCity(`"host":"%s"`)...)
	awaitAll(t, url[1]+"paths", everyCity("baltimore – %s</td>")[1:]...)
	if _, err := give(ctx, socket, []string{"cut", "baltimore", "on"}); err != nil {
		t.Fatal(err)
	}
	awaitAll(t, url[1]+"metrics", `milepost_ping_common_cause 1`, `milepost_monitor_trusted{test="paths"} 0`) // nobody else's fault
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(said)
	if err := cmd.Wait(); err != nil || !strings.HasSuffix(string(rest), "the world ends\n") {
		t.Errorf("it ends with %v and %q", err, rest)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %v behind, %v", left, err)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range commands {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(tmp)) {
			t.Errorf("%s still runs: %q", file, text)
		}
	}
	if _, err := os.Stat(socket); err == nil {
		t.Errorf("%s is still there", socket)
	}
}

// everyCity is the pattern with the name of each city, Baltimore's first.
func everyCity(pattern string) []string {
	var all []string
	for _, c := range plan("").cities {
		all = append(all, fmt.Sprintf(pattern, c.ID))
	}
	return all
}

// awaitAll waits until the page holds all of these.
func awaitAll(t *testing.T, url string, wanted ...string) {
	t.Helper()
	looks := time.NewTicker(100 * time.Millisecond)
	defer looks.Stop()
	client := &http.Client{Timeout: 10 * time.Second}
	for deadline := time.Now().Add(time.Minute); ; <-looks.C {
		text := ""
		if answer, err := client.Get(url); err == nil {
			page, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			text = string(page)
		}
		missing := ""
		for _, w := range wanted {
			if !strings.Contains(text, w) {
				missing = w
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never has %s:\n%.3000s", url, missing, text)
		}
	}
}

// far holds the round trip between two cities against the published one, to 3 % or
// half a millisecond. A machine that is busy makes them longer, so it has some tries.
func (r *running) far(t *testing.T, from, to string) {
	t.Helper()
	a, b := r.towns[from], r.towns[to]
	r.router.mu.Lock()
	want := r.router.trip(r.router.index[a.Address], r.router.index[b.Address]).Seconds()
	r.router.mu.Unlock()
	off := ""
	for range 5 {
		_, line := r.plugin(from, "check_path", "--from", a.Name, "--to", b.Name, "-n", "40", "-i", "0.02", "-H", b.Address.String())
		m := regexp.MustCompile(`rtt_min=([0-9.]+)s`).FindStringSubmatch(line)
		if m == nil {
			t.Fatal(line)
		}
		rtt, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if rtt >= want && rtt-want <= max(0.03*want, 0.0005) {
			return
		}
		off = fmt.Sprintf("%s to %s takes %v s, not %v", from, to, rtt, want)
	}
	t.Error(off)
}
