package peers

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"milepost/lib/crew"
)

// A RunningChromium is a browser without a window, driven over a pipe by the DevTools
// Protocol (https://chromedevtools.github.io/devtools-protocol/).
type RunningChromium struct {
	*Running
	to    *os.File
	crew  crew.Crew
	mu    sync.Mutex
	last  int
	asked map[int]chan answer
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// browserPatience is how long a browser may take for one thing.
const browserPatience = 20 * time.Second

// fonts is a fontconfig of DejaVu alone, which comes with fontconfig itself: pictures are
// the same whatever else a machine has.
const fonts = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir><cachedir>DIR/fonts</cachedir><include ignore_missing="yes">/etc/fonts/conf.d</include></fontconfig>`

// StartChromium starts a browser that reaches this machine and no other, and has DejaVu's
// fonts and no others.
func StartChromium(tb testing.TB) *RunningChromium {
	tb.Helper()
	program := Program(tb, "chromium")
	dir := Dir(tb)
	ours, theirs := pipes(tb)
	c := &RunningChromium{Running: newRunning(tb, dir, 0), to: ours[1], asked: map[int]chan answer{}}
	c.args = []string{
		program, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir=" + dir + "/profile", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--no-pings", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--force-color-profile=srgb",
		"--font-render-hinting=none", "--hide-scrollbars", "about:blank",
	}
	c.env = []string{"FONTCONFIG_FILE=" + write(tb, dir, "fonts.conf", strings.ReplaceAll(fonts, "DIR", dir), 0o644)}
	c.files, c.hasty = theirs[:], true
	c.crew.Go(func() { c.listen(ours[0]) })
	tb.Cleanup(c.crew.Wait) // after the browser has ended, which ends the pipe
	tb.Cleanup(func() {
		for _, f := range theirs {
			_ = f.Close()
		}
	})
	c.ready = func() error { return nil }
	c.launch()
	return c
}

// pipes are our ends and the browser's of two pipes: what it reads, and what it writes.
func pipes(tb testing.TB) (ours, theirs [2]*os.File) {
	tb.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	back, forth, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _, _ = out.Close(), back.Close() })
	return [2]*os.File{back, out}, [2]*os.File{in, forth}
}

// listen hands answers to who asked, until the pipe ends.
func (c *RunningChromium) listen(from *os.File) {
	in := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID int
			answer
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil || m.ID == 0 {
			continue // an event
		}
		c.mu.Lock()
		asker := c.asked[m.ID]
		delete(c.asked, m.ID)
		c.mu.Unlock()
		if asker != nil {
			asker <- m.answer
		}
	}
}

// ask sends a command and waits for its answer.
func (c *RunningChromium) ask(session, method string, params any) (json.RawMessage, error) {
	back := make(chan answer, 1)
	c.mu.Lock()
	c.last++
	c.asked[c.last] = back
	text, err := json.Marshal(map[string]any{"id": c.last, "method": method, "params": params, "sessionId": session})
	if session == "" {
		text, err = json.Marshal(map[string]any{"id": c.last, "method": method, "params": params})
	}
	if err == nil {
		_, err = c.to.Write(append(text, 0))
	}
	c.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("telling the browser to %s: %w", method, err)
	}
	late := time.NewTimer(browserPatience)
	defer late.Stop()
	select {
	case a := <-back:
		if a.Error != nil {
			return nil, fmt.Errorf("telling the browser to %s: %s", method, a.Error.Message)
		}
		return a.Result, nil
	case <-late.C:
		return nil, fmt.Errorf("telling the browser to %s: no answer after %s", method, browserPatience)
	}
}

// A Tab is one page of a browser.
type Tab struct {
	browser *RunningChromium
	session string
	tb      testing.TB
}

// Tab opens a page of width pixels that belongs to this test.
func (c *RunningChromium) Tab(tb testing.TB, width, height int) *Tab {
	tb.Helper()
	t := &Tab{browser: c, tb: tb}
	var target struct{ TargetID, SessionID string }
	t.read(t.Do("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	t.read(t.Do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &target)
	t.session = target.SessionID
	t.Do("Page.enable", nil)
	t.Do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
	tb.Cleanup(func() {
		t.session = ""
		_, _ = c.ask("", "Target.closeTarget", map[string]any{"targetId": target.TargetID}) // the browser ends anyhow
	})
	return t
}

// Do is any command of the protocol.
func (t *Tab) Do(method string, params any) json.RawMessage {
	t.tb.Helper()
	if params == nil {
		params = struct{}{}
	}
	result, err := t.browser.ask(t.session, method, params)
	if err != nil {
		t.tb.Fatal(err)
	}
	return result
}

func (t *Tab) read(text json.RawMessage, into any) {
	t.tb.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.tb.Fatalf("the browser said %s: %v", text, err)
	}
}

// Open loads the page at url, and everything in it.
func (t *Tab) Open(url string) {
	t.tb.Helper()
	var nav struct{ ErrorText string }
	t.read(t.Do("Page.navigate", map[string]any{"url": url}), &nav)
	if nav.ErrorText != "" {
		t.tb.Fatalf("opening %s: %s", url, nav.ErrorText)
	}
	t.Until(`document.readyState === "complete"`)
}

// Eval is the value of an expression, waited for if it is a promise, into a variable.
func (t *Tab) Eval(expression string, into any) {
	t.tb.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	t.read(t.Do("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}), &r)
	if r.ExceptionDetails != nil {
		t.tb.Fatalf("%s: %s %s", expression, r.ExceptionDetails.Text, r.ExceptionDetails.Exception.Description)
	}
	if into != nil && r.Result.Value != nil {
		t.read(r.Result.Value, into)
	}
}

// Until waits until the expression is true.
func (t *Tab) Until(expression string) {
	t.tb.Helper()
	late := time.NewTimer(browserPatience)
	defer late.Stop()
	again := time.NewTicker(5 * pollInterval)
	defer again.Stop()
	for {
		yes := false
		t.Eval("!!("+expression+")", &yes)
		if yes {
			return
		}
		select {
		case <-late.C:
			var page string
			t.Eval(`document.documentElement.outerHTML.slice(0, 3000)`, &page)
			t.tb.Fatalf("waiting for %s: not so after %s:\n%s", expression, browserPatience, page)
		case <-again.C:
		}
	}
}

// Prefer sets media features: "prefers-color-scheme" to "dark", "forced-colors" to
// "active", ...
func (t *Tab) Prefer(features map[string]string) {
	t.tb.Helper()
	list := []map[string]string{}
	for name, value := range features {
		list = append(list, map[string]string{"name": name, "value": value})
	}
	t.Do("Emulation.setEmulatedMedia", map[string]any{"features": list})
}

// Picture is what the page looks like, as a PNG: as high as it is, 4000 pixels at most.
func (t *Tab) Picture() []byte {
	t.tb.Helper()
	var size struct{ W, H float64 }
	t.Eval(`({W: document.documentElement.clientWidth, H: Math.min(document.documentElement.scrollHeight, 4000)})`, &size)
	var r struct{ Data string }
	t.read(t.Do("Page.captureScreenshot", map[string]any{
		"format": "png", "captureBeyondViewport": true,
		"clip": map[string]float64{"x": 0, "y": 0, "width": size.W, "height": size.H, "scale": 1},
	}), &r)
	text, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		t.tb.Fatal(err)
	}
	return text
}

// Heard is the accessibility tree as lines of "role: name", what a screen reader has.
func (t *Tab) Heard() string {
	t.tb.Helper()
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name struct{ Value any }
		}
	}
	t.Do("Accessibility.enable", nil)
	t.read(t.Do("Accessibility.getFullAXTree", nil), &tree)
	var lines []string
	for _, n := range tree.Nodes {
		role, name := fmt.Sprint(n.Role.Value), fmt.Sprint(n.Name.Value)
		if !n.Ignored && role != "InlineTextBox" && role != "none" && n.Name.Value != nil && name != "" {
			lines = append(lines, role+": "+name)
		}
	}
	return strings.Join(lines, "\n")
}
