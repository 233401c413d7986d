package statusbar

import (
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/hoststate"
)

// atom is what RFC 4287 makes a feed have, as a reader of feeds reads it.
type atom struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      []string `xml:"id"`
	Title   []string `xml:"title"`
	Updated []string `xml:"updated"`
	Author  []struct {
		Name string `xml:"name"`
	} `xml:"author"`
	Entries []struct {
		ID        []string `xml:"id"`
		Title     []string `xml:"title"`
		Updated   []string `xml:"updated"`
		Published []string `xml:"published"`
		Content   []struct {
			Type string `xml:"type,attr"`
			Text string `xml:",chardata"`
		} `xml:"content"`
	} `xml:"entry"`
}

// changes are those of two hosts, and of one that is watched no more.
func changes(now time.Time) []Change {
	return []Change{
		{"singapore", now.Add(-2 * time.Minute), now, hoststate.Up, hoststate.Down, "refused"},
		{"fra-1", now.Add(-7 * time.Minute), now.Add(-5 * time.Minute), hoststate.Up, hoststate.Degraded, "secret-192.0.2.7"},
		{"fra-1", now.Add(-8 * time.Minute), now.Add(-8 * time.Minute), hoststate.Maintenance, hoststate.Up, ""},
		{"fra-1", now.Add(-9 * time.Minute), now.Add(-9 * time.Minute), hoststate.Up, hoststate.Maintenance, ""},
		{"gone", now.Add(-time.Hour), now.Add(-time.Hour), hoststate.Up, hoststate.Down, "refused"},
	}
}

func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config()
		at := time.Now()
		c.Changes = func() []Change { return changes(at) }
		b := published(c)
		r := get(b.Public(), "/feed.atom")
		if got := r.Header.Get("Content-Type"); got != "application/atom+xml; charset=utf-8" {
			t.Errorf("Content-Type: %s", got)
		}
		body := text(t, r)
		var f atom
		if err := xml.Unmarshal([]byte(body), &f); err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		// RFC 4287, 4.1.1: exactly one id, title and updated; an author of the feed, or of each entry.
		if len(f.ID) != 1 || len(f.Title) != 1 || len(f.Updated) != 1 || len(f.Author) != 1 || f.Author[0].Name == "" {
			t.Errorf("the feed has not one of each: %s", body)
		}
		if f.Updated[0] != at.UTC().Format(time.RFC3339) {
			t.Errorf("updated %s, not when the newest change was told", f.Updated[0])
		}
		iri := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
		seen := map[string]bool{}
		var said []string
		for _, e := range f.Entries {
			if len(e.ID) != 1 || len(e.Title) != 1 || len(e.Updated) != 1 || len(e.Published) != 1 || len(e.Content) != 1 || e.Content[0].Type != "text" {
				t.Fatalf("an entry has not one of each: %+v", e)
			}
			if !iri.MatchString(e.ID[0]) || seen[e.ID[0]] {
				t.Errorf("id %s is no UUID, or not the only one", e.ID[0])
			}
			seen[e.ID[0]] = true
			for _, when := range []string{e.Updated[0], e.Published[0]} {
				if _, err := time.Parse(time.RFC3339, when); err != nil {
					t.Error(err)
				}
			}
			said = append(said, e.Content[0].Text)
		}
		want := "Singapore has been down since 1999-12-31 23:58 UTC (it was up): refuses connections.\n" +
			"fra-1 has been degraded since 1999-12-31 23:53 UTC (it was up).\n" +
			"fra-1 has been up since 1999-12-31 23:52 UTC (it was in maintenance).\n" +
			"fra-1 has been in maintenance since 1999-12-31 23:51 UTC (it was up)."
		if got := strings.Join(said, "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		b.Publish(time.Now().Add(time.Minute), time.Now(), hosts(time.Now()), sees)
		if again := text(t, get(b.Public(), "/feed.atom")); again != body {
			t.Error("without a change the feed differs from one round to the next: readers show every entry anew")
		}
	})
}

func TestAnEmptyFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.Page = Page{}
		var f atom
		if err := xml.Unmarshal([]byte(text(t, get(published(c).Public(), "/feed.atom"))), &f); err != nil {
			t.Fatal(err)
		}
		if f.Title[0] != "Status" || f.Updated[0] != "2000-01-01T00:00:42Z" || len(f.Entries) != 0 {
			t.Errorf("%+v", f)
		}
	})
}
