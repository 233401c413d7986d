package statusbar

import (
	"cmp"
	"crypto/sha1"
	"encoding/xml"
	"fmt"
	"time"

	"milepost/lib/metric"
)

// feed is feed.atom: the changes of hosts, in the Atom Syndication Format (RFC 4287).
// Times are when a change was told, so that a feed reader that sorts by them never
// files one under what it has read already.
type feed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated stamp       `xml:"updated"`
	Author  feedAuthor  `xml:"author"`
	Link    *feedLink   `xml:"link"`
	Program string      `xml:"generator"`
	Entries []feedEntry `xml:"entry"`
}

type feedAuthor struct {
	Name string `xml:"name"`
}

type feedLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type feedEntry struct {
	ID        string    `xml:"id"`
	Title     string    `xml:"title"`
	Published stamp     `xml:"published"`
	Updated   stamp     `xml:"updated"`
	Link      *feedLink `xml:"link"`
	Category  feedWord  `xml:"category"`
	Content   feedText  `xml:"content"`
}

type feedWord struct {
	Term string `xml:"term,attr"`
}

type feedText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// MarshalText is the stamp as XML has it. A feed has no time that is null.
func (s stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (c content) feed() []byte {
	f := feed{
		ID: uuid("milepost feed", c.page.ID), Title: cmp.Or(c.page.Name, "Status"), Updated: stamp(c.generatedAt),
		Author: feedAuthor{cmp.Or(c.page.Name, "Status")}, Program: "milepost",
	}
	if c.page.URL != "" {
		f.Link = &feedLink{"alternate", c.page.URL}
	}
	names := make(map[string]string, len(c.hosts))
	for _, h := range c.hosts {
		names[h.ID] = h.Name
	}
	for _, one := range c.changes {
		if name, watched := names[one.Host]; watched {
			f.Entries = append(f.Entries, one.entry(c.page, name, f.Link))
		}
	}
	if len(f.Entries) > 0 {
		f.Updated = f.Entries[0].Updated
	}
	text, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		panic(err) // nothing in it cannot be spelled
	}
	return append([]byte(xml.Header), append(text, '\n')...)
}

func (c Change) entry(p Page, name string, link *feedLink) feedEntry {
	since := c.Since.UTC().Format("2006-01-02 15:04")
	text := fmt.Sprintf("%s has been %s since %s UTC (it was %s)", name, being(c.To), since, being(c.From))
	if why := sentence(metric.Reason(c.Reason)); why != "" {
		text += ": " + why
	}
	return feedEntry{
		ID:    uuid("milepost change", p.ID, c.Host, c.To.String(), c.Told.UTC().Format(time.RFC3339)),
		Title: name + ": " + c.To.String(), Published: stamp(c.Told), Updated: stamp(c.Told), Link: link,
		Category: feedWord{c.To.String()}, Content: feedText{"text", text + "."},
	}
}

// uuid is a URN that is the same whenever it is made of the same words, and so
// names what they do for ever (RFC 9562, 5.5).
func uuid(words ...string) string {
	h := sha1.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	b := h.Sum(nil)[:16]
	b[6] = b[6]&0x0f | 0x50
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
