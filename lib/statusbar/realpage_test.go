package statusbar

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// smoke stands where the exporter draws the round trips of a host.
const smoke = `<svg xmlns="http://www.w3.org/2000/svg" width="800" height="120"><rect width="800" height="120" fill="#dfe4e8"/></svg>`

func TestRealPage(t *testing.T) {
	browser := peers.StartChromium(t)
	now := time.Now()
	b := New(knowing(), nil, now)
	b.Publish(now, now, append(hosts(now), crowd(12, 2, now)...), sees)
	mux := http.NewServeMux()
	mux.Handle("/", b.Operator())
	mux.Handle("/public/", http.StripPrefix("/public", b.Public()))
	mux.HandleFunc("/smoke/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(smoke))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	open := func(t *testing.T, width int, path string, prefer map[string]string) visit {
		t.Helper()
		v := visit{browser.Tab(t, width, 700), t}
		v.Do("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": `window.violations = [];
			addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.blockedURI))`})
		v.Prefer(prefer)
		v.Open(server.URL + path)
		return v
	}
	for name, path := range map[string]string{"operator": "/", "host": "/host/singapore", "public": "/public/", "label": "/?label=provider%3Dgandi"} {
		for look, prefer := range map[string]map[string]string{
			"light": {"prefers-color-scheme": "light"}, "dark": {"prefers-color-scheme": "dark"}, "forced": {"forced-colors": "active"}, "360": nil,
		} {
			t.Run(name+" in "+look, func(t *testing.T) {
				width := 1100
				if look == "360" {
					width = 360
				}
				v := open(t, width, path, prefer)
				v.want(`document.documentElement.scrollWidth <= innerWidth`, "true")
				v.want(`violations.join()`, "")
				v.want(`[...document.images].every((i) => i.naturalWidth > 0)`, "true")
				v.keep(name + "-" + look)
			})
		}
	}
	t.Run("a screen reader, and no script", func(t *testing.T) {
		v := visit{browser.Tab(t, 900, 700), t}
		v.Do("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
		v.Open(server.URL + "/")
		heard := v.Heard()
		for _, want := range []string{"heading: Proxies", "StaticText: degraded", "columnheader: State", "rowheader: Singapore", "link: Singapore", "cell: down for 3 h 0 min"} {
			if !strings.Contains(heard, want) {
				t.Errorf("it does not hear %q in\n%s", want, heard)
			}
		}
	})
	t.Run("a host's page is one link away", func(t *testing.T) {
		v := open(t, 900, "/", nil)
		v.Eval(`[...document.querySelectorAll("tbody th a")].find((a) => a.textContent === "fra-1").click()`, nil)
		v.Until(`location.pathname === "/host/fra-1" && document.readyState === "complete"`)
		v.want(`document.querySelector("h1 a").href`, server.URL+"/")
	})
}

// TestRealStill opens status.html where a web server serves it after its monitor died.
func TestRealStill(t *testing.T) {
	browser := peers.StartChromium(t)
	c := config()
	c.PublishDir = t.TempDir()
	begin := time.Date(2026, 9, 28, 12, 0, 0, 0, time.UTC)
	b := New(c, nil, begin)
	b.Publish(begin, begin, hosts(begin), sees)
	if err := b.Deliver(); err != nil {
		t.Fatal(err)
	}
	// By this clock the lease of three minutes ends two seconds after the page is opened.
	opened := time.Now()
	clock := func() time.Time { return begin.Add(178*time.Second + time.Since(opened)) }
	files := http.FileServer(http.Dir(c.PublishDir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", clock().UTC().Format(http.TimeFormat))
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	v := visit{browser.Tab(t, 900, 600), t}
	opened = time.Now()
	v.Open(server.URL + "/status.html")
	v.want(`document.body.className`, "")
	v.want(`getComputedStyle(document.querySelector(".late")).visibility`, "hidden")
	v.Until(`document.body.className === "over"`)
	v.want(`getComputedStyle(document.querySelector(".late")).visibility`, "visible")
	v.want(`document.querySelector("[role=status]").textContent`, "? unknown; it was degraded: 1 of 6 proxies working, 1 under maintenance, 2 unknown")
	v.keep("still-over")
	v.Open(server.URL + "/bar.svg")
	v.keep("bar")
	// A picture that is looked at for long is grey by itself, and not before: grayscale(0) is none.
	for seconds, want := range map[int]string{104: "grayscale(0)", 107: "grayscale(1)"} {
		v.Eval(fmt.Sprintf(`void (document.getAnimations()[0].currentTime = %d)`, seconds*1000), nil)
		v.want(`getComputedStyle(document.documentElement).filter`, want)
	}
	server.Close()
	opened = time.Now().Add(-time.Hour)
	v.Open("file://" + c.PublishDir + "/status.html") // no clock but the visitor's
	v.Until(`document.body.className === "over"`)
}
