package statusbar

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// TestRealPictures holds the page, a host's page and the widget to pictures of them.
func TestRealPictures(t *testing.T) {
	browser, server := peers.StartChromium(t), gallery(t)
	for _, row := range []struct {
		name, path string
		width      int
		prefer     map[string]string
		noScript   bool
	}{
		{"page-light", "/operator", 1000, nil, false},
		{"page-dark", "/operator", 1000, map[string]string{"prefers-color-scheme": "dark"}, false},
		{"page-forced", "/operator", 1000, map[string]string{"forced-colors": "active"}, false},
		{"page-360", "/operator", 360, nil, false},
		{"host-light", "/host/singapore", 1000, nil, false},
		{"host-360", "/host/singapore", 360, nil, false},
		{"widget", "/shop", 800, nil, false},
		{"widget-dark", "/shop", 800, map[string]string{"prefers-color-scheme": "dark"}, false},
		{"widget-forced", "/shop", 800, map[string]string{"forced-colors": "active"}, false},
		{"widget-360", "/shop", 360, nil, false},
		{"widget-rtl", "/rtl", 800, nil, false},
		{"widget-no-script", "/shop", 800, nil, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := visit{browser.Tab(t, row.width, 300), t}
			v.Do("Emulation.setTimezoneOverride", map[string]any{"timezoneId": "UTC"})
			v.Do("Emulation.setScriptExecutionDisabled", map[string]any{"value": row.noScript})
			v.Prefer(row.prefer)
			v.Open(server.URL + row.path)
			if strings.HasPrefix(row.name, "widget") && !row.noScript {
				v.Until(`document.querySelector("milepost-status").shadowRoot?.querySelector("li .days")`)
			}
			holdPicture(t, row.name, v.Picture())
		})
	}
}

// gallery serves the pages as they are at one moment for ever: their times stand in the
// pictures.
func gallery(t *testing.T) *httptest.Server {
	t.Helper()
	now := time.Date(2026, 11, 23, 12, 0, 42, 0, time.UTC)
	c := knowing()
	c.Operator.Others = func(string) (string, time.Time) {
		return "fra-1 does not reach it (503 ERR_CONNECT_FAIL)", now.Add(-20 * time.Second)
	}
	events, _ := c.Operator.Events(t.Context(), "")
	for i := range events {
		events[i].Since = now.Add(-3*time.Hour).AddDate(0, 0, -i)
	}
	c.Operator.Events = nil
	b := New(c, nil, now)
	b.Publish(now, now, append(hosts(now), crowd(4, 0, now)...), sees)
	e := b.current.Load().live
	e.content.operator.Events = func(context.Context, string) ([]Event, error) { return events, nil }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := e.find(r.URL.Path)
		id, ofHost := strings.CutPrefix(r.URL.Path, "/host/")
		switch {
		case ofHost:
			found = e.hostPage(r.Context(), id)
		case r.URL.Path == "/operator":
			found = e.operator()
		case r.URL.Path == "/shop", r.URL.Path == "/rtl":
			fmt.Fprint(w, `<!doctype html><html lang="en" dir="`+map[string]string{"/shop": "ltr", "/rtl": "rtl"}[r.URL.Path]+`"><meta name="viewport" content="width=device-width"><title>Shop</title>
<script type="module" src="/widget.js"></script><milepost-status mode="full"><a href="/">See the status</a></milepost-status>`)
			return
		case strings.HasPrefix(r.URL.Path, "/smoke/"):
			found = newBody(kindSVG, []byte(smoke))
		}
		if found == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Date", now.Format(http.TimeFormat)) // by which the widget tells the lease
		send(w, r, found)
	}))
	t.Cleanup(s.Close)
	return s
}

// holdPicture holds a picture to the one of that name in testdata.
func holdPicture(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	is := decoded(t, got)
	if *update {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, is); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if *pictures != "" {
		if err := os.WriteFile(filepath.Join(*pictures, name+".png"), got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if why := unlike(decoded(t, want), is); why != "" {
		t.Errorf("%s is another: %s (-pictures DIR keeps what is seen, -update writes it anew)", path, why)
	}
}

func decoded(t *testing.T, text []byte) image.Image {
	t.Helper()
	p, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// How much pictures may differ: another release of the browser draws an edge otherwise, and
// places nothing elsewhere.
const (
	tile      = 8      // pixels; what differs is told by the means of tiles
	notable   = 20     // of 255: how far the mean of a tile may be off
	tolerable = 0.0005 // of all tiles may be off by more
)

// unlike says how pictures differ, "" if they do not.
func unlike(a, b image.Image) string {
	if a.Bounds() != b.Bounds() {
		return fmt.Sprintf("%v instead of %v pixels", b.Bounds().Max, a.Bounds().Max)
	}
	size := a.Bounds().Max
	tiles, off, first := 0, 0, image.Point{}
	for y := 0; y < size.Y; y += tile {
		for x := 0; x < size.X; x += tile {
			tiles++
			of := image.Rect(x, y, min(x+tile, size.X), min(y+tile, size.Y))
			if far(mean(a, of), mean(b, of)) {
				if off++; off == 1 {
					first = of.Min
				}
			}
		}
	}
	if float64(off) <= tolerable*float64(tiles) {
		return ""
	}
	return fmt.Sprintf("%d of %d tiles differ, the first at %v", off, tiles, first)
}

// mean is the mean of red, green and blue, 0 to 255.
func mean(p image.Image, of image.Rectangle) (rgb [3]float64) {
	for y := of.Min.Y; y < of.Max.Y; y++ {
		for x := of.Min.X; x < of.Max.X; x++ {
			r, g, b, _ := p.At(x, y).RGBA()
			for i, v := range []uint32{r, g, b} {
				rgb[i] += float64(v>>8) / float64(of.Dx()*of.Dy())
			}
		}
	}
	return rgb
}

func far(a, b [3]float64) bool {
	for i := range a {
		if a[i]-b[i] > notable || b[i]-a[i] > notable {
			return true
		}
	}
	return false
}

// TestUnlike: what a person would see is a difference, and an edge that is drawn otherwise
// is none.
func TestUnlike(t *testing.T) {
	drawn := func(w, h int, of image.Rectangle, grey uint8) image.Image {
		p := image.NewGray(image.Rect(0, 0, w, h))
		for y := of.Min.Y; y < of.Max.Y; y++ {
			for x := of.Min.X; x < of.Max.X; x++ {
				p.Pix[p.PixOffset(x, y)] = grey
			}
		}
		return p
	}
	box := image.Rect(100, 100, 140, 120)
	for _, row := range []struct {
		situation string
		other     image.Image
		want      string
	}{
		{"the same", drawn(400, 300, box, 255), ""},
		{"a little darker", drawn(400, 300, box, 245), ""},
		{"another colour", drawn(400, 300, box, 128), "18 of 1900 tiles differ, the first at (96,96)"},
		{"elsewhere", drawn(400, 300, box.Add(image.Pt(0, 6)), 255), "18 of 1900 tiles differ, the first at (96,96)"},
		{"higher", drawn(400, 308, box, 255), "(400,308) instead of (400,300) pixels"},
	} {
		if got := unlike(drawn(400, 300, box, 255), row.other); got != row.want {
			t.Errorf("%s: %q, want %q", row.situation, got, row.want)
		}
	}
}
