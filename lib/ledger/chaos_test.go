package ledger

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"milepost/lib/crew"
	"milepost/lib/peers"
)

// How much the chaos tests do. `make chaos` asks for more than CI does.
func chaosSize(t *testing.T, name string, short int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A chaos writes a log as squid would, and does to it what befalls logs. It knows
// what each line was worth: that is the oracle.
type chaos struct {
	*testing.T
	*rand.Rand
	config Config
	log    string
	file   *os.File // as squid holds it open
	next   int64    // squid's own count
	old    int      // how many rotated files there may be
	dates  int
	mortal bool   // squid is killed too
	filler string // what fills the ledger's disk; "" = nothing does
	want   map[string]sums
	worth  []worth // of each record, by squid's own count: while squid lives
	did    map[string]int
}

// A worth is what a record adds to the sums of its user.
type worth struct {
	user string
	sums
}

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{T: t, Rand: rand.New(rand.NewPCG(seed, 1)), config: config(t.TempDir()), old: 200, want: map[string]sums{}, did: map[string]int{}}
	c.config.Format, c.log = "bill", c.config.Globs[0]
	if os.Geteuid() == 0 { // the ledger has a disk of its own, which fills up
		c.filler = filepath.Join(smallDisk(t, 32<<20), "filler")
		c.config.Path = filepath.Join(filepath.Dir(c.filler), "ledger.db")
	}
	c.open()
	return c
}

func (c *chaos) must(err error) {
	if err != nil {
		c.Helper()
		c.Fatal(err)
	}
}

// open opens the log as squid does.
func (c *chaos) open() {
	var err error
	c.file, err = os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	c.must(err)
}

// record is the next one, and whose.
func (c *chaos) record() (text, user string, s sums) {
	user = fmt.Sprint("user", c.IntN(20))
	s = sums{Out: c.Int64N(1e6), In: c.Int64N(1e4), Requests: 1}
	at := noon.Unix() + c.Int64N(7200)
	if c.IntN(500) == 0 { // a clock that jumped
		at = []int64{3, noon.Unix() + 1e9}[c.IntN(2)]
		c.did["clock jumps"]++
	}
	text = fmt.Sprintf("%d.%03d %6d 127.0.0.1 TCP_MISS/200 %d %d GET %s %d %d.000 http://h/%d\n", at, c.IntN(1000), c.IntN(1e4), s.Out, s.In, user, c.next, at, c.IntN(1e9))
	c.next++
	return text, user, s
}

// write appends some records, which a reader may see in the middle of a line.
func (c *chaos) write() {
	var b strings.Builder
	for range 1 + c.IntN(30) {
		text, user, s := c.record()
		b.WriteString(text)
		c.want[user] = c.want[user].plus(s)
		c.worth = append(c.worth, worth{user, s})
		c.did["lines"]++
	}
	text := b.String()
	half := c.IntN(len(text))
	for _, part := range []string{text[:half], text[half:]} {
		_, err := c.file.WriteString(part)
		c.must(err)
	}
}

// crash is squid's: its last record is torn, and the next one is glued to it.
func (c *chaos) crash() {
	text, _, _ := c.record()
	_, err := c.file.WriteString(text[:1+c.IntN(len(text)/2)])
	c.must(errors.Join(err, c.file.Close()))
	c.next = 0
	c.open()
	c.did["squid killed"]++
}

// rotate does what some configuration of logrotate does.
func (c *chaos) rotate() {
	c.did["rotations"]++
	switch kind := c.IntN(6); kind {
	case 0:
		c.copytruncate(c.IntN(4) == 0)
	case 1:
		c.did["dateext"]++
		c.dates++
		c.must(os.Rename(c.log, fmt.Sprintf("%s-%08d", c.log, 20270101+c.dates)))
		c.reopen()
		c.expire()
	default:
		compress := kind%2 == 0
		c.did[map[bool]string{true: "compress", false: "delaycompress"}[compress]]++
		c.shift(true)
		c.must(os.Rename(c.log, c.log+".1"))
		if c.IntN(2) == 0 {
			c.write() // squid has not heard of it yet
		}
		c.reopen()
		if compress {
			c.gzip(c.log + ".1")
		}
	}
}

// copytruncate is logrotate's. What squid writes between its two steps is lost, and squid's
// numbers tell.
func (c *chaos) copytruncate(losing bool) {
	c.did["copytruncate"]++
	c.shift(false)
	copied, err := os.ReadFile(c.log)
	c.must(err)
	c.must(os.WriteFile(c.log+".1", copied, 0o600))
	if losing {
		c.write()
		c.did["losses"]++
	}
	c.must(c.file.Truncate(0))
}

func (c *chaos) reopen() {
	c.must(c.file.Close())
	c.open()
}

// shift renames log.1 to log.2 and so on; the last one goes. With delaycompress
// each is compressed when it becomes the second.
func (c *chaos) shift(delayed bool) {
	for i := c.old; i >= 1; i-- {
		for _, end := range []string{"", ".gz"} {
			from, to := fmt.Sprintf("%s.%d%s", c.log, i, end), fmt.Sprintf("%s.%d%s", c.log, i+1, end)
			if i == c.old {
				_ = os.Remove(from) // it may not be there
				continue
			}
			if os.Rename(from, to) == nil && i == 1 && end == "" && delayed {
				c.gzip(to)
			}
		}
	}
}

func (c *chaos) expire() {
	dated, _ := filepath.Glob(c.log + "-*")
	slices.Sort(dated)
	for len(dated) > c.old {
		c.must(os.Remove(dated[0]))
		dated = dated[1:]
	}
	if len(dated) > 1 && !strings.HasSuffix(dated[0], ".gz") {
		c.gzip(dated[0])
	}
}

func (c *chaos) gzip(path string) { compress(c.T, path) }

// compress does what gzip does, which writes in pieces too.
func compress(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	half := z.Len() / 2
	f, err := os.Create(path + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(z.Bytes()[:half])
	_, err2 := f.Write(z.Bytes()[half:])
	if err := errors.Join(err, err2, f.Close(), os.Chtimes(path+".gz", info.ModTime(), info.ModTime()), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
}

// fill leaves no room on the ledger's disk.
func (c *chaos) fill() {
	if c.filler == "" {
		return
	}
	f, err := os.Create(c.filler)
	c.must(err)
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	c.did["disk full"]++
}

// room makes some again.
func (c *chaos) room() {
	if c.filler != "" {
		_ = os.Remove(c.filler) // it may not be there
	}
}

// round is the life of one follower, which is killed at any moment.
func (c *chaos) round() {
	if c.IntN(8) == 0 { // it begins without room
		c.fill()
	}
	f := startFollower(c.T, c.config)
	life := time.Duration(5+c.IntN(200)) * time.Millisecond
	if c.IntN(15) == 0 { // long enough to see files change their names
		life *= 20
	}
	pace := time.NewTicker(500 * time.Microsecond) // some 30,000 lines a second
	defer pace.Stop()
	for begun, n := time.Now(), 0; time.Since(begun) < life || n < 3; n++ {
		<-pace.C
		c.write()
		switch c.IntN(300) {
		case 0, 1:
			c.rotate()
		case 3:
			c.fill()
		case 4, 5, 6:
			c.room()
		case 2:
			if c.mortal {
				c.crash()
			}
		}
	}
	f.kill()
	c.did["kills"]++
	for range c.IntN(3) { // while nobody looks
		c.write()
		c.rotate()
	}
	c.write() // what is lost last of all, no number would tell
}

// TestChaos writes and rotates a log in every way while the follower is killed
// again and again. In the end every byte is in the ledger once, or the records
// that are not stand in its holes.
func TestChaos(t *testing.T) {
	rotations, kills := chaosSize(t, "CHAOS_ROTATIONS", 60), chaosSize(t, "CHAOS_KILLS", 30)
	seed := uint64(chaosSize(t, "CHAOS_SEED", 20261123))
	for _, mortal := range []bool{false, true} {
		t.Run(map[bool]string{false: "squid lives", true: "squid is killed too"}[mortal], func(t *testing.T) {
			c := newChaos(t, seed)
			c.mortal = mortal
			for c.did["rotations"] < rotations || c.did["kills"] < kills {
				c.round()
			}
			for range 3 { // so that there are some for sure
				c.copytruncate(true)
				c.write()
			}
			c.room()
			l := follow(t, c.config)
			defer l.Close()
			drainAll(t, l)
			c.judge(seed)
			if c.filler != "" && c.did["disk full"] == 0 {
				t.Error("the disk was never full")
			}
		})
	}
}

// judge holds the ledger against what was written.
func (c *chaos) judge(seed uint64) {
	rows, holes, err := Usage(c.Context(), c.config.Path, Query{By: []string{"user"}})
	c.must(err)
	var wanted, got sums
	for _, user := range slices.Sorted(maps.Keys(c.want)) {
		wanted = wanted.plus(c.want[user])
	}
	for _, r := range rows {
		one, want := sums{Out: r.BytesOut, In: *r.BytesIn, Requests: r.Requests}, c.want[r.Keys[0]]
		if one.Out > want.Out || one.In > want.In || one.Requests > want.Requests {
			c.Errorf("%s was counted twice: %+v, want %+v", r.Keys[0], one, want)
		}
		got = got.plus(one)
	}
	kinds := map[string]int64{}
	for _, h := range holes {
		kinds[h.Kind] += h.Count
	}
	if !c.mortal {
		c.weigh(rows, holes)
	}
	lost := wanted.Requests - got.Requests
	c.Logf("seed %d: %v", seed, c.did)
	c.Logf("written %d bytes in %d lines, counted %d in %d: %d lines lost; holes %v", wanted.Out, wanted.Requests, got.Out, got.Requests, lost, kinds)
	told := kinds[missing]
	switch {
	case lost == 0 && wanted != got:
		c.Errorf("the lines are there, and their bytes are not: %+v, want %+v", got, wanted)
	case !c.mortal && lost != told:
		c.Errorf("%d lines are lost, and the holes tell of %d", lost, told)
	case lost > told+kinds["malformed"]:
		// A torn record takes the one that is glued to it along, where it cannot be
		// told for sure where that starts. And squid's numbers begin anew with it:
		// of files that are read out of order more may be told missing than are.
		c.Errorf("%d lines are lost, and the holes tell of %d and %d malformed", lost, told, kinds["malformed"])
	}
}

// weigh holds what each user is short of against the records that the holes tell of: to
// the byte. Of a hole of which some records were found after all, nobody knows which.
func (c *chaos) weigh(rows []Row, holes []Hole) {
	short := maps.Clone(c.want)
	for _, r := range rows {
		s := short[r.Keys[0]]
		short[r.Keys[0]] = sums{Out: s.Out - r.BytesOut, In: s.In - *r.BytesIn, Requests: s.Requests - r.Requests}
	}
	var lost int64
	for _, h := range holes {
		switch {
		case h.Kind != missing:
			continue
		case h.To-h.From != h.Count:
			c.Logf("of records %d to %d only %d are lost: the bytes of them cannot be told", h.From, h.To, h.Count)
			return
		}
		for _, w := range c.worth[h.From:h.To] {
			s := short[w.user]
			short[w.user] = sums{Out: s.Out - w.Out, In: s.In - w.In, Requests: s.Requests - w.Requests}
			lost++
		}
	}
	c.Logf("%d records are lost, and all of them are told", lost)
	for user, s := range short {
		if s != (sums{}) {
			c.Errorf("%s is short of %+v that no hole tells of", user, s)
		}
	}
	if lost == 0 {
		c.Error("nothing was lost: this shows nothing")
	}
}

// A follower in a process of its own, which is killed.
type follower struct {
	*exec.Cmd
	out bytes.Buffer
}

func startFollower(t *testing.T, c Config) *follower {
	t.Helper()
	f := &follower{Cmd: exec.Command(os.Args[0])}
	f.Env = append(os.Environ(), followSwitch+"="+filepath.Dir(c.Globs[0]), formatSwitch+"="+c.Format, ledgerSwitch+"="+c.Path)
	f.Stderr = &f.out
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *follower) kill() {
	_ = f.Process.Kill() // it may have ended by itself: then the sums tell
	_ = f.Wait()
}

// drainAll follows until nothing new comes for minutes.
func drainAll(t *testing.T, l *Ledger) {
	t.Helper()
	b := newBatch(l)
	now := time.Now().Add(time.Hour)
	for idle := 0; idle < 5; {
		if ev, ok := l.tail.Next(now); ok {
			b.take(ev)
			idle = 0
			continue
		}
		idle++
		now = now.Add(2 * time.Minute)
	}
	if err := l.save(b); err != nil {
		t.Fatal(err)
	}
}

// logged is what is in a log, compressed or not.
func logged(t *testing.T, log string) string {
	t.Helper()
	text, err := os.ReadFile(log)
	if err == nil && strings.HasSuffix(log, ".gz") {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(text)); err == nil {
			text, err = io.ReadAll(z)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRealChaos has a real squid under load, whose log is rotated and which is
// killed, as the follower is. The oracle adds up the logs, which are all kept.
func TestRealChaos(t *testing.T) {
	squid := peers.StartSquid(t, peers.Squid{Users: map[string]string{"alice": "wonder", "bob": "builder"}, Conf: "cache deny all"})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		_, _ = w.Write(bytes.Repeat([]byte("x"), n))
	}))
	defer origin.Close()
	rotations, kills := chaosSize(t, "CHAOS_ROTATIONS", 12), chaosSize(t, "CHAOS_KILLS", 8)
	seed := uint64(chaosSize(t, "CHAOS_SEED", 5))
	r := rand.New(rand.NewPCG(seed, 5))
	did := map[string]int{}
	for did["rotations"] < rotations || did["kills"] < kills {
		f := startFollower(t, config(squid.Dir))
		var clients crew.Crew
		for client := range 4 {
			one := r.Uint64()
			clients.Go(func() { load(rand.New(rand.NewPCG(one, uint64(client))), squid.Addr, origin.URL) })
		}
		if r.IntN(3) == 0 {
			squid.Kill() // in the middle of it
			clients.Wait()
			squid.Start()
			did["squid killed"]++
		}
		clients.Wait()
		for range r.IntN(4) {
			last := squid.Rotate()
			did["rotations"]++
			if r.IntN(3) == 0 {
				continue // with a number
			}
			dated := fmt.Sprintf("%s-%08d", squid.AccessLog, 20270101+did["rotations"])
			if err := os.Rename(last, dated); err != nil {
				t.Fatal(err)
			}
			did["dateext"]++
			if r.IntN(2) == 0 {
				compress(t, dated)
				did["compress"]++
			}
		}
		f.kill()
		did["kills"]++
	}
	squid.Stop()
	c := config(squid.Dir)
	l := follow(t, c)
	defer l.Close()
	drainAll(t, l)
	want, lines := map[string]string{}, 0
	sum := map[string][2]int{}
	logs, _ := filepath.Glob(c.Globs[0] + "*")
	for _, log := range logs {
		for record := range strings.Lines(logged(t, log)) {
			f := strings.Fields(record)
			if len(f) != 10 || !strings.HasSuffix(record, "\n") {
				continue // torn
			}
			user := f[7]
			if strings.HasSuffix(f[3], "/407") || user == "-" {
				user = ""
			}
			bytes, err := strconv.Atoi(f[4])
			if err != nil {
				t.Fatal(err)
			}
			sum[user] = [2]int{sum[user][0] + bytes, sum[user][1] + 1}
			lines++
		}
	}
	for user, s := range sum {
		want[user] = fmt.Sprintf("%d/%d", s[0], s[1])
	}
	t.Logf("seed %d: %v, %d lines in %d logs", seed, did, lines, len(logs))
	if got := usage(t, c, "user"); fmt.Sprint(got) != fmt.Sprint(want) || lines < 100 {
		t.Errorf("the ledger has %v, the logs %v", got, want)
	}
}

// load asks for some things through the proxy, with a wrong password now and then.
// What the proxy's end cuts off is no matter.
func load(r *rand.Rand, proxy, origin string) {
	for range 20 {
		user := url.UserPassword("alice", "wonder")
		switch r.IntN(4) {
		case 0:
			user = url.UserPassword("bob", "builder")
		case 1:
			user = url.UserPassword("alice", "wrong")
		}
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxy, User: user}), DisableKeepAlives: true,
		}}
		if answer, err := client.Get(fmt.Sprintf("%s/?n=%d", origin, r.IntN(20000))); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}
}
