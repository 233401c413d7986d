package statusbar

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

func hashOf(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// publicPaths are all that Public serves of a Bar with a host "fra-1".
func publicPaths() []string {
	return []string{
		"/", "/status.json", "/fleet.json", "/api/v2/status.json", "/api/v2/components.json", "/api/v2/summary.json",
		"/badge/fra-1.json", "/badge/fra-1.svg", "/history.json", "/feed.atom", "/status.schema.json", "/widget.js", "/bar.svg",
	}
}

// planted are words of the inside, each in a place of its own.
func planted() []string {
	return []string{
		"sentence-192.0.2.7", "stage-alice", "said-hunter2", "advice-root", "sample-198.51.100.1", "text-oh-no", "of-203.0.113.9",
		"fault-x", "reason-10.0.0.1", "monitor-10.0.0.2", "label-carol",
	}
}

// leaky is a host whose every hidden field holds a planted word.
func leaky(now time.Time) Component {
	sample := metric.Sample{
		Name: "sample-198.51.100.1", Of: "of-203.0.113.9", Text: "text-oh-no", Labels: []string{"user", "label-carol"},
		Unit: metric.Seconds, Value: 1, Fault: "fault-x",
	}
	return Component{
		Host: Host{ID: "fra-1", Name: "Frankfurt"},
		Standing: hoststate.Standing{
			Status: hoststate.Down, Since: now, CheckedAt: now, Reason: "reason-10.0.0.1",
			Checks: []hoststate.Word{{Check: "squid_auth", Status: verdict.Critical}},
		},
		Outcomes: []check.Outcome{{Check: "squid_auth", Host: "fra-1", At: now, Verdict: verdict.Verdict{
			Status: verdict.Critical, Fault: "fault-x", Reason: "reason-10.0.0.1", Summary: "sentence-192.0.2.7",
			Advice: []string{"advice-root"}, Findings: []verdict.Finding{{Sample: sample, Status: verdict.Critical}},
			Stages: []metric.Stage{{Doing: "stage-alice", Said: "said-hunter2"}},
		}}},
	}
}

func TestNothingLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.StateDir = t.TempDir()
		now := time.Now()
		b := New(c, nil, now)
		b.Publish(now, now, []Component{leaky(now)}, hoststate.Monitor{Total: 1, Healthy: 1, Reasons: []metric.Reason{"monitor-10.0.0.2"}})
		if err := b.Save(); err != nil {
			t.Fatal(err)
		}
		restored := New(c, nil, now)
		if err := restored.Restore(now); err != nil {
			t.Fatal(err)
		}
		search := func(situation string, b *Bar) {
			for _, path := range publicPaths() {
				r := get(b.Public(), path)
				body := text(t, r)
				if r.StatusCode != http.StatusOK {
					t.Errorf("%s: %s is %s", situation, path, r.Status)
				}
				for _, word := range planted() {
					if strings.Contains(body, word) {
						t.Errorf("%s: %s tells everybody %q:\n%s", situation, path, word, body)
					}
				}
			}
		}
		search("published", b)
		search("restored", restored)
		if page := text(t, get(b.Operator(), "/")); !strings.Contains(page, "sentence-192.0.2.7") {
			t.Error("the operator's page does not tell the sentence: this test plants nothing")
		}
		time.Sleep(time.Hour)
		search("after the lease", b)
		if page := text(t, get(b.Operator(), "/")); strings.Contains(page, "sentence-192.0.2.7") {
			t.Error("after the lease the operator's page still tells what a check said")
		}
	})
}

func TestEverythingElseIsNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		for _, path := range []string{
			"/metrics", "/metrics/users", "/probe", "/sd", "/-/healthy", "/-/reload", "/debug/pprof/", "/index.html", "/status", "/status.json/",
			"//status.json", "/../status.json", "/badge/", "/badge/.json", "/badge/nobody.json", "/badge/nobody.svg", "/badge/fra-1", "/badge/fra-1.png",
			"/badge/FRA-1.json", "/api/v2", "/api/v2/", "/api/v2/incidents.json", "/api/v2/%3Cscript%3E", "/<script>alert(1)</script>", "/badge/<b>.json", "",
		} {
			for name, h := range map[string]http.Handler{"public": b.Public(), "operator": b.Operator()} {
				r := get(h, path)
				if body := text(t, r); r.StatusCode != http.StatusNotFound || body != "not found\n" {
					t.Errorf("%s %q is %s: %q", name, path, r.Status, body)
				}
				if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Location") != "" {
					t.Errorf("%s %q has the headers %v", name, path, r.Header)
				}
			}
		}
	})
}

// TestMarkupInNames gives hosts and their page names that would be dangerous, and
// reads every spelling as a browser would.
func TestMarkupInNames(t *testing.T) {
	names := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; DROP TABLE hosts; --`, `</title></style></svg>`,
		`{{.}}`, "a\x00b\x07c", "\xff\xfe", "a/b", "&amp;", "javascript:alert(1)", strings.Repeat("long", 200), "\u202eevil", "日本",
	}
	synctest.Test(t, func(t *testing.T) {
		for _, name := range names {
			now := time.Now()
			c := config()
			c.Page = Page{ID: name, Name: name, URL: "javascript:alert(1)"}
			b := New(c, nil, now)
			h := Component{
				Host: Host{ID: name, Name: name, Group: name, City: name, Country: name},
				Standing: hoststate.Standing{
					Status: hoststate.Degraded, Since: now, CheckedAt: now, Reason: metric.ReasonSlow,
					Checks: []hoststate.Word{{Check: name, Status: verdict.Warning}},
				},
				Outcomes: []check.Outcome{outcome(name, verdict.Warning, "clock", name), outcome(name+"2", verdict.Warning, "", name)},
			}
			b.Publish(now, now, []Component{h}, sees)
			for _, page := range []string{
				text(t, get(b.Public(), "/")), text(t, get(b.Operator(), "/")), text(t, get(b.Operator(), "/host/"+name)),
				strings.TrimSuffix(string(b.current.Load().live.still()), `<script type="module">`+squeeze(stillText)+"</script>\n</body></html>\n"),
			} {
				for _, markup := range []string{"<script", "<img", `href="javascript`, "<svg/"} {
					if strings.Contains(page, markup) {
						t.Errorf("%q became markup: %s", name, page)
					}
				}
				if strings.Count(page, "</title>") != strings.Count(page, "<title>") || strings.Count(page, "</svg>") > 3 || strings.Count(page, "</style>") != 1 {
					t.Errorf("%q ends an element: %s", name, page)
				}
			}
			svg := get(b.Public(), "/badge/"+name+".svg")
			if svg.StatusCode != http.StatusOK {
				t.Errorf("%q has no badge: %s", name, svg.Status)
			}
			wellFormed(t, name, text(t, svg))
			for _, path := range []string{"/status.json", "/fleet.json", "/api/v2/summary.json", "/badge/" + name + ".json", "/history.json"} {
				if body := text(t, get(b.Public(), path)); !json.Valid([]byte(body)) || strings.Contains(body, "<") {
					t.Errorf("%q makes %s %s", name, path, body)
				}
			}
		}
	})
}

// wellFormed fails unless svg is XML of the elements that a badge has.
func wellFormed(t *testing.T, name, svg string) {
	t.Helper()
	in := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%q breaks the badge: %v\n%s", name, err, svg)
			return
		}
		if e, ok := token.(xml.StartElement); ok && !strings.Contains("svg title clipPath rect g text", e.Name.Local) {
			t.Errorf("%q put <%s> into the badge:\n%s", name, e.Name.Local, svg)
		}
	}
}
