package statusbar

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"milepost/lib/peers"
)

var pictures = flag.String("pictures", "", "keep the browser's pictures in this `directory`")

// A told is a status.json that a test makes up, and how it is served.
type told struct {
	Status  string
	Name    string // of its one host
	Seq     int
	Sight   string
	Date    time.Time     // what the server's clock says; zero: nobody may read it
	Left    time.Duration // of the lease, by that clock
	Length  time.Duration // of the lease
	Missing bool          // nobody answers
	Age     int           // how long it was in a cache, in seconds
	Votes   [3]int        // vantages: in all, healthy, and how many it takes; zero: one looks alone
}

func (d told) document() map[string]any {
	at := d.Date
	if at.IsZero() {
		at = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	}
	if d.Length == 0 {
		d.Length = 180 * time.Second
	}
	if d.Left == 0 {
		d.Left = d.Length
	}
	if d.Name == "" {
		d.Name = "Frankfurt"
	}
	if d.Sight == "" {
		d.Sight = "ok"
	}
	vantages := map[string]int{"total": 1, "healthy": 1}
	if d.Votes != [3]int{} {
		vantages = map[string]int{"total": d.Votes[0], "healthy": d.Votes[1], "quorum": d.Votes[2]}
	}
	until := at.Add(d.Left)
	return map[string]any{
		"schema": "milepost.status/1", "seq": d.Seq, "interval_s": 60, "data_at": stamp(until.Add(-d.Length)).String(), "valid_until": stamp(until).String(),
		"status": d.Status, "summary": "1 of 1 proxy working", "monitor": map[string]any{"status": d.Sight, "vantages": vantages},
		"components": []any{map[string]any{"id": "a", "name": d.Name, "status": d.Status, "reason": nil}},
	}
}

// A teller serves what a test wants it to at this moment.
type teller struct{ now atomic.Pointer[told] }

func (s *teller) tell(d told) { s.now.Store(&d) }

func (s *teller) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	d := *s.now.Load()
	if d.Missing {
		http.Error(w, "<h1>Bad gateway</h1>", http.StatusBadGateway)
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Date", "nobody knows")
	if !d.Date.IsZero() {
		h.Set("Date", d.Date.UTC().Format(http.TimeFormat))
	}
	if d.Age > 0 {
		h.Set("Age", fmt.Sprint(d.Age))
	}
	_ = json.NewEncoder(w).Encode(d.document())
}

// shop is a page of somebody else's with the widget in it, under the strictest policy.
type shop struct {
	*httptest.Server
	tellers [3]teller
}

func openShop(t *testing.T) *shop {
	c := config()
	c.Days = daysOf
	now := time.Now()
	b := New(c, nil, now)
	b.Publish(now, now, hosts(now), sees)
	s := &shop{}
	mux := http.NewServeMux()
	mux.Handle("/", b.Public())
	for i := range s.tellers {
		mux.Handle(fmt.Sprintf("/%d.json", i), &s.tellers[i])
	}
	mux.HandleFunc("/shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en" %s><meta name="viewport" content="width=device-width"><title>Shop</title>
<script type="module" src="/widget.js"></script><h1>Our shop</h1><milepost-status %s><a href="/">See the status</a></milepost-status>`,
			r.URL.Query().Get("html"), r.URL.Query().Get("widget"))
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// A visit is a visitor's tab with the shop.
type visit struct {
	*peers.Tab
	t *testing.T
}

func (s *shop) visit(t *testing.T, browser *peers.RunningChromium, width int, html, widget string) visit {
	t.Helper()
	v := visit{browser.Tab(t, width, 640), t}
	v.Do("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": `
		window.violations = []; window.said = [];
		addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.blockedURI));
		window.widget = () => document.querySelector("milepost-status").shadowRoot;
		window.headline = () => widget()?.querySelector("[part=headline]")?.textContent || "";
		window.spoken = () => widget()?.querySelector("[role=status]")?.textContent;
		window.ask = () => document.dispatchEvent(new Event("visibilitychange"));
	`})
	v.Open(s.URL + "/shop?html=" + escape(html) + "&widget=" + escape(widget))
	return v
}

func escape(s string) string {
	return strings.NewReplacer(" ", "%20", "\"", "%22", "&", "%26", "#", "%23", "+", "%2B").Replace(s)
}

// text is the value of an expression that is one.
func (v visit) text(expression string) string {
	v.t.Helper()
	var s string
	v.Eval("String("+expression+")", &s)
	return s
}

func (v visit) want(expression, want string) {
	v.t.Helper()
	if got := v.text(expression); got != want {
		v.t.Errorf("%s is %q, want %q", expression, got, want)
	}
}

// keep keeps a picture for a person to look at, if one wants to.
func (v visit) keep(name string) {
	v.t.Helper()
	picture := v.Picture()
	if len(picture) < 1000 {
		v.t.Errorf("%s is an empty picture", name)
	}
	if *pictures != "" {
		if err := os.WriteFile(filepath.Join(*pictures, name+".png"), picture, 0o600); err != nil {
			v.t.Fatal(err)
		}
	}
}

// A look is one of the widget's custom properties, and what it does.
type look struct{ set, of, want string }

// looks are all of them.
func looks() map[string]look {
	style := func(of, what string) string { return "getComputedStyle(" + of + ")." + what }
	host, part := `document.querySelector("milepost-status")`, func(css string) string { return fmt.Sprintf("widget().querySelector(%q)", css) }
	return map[string]look{
		"up":          {"rgb(1, 2, 3)", style(part(".days rect.u"), "fill"), "rgb(1, 2, 3)"},
		"degraded":    {"rgb(2, 3, 4)", style(part("li.g b"), "color"), "rgb(2, 3, 4)"},
		"down":        {"rgb(3, 4, 5)", style(part("li.d b"), "color"), "rgb(3, 4, 5)"},
		"maintenance": {"rgb(4, 5, 6)", style(part("li.m b"), "color"), "rgb(4, 5, 6)"},
		"unknown":     {"rgb(5, 6, 7)", style(part("li.n b"), "color"), "rgb(5, 6, 7)"},
		"ink":         {"rgb(6, 7, 8)", style(host, "color"), "rgb(6, 7, 8)"},
		"soft":        {"rgb(7, 8, 9)", style(part(".time"), "color"), "rgb(7, 8, 9)"},
		"line":        {"rgb(8, 9, 10)", style(host, "borderTopColor"), "rgb(8, 9, 10)"},
		"ground":      {"rgb(250, 250, 240)", style(host, "backgroundColor"), "rgb(250, 250, 240)"},
		"font":        {"20px serif", style(host, "fontSize"), "20px"},
		"radius":      {"13px", style(host, "borderTopLeftRadius"), "13px"},
	}
}

func TestRealWidget(t *testing.T) {
	browser, s := peers.StartChromium(t), openShop(t)
	now := time.Now()
	own := `src="/0.json" history="none"`
	for _, row := range []struct {
		situation string
		run       func(t *testing.T)
	}{
		{"every host, in light and in dark", func(t *testing.T) {
			v := s.visit(t, browser, 900, "", `mode="full"`)
			v.Until(`widget()?.querySelector("li .days")`)
			v.want(`headline()`, "!degraded 1 of 6 proxies working, 1 under maintenance, 2 unknown")
			v.want(`spoken()`, "degraded: 1 of 6 proxies working, 1 under maintenance, 2 unknown")
			v.want(`[...widget().querySelectorAll("li .line")].map((e) => e.textContent).join("; ")`,
				"Singapore refused✕down; fra-1 loss!degraded; Lima not measured?unknown; Tokyo stale?unknown; Oslo new <disk>⚒maintenance")
			v.want(`getComputedStyle(document.querySelector("milepost-status")).backgroundColor`, "rgb(255, 255, 255)")
			v.want(`violations.join()`, "")
			v.keep("widget-light")
			v.Prefer(map[string]string{"prefers-color-scheme": "dark"})
			v.want(`getComputedStyle(document.querySelector("milepost-status")).backgroundColor`, "rgb(20, 24, 27)")
			v.keep("widget-dark")
			heard := v.Heard()
			for _, line := range []string{"image: 90 days: 1 with outages, 80 not measured. Arrow keys tell the days.", "StaticText: degraded: 1 of 6 proxies working, 1 under maintenance, 2 unknown"} {
				if !strings.Contains(heard, line) {
					t.Errorf("a screen reader does not hear %q in\n%s", line, heard)
				}
			}
		}},
		{"forced colours", func(t *testing.T) {
			v := s.visit(t, browser, 900, "", "")
			v.Prefer(map[string]string{"forced-colors": "active"})
			v.Until(`widget()?.querySelector(".days")`)
			v.want(`getComputedStyle(widget().querySelector(".days rect.u")).fill !== getComputedStyle(widget().querySelector(".days rect.d")).fill`, "true")
			v.keep("widget-forced")
		}},
		{"a telephone", func(t *testing.T) {
			v := s.visit(t, browser, 360, "", `mode="full"`)
			v.Until(`widget()?.querySelector("li .days")`)
			v.want(`document.documentElement.scrollWidth <= 360`, "true")
			v.want(`[...widget().querySelectorAll("summary")].every((e) => e.getBoundingClientRect().height >= 24)`, "true")
			v.keep("widget-360")
		}},
		{"no script", func(t *testing.T) {
			v := visit{browser.Tab(t, 600, 400), t}
			v.Do("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
			v.Open(s.URL + "/shop")
			if heard := v.Heard(); !strings.Contains(heard, "link: See the status") {
				t.Errorf("what is inside the element is not shown: %s", heard)
			}
		}},
		{"its own words", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "up", Date: now})
			v := s.visit(t, browser, 600, `lang="de"`, own+` words='{"up":"läuft"}'`)
			v.Until(`headline()`)
			v.want(`headline()`, "✓läuft 1 of 1 proxy working")
		}},
		{"the lease ends by the server's clock, not the visitor's", func(t *testing.T) {
			future := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
			s.tellers[0].tell(told{Status: "up", Date: future, Left: 3 * time.Second})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.want(`headline()`, "✓up 1 of 1 proxy working")
			s.tellers[0].tell(told{Missing: true})
			v.Until(`headline().startsWith("?unknown nothing was heard since")`)
			v.want(`headline().endsWith("it was up then")`, "true")
			v.want(`spoken().startsWith("unknown: nothing was heard since")`, "true")
			v.want(`widget().querySelector(".over") !== null`, "true")
			v.keep("widget-over")
		}},
		{"the visitor's clock is set back: the monotonic one goes on", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "up", Date: now, Left: 3 * time.Second})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			s.tellers[0].tell(told{Missing: true})
			v.Eval(`void (Date.now = () => 0)`, nil)
			v.Until(`headline().startsWith("?unknown nothing was heard since")`)
		}},
		{"the machine slept: the monotonic clock stood still", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "up", Date: now, Left: 170 * time.Second})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.want(`headline()`, "✓up 1 of 1 proxy working")
			s.tellers[0].tell(told{Missing: true})
			v.Eval(`{const m = performance.now(), w = Date.now() + 171e3; performance.now = () => m; Date.now = () => w; ask()}`, nil)
			v.Until(`headline().startsWith("?unknown nothing was heard since")`)
		}},
		{"an old one out of a cache", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "up", Date: now, Left: 170 * time.Second, Age: 200})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.want(`headline().startsWith("?unknown")`, "true")
		}},
		{"no clock can be read: the lease begins when the document changes", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "up", Seq: 7, Length: 3 * time.Second})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.want(`headline()`, "✓up 1 of 1 proxy working")
			v.Eval(`ask()`, nil) // the same document again renews nothing
			v.Until(`headline().startsWith("?unknown")`)
			s.tellers[0].tell(told{Status: "up", Seq: 8, Length: 3 * time.Second})
			v.Eval(`ask()`, nil)
			v.Until(`headline().startsWith("✓up")`)
		}},
		{"nobody answers", func(t *testing.T) {
			s.tellers[0].tell(told{Missing: true})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.want(`headline()`, "?unknown the status cannot be reached ")
			if heard := v.Heard(); !strings.Contains(heard, "link: See the status") {
				t.Errorf("the way to the page is not shown: %s", heard)
			}
			s.tellers[0].tell(told{Status: "up", Date: now})
			v.Eval(`ask()`, nil)
			v.Until(`headline().startsWith("✓up")`)
		}},
		{"of several the freshest lease of one that sees", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "unknown", Name: "blind", Sight: "blind", Date: now, Left: 180 * time.Second})
			s.tellers[1].tell(told{Status: "down", Name: "late", Date: now, Left: -time.Hour})
			s.tellers[2].tell(told{Status: "degraded", Name: "sees", Date: now.Add(-24 * time.Hour), Left: 100 * time.Second})
			v := s.visit(t, browser, 600, "", `src="/0.json /1.json /2.json" history="none" mode="full"`)
			v.Until(`headline()`)
			v.want(`headline()`, "!degraded 1 of 1 proxy working")
			v.want(`widget().querySelector("li bdi").textContent.trim()`, "sees")
			s.tellers[2].tell(told{Missing: true})
			s.tellers[1].tell(told{Status: "down", Name: "new", Seq: 9, Date: now, Left: 170 * time.Second})
			v.Eval(`ask()`, nil)
			v.Until(`headline().startsWith("✕down")`)
		}},
		{"of several the one with a quorum, though its lease is shorter", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "down", Name: "minority", Date: now, Left: 180 * time.Second, Votes: [3]int{3, 1, 2}})
			s.tellers[1].tell(told{Status: "up", Name: "majority", Date: now, Left: 60 * time.Second, Votes: [3]int{3, 2, 2}})
			v := s.visit(t, browser, 600, "", `src="/0.json /1.json" history="none" mode="full"`)
			v.Until(`headline()`)
			v.want(`headline()`, "✓up 1 of 1 proxy working")
			s.tellers[1].tell(told{Status: "up", Name: "majority", Seq: 1, Date: now, Left: 60 * time.Second, Votes: [3]int{3, 1, 2}})
			v.Eval(`ask()`, nil)
			v.Until(`headline().startsWith("✕down")`)
		}},
		{"the page that it stands in hears of each change", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "up", Seq: 1, Date: now})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.Eval(`document.querySelector("milepost-status").addEventListener("milepost-status", (e) => said.push(e.detail.status + " " + e.detail.document.seq))`, nil)
			s.tellers[0].tell(told{Status: "down", Seq: 2, Date: now.Add(time.Minute)})
			v.Eval(`ask()`, nil)
			v.Until(`said.length`)
			v.want(`said.join("; ")`, "down 2")
		}},
		{"its looks are the page's", func(t *testing.T) {
			v := s.visit(t, browser, 600, "", `mode="full"`)
			v.Until(`widget()?.querySelector("li .days")`)
			for property, is := range looks() {
				v.Eval(fmt.Sprintf(`document.querySelector("milepost-status").style.setProperty("--milepost-%s", %q)`, property, is.set), nil)
				if got := v.text(is.of); got != is.want {
					t.Errorf("--milepost-%s is %s: %s is %q, want %q", property, is.set, is.of, got, is.want)
				}
			}
			for _, name := range regexp.MustCompile(`var\(--milepost-([a-z]+)`).FindAllStringSubmatch(widgetText, -1) {
				if _, tested := looks()[name[1]]; !tested {
					t.Errorf("--milepost-%s is not tested", name[1])
				}
			}
			v.keep("widget-own-looks")
		}},
		{"a state that nobody has heard of", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "sparkling", Date: now})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.want(`headline()`, "?unknown 1 of 1 proxy working")
		}},
		{"names with markup", func(t *testing.T) {
			name := `<img src=x onerror=alert(1)>"'&amp;`
			s.tellers[0].tell(told{Status: "down", Name: name, Date: now})
			v := s.visit(t, browser, 600, "", own+` mode="full"`)
			v.Until(`headline()`)
			v.want(`widget().querySelector("li bdi").textContent.trim()`, name)
			v.want(`widget().querySelectorAll("img").length`, "0")
		}},
		{"it speaks only when something changed", func(t *testing.T) {
			s.tellers[0].tell(told{Status: "up", Seq: 1, Date: now})
			v := s.visit(t, browser, 600, "", own)
			v.Until(`headline()`)
			v.Eval(`new MutationObserver((all) => said.push(...all.map(() => spoken()))).observe(widget().querySelector("[role=status]"), {childList: true, characterData: true, subtree: true})`, nil)
			for seq := range 3 {
				s.tellers[0].tell(told{Status: "up", Seq: 2 + seq, Date: now.Add(time.Duration(seq) * time.Minute)})
				v.Eval(`ask()`, nil)
				v.Until(fmt.Sprintf(`widget().querySelector("time").dateTime === %q`, stamp(now.Add(time.Duration(seq)*time.Minute)).String()))
			}
			s.tellers[0].tell(told{Status: "down", Seq: 9, Date: now.Add(time.Hour)})
			v.Eval(`ask()`, nil)
			v.Until(`headline().startsWith("✕down")`)
			v.want(`said.join("; ")`, "down: 1 of 1 proxy working")
		}},
		{"keys tell the days, and a table has them all", func(t *testing.T) {
			for _, direction := range []struct{ html, older string }{{"", "ArrowLeft"}, {`dir="rtl"`, "ArrowRight"}} {
				v := s.visit(t, browser, 600, direction.html, "")
				v.Until(`widget()?.querySelector(".days")`)
				key := func(k string) {
					v.Eval(fmt.Sprintf(`{const e = widget().querySelector(".days"); e.focus(); e.dispatchEvent(new KeyboardEvent("keydown", {key: %q, bubbles: true}))}`, k), nil)
				}
				said := `widget().querySelector("summary bdi").textContent.replace(/^.*: /, "")`
				key("End")
				v.want(said, "100 % up")
				key(direction.older)
				v.want(said, "89.83 % up, measured 81.94 %")
				key("Home")
				v.want(said, "not measured")
				key("Escape")
				v.want(said, "1 with outages, 80 not measured")
				v.Eval(`widget().querySelector("details").open = true`, nil)
				v.Until(`widget().querySelectorAll("tr").length === 90`)
				if direction.html != "" {
					v.keep("widget-rtl")
				}
			}
		}},
	} {
		t.Run(row.situation, row.run)
	}
}
