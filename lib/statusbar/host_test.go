package statusbar

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// knowing is config with all that an operator may see.
func knowing() Config {
	c := config()
	c.Days = daysOf
	c.Operator = Operator{
		Labels: func(host string) map[string]string {
			if host == "singapore" || host == "oslo" {
				return map[string]string{"provider": "gandi"}
			}
			return map[string]string{"provider": "ovh & <sons>"}
		},
		Others: func(string) (string, time.Time) {
			return "ovh-1 does not reach it (503)", time.Now().Add(-20 * time.Second)
		},
		Usage: func() []Usage { return []Usage{{"alice", 12_345_678_901, 4711}, {"<b>bob</b>", 999, 1}, {"", 0, 7}} },
		Past: func(_ context.Context, _ string, from, to time.Time, step time.Duration) ([]Stretch, error) {
			var all []Stretch
			for at := from; at.Before(to); at = at.Add(step) {
				s := Stretch{Start: at, Length: step, Latency: 80 * time.Millisecond, RTT: 20 * time.Millisecond, Sent: 600}
				if at.Hour() == 3 {
					s.Lost = 30
				}
				if at.Hour() != 5 {
					all = append(all, s)
				}
			}
			return all, nil
		},
		Events: func(context.Context, string) ([]Event, error) {
			now := time.Now()
			return []Event{
				{now.Add(-3 * time.Hour), hoststate.Up, hoststate.Down, metric.ReasonRefused, metric.FaultProxy, `connecting to proxy "192.0.2.7:3128": connection refused`, "asked: b does not reach it"},
				{now.Add(-50 * time.Hour), hoststate.Unknown, hoststate.Up, "", "", "", ""},
			}, nil
		},
	}
	return c
}

// said is a page as a person reads it.
func said(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`<(tr|p|h1|h2|li)[ >]`).ReplaceAllString(page, "\n$0")
	page = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	return html.UnescapeString(regexp.MustCompile(`[ \t]+`).ReplaceAllString(page, " "))
}

func TestHostPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(13 * time.Hour)
		b := published(knowing())
		r := get(b.Operator(), "/host/singapore")
		page := text(t, r)
		for _, want := range []string{
			"✕ down Singapore", "down for 3 h 0 min, since", "It refuses connections.", "provider=gandi",
			"Vantages that see it up: 1, down: 4, not at all: 1; down as seen from eu, us.", "Asked 13:00:22: ovh-1 does not reach it (503).",
			"24 hours not enough is known nothing",
			`squid_auth CRITICAL connecting to proxy "192.0.2.7:3128": connection refused proxy`, "packet_loss OK 0/20 lost",
			"Answer times (blue) and round trips (green) up to 80 ms; 180 of 104400 packets lost (red, below).",
			`up down connecting to proxy "192.0.2.7:3128": connection refused proxy asked: b does not reach it`, "unknown up",
			"31 Dec: 89.83 % up, down for 2 h 0 min, measured 81.94 %",
		} {
			if !strings.Contains(said(page), want) {
				t.Errorf("the page does not say %q:\n%s", want, said(page))
			}
		}
		if !strings.Contains(page, `src="../smoke/singapore.svg"`) || r.Header.Get("Cache-Control") != "no-store" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "img-src 'self'") {
			t.Errorf("the smoke has no place, or may not be loaded: %v", r.Header)
		}
		if got := strings.Count(page, "M"); got < 4 {
			t.Error("the gap at five o'clock is drawn as if it was measured")
		}
		if page, want := said(text(t, get(b.Operator(), "/host/oslo"))), "It is under maintenance until 14:30:42: new <disk>; beneath it, it is up."; !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
		for path, h := range map[string]string{"/host/nobody": "operator", "/host/": "operator", "/host/singapore": "public"} {
			handler := b.Operator()
			if h == "public" {
				handler = b.Public()
			}
			if r := get(handler, path); r.StatusCode != http.StatusNotFound {
				t.Errorf("%s on the %s listener is %s", path, h, r.Status)
			}
		}
	})
}

func TestHostPageWithoutAPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := knowing()
		c.Operator.Past = func(context.Context, string, time.Time, time.Time, time.Duration) ([]Stretch, error) {
			return nil, errors.New("disk full")
		}
		c.Operator.Events = func(context.Context, string) ([]Event, error) { return nil, errors.New("disk full") }
		b := published(c)
		for _, want := range []string{"Nothing was measured in this time.", "None is known.", "No check has run yet."} {
			if page := said(text(t, get(b.Operator(), "/host/lima"))); !strings.Contains(page, want) {
				t.Errorf("the page does not say %q:\n%s", want, page)
			}
		}
		time.Sleep(time.Hour)
		if page := said(text(t, get(b.Operator(), "/host/singapore"))); !strings.Contains(page, "? unknown Singapore") || !strings.Contains(page, "It was down before.") {
			t.Errorf("after the lease: %s", page)
		}
	})
}

func TestLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(knowing())
		all := text(t, get(b.Operator(), "/"))
		if want := `<a href="?label=provider%3dovh%20%26%20%3csons%3e">provider=ovh &amp; &lt;sons&gt;</a><a href="?label=provider%3dgandi">provider=gandi</a><a href="?label=group%3deu">group=eu</a>`; !strings.Contains(all, want) {
			t.Errorf("the labels are not offered, the most common first:\n%s", all)
		}
		for label, want := range map[string]string{
			"provider=gandi": "Singapore Oslo ", "group=eu": "fra-1 ", "provider=ovh & <sons>": "fra-1 Lima Tokyo Baltimore ", "nobody=has": "",
		} {
			r := chosen(b, label)
			got := ""
			for _, name := range []string{"Singapore", "fra-1", "Lima", "Tokyo", "Oslo", "Baltimore"} {
				if strings.Contains(r, ">"+name+"</a>") {
					got += name + " "
				}
			}
			if got != want || !strings.Contains(r, `<a href="./">all hosts</a>`) {
				t.Errorf("%s shows %q, want %q", label, got, want)
			}
		}
		if public := text(t, get(b.Public(), "/")); strings.Contains(public, "gandi") || strings.Contains(public, "alice") {
			t.Error("the public learns of providers or users")
		}
		if page := said(all); !strings.Contains(page, "alice 12.3 GB 4711") || !strings.Contains(page, "<b>bob</b> 999 B 1") || !strings.Contains(page, "(nobody) 0 B 7") {
			t.Errorf("usage: %s", page)
		}
	})
}

// chosen is the operator's page of the hosts with the label.
func chosen(b *Bar, label string) string {
	r := httptest.NewRequest(http.MethodGet, "/?label="+url.QueryEscape(label), nil)
	w := httptest.NewRecorder()
	b.Operator().ServeHTTP(w, r)
	return w.Body.String()
}
