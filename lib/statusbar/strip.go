package statusbar

import "bytes"

// A strip is bar.svg: the whole fleet as a picture, for where no script runs.
type strip struct {
	state
	Title, Summary, AsOf string
	At, Long             int // where the summary stands, and how long it is
	Width, End           int
	Fade                 int
	Parts                []tally
}

// strip is c drawn. A picture cannot know its own age, so it says when it was made,
// and fades by itself where it is looked at for long.
func (c content) strip(d *drawings) []byte {
	v := publicView(c)
	s := strip{state: v.State, Summary: printable(v.Summary), AsOf: "nothing was measured yet", Fade: v.Fade}
	if !c.dataAt.IsZero() {
		s.AsOf = "as of " + c.dataAt.UTC().Format("2 Jan 15:04") + " UTC"
	}
	s.Title = s.Word + ": " + s.Summary + ", " + s.AsOf
	s.At = 12 + width(s.Shape+" "+s.Word)*5/4 + 12
	s.Long = width(s.Summary) * 5 / 4
	s.Width = s.At + s.Long + 36 + width(s.AsOf)*5/4
	s.End = s.Width - 12
	for _, t := range v.Tallies { // of 1000
		t.X, t.Width = 12+t.X*(s.End-12)/1000, max(t.Width*(s.End-12)/1000-1, 1)
		s.Parts = append(s.Parts, t)
	}
	var text bytes.Buffer
	if err := d.strip.Execute(&text, s); err != nil {
		panic(err) // a template that a test has executed, into a buffer
	}
	return text.Bytes()
}
