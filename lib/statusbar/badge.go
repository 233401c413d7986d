package statusbar

import (
	"time"
	"unicode/utf8"

	"milepost/lib/hoststate"
)

// A shield is what shields.io's endpoint badges want. They refuse unknown keys,
// and keep a badge for five minutes at least: so its text has the time.
type shield struct {
	SchemaVersion int    `json:"schemaVersion"`
	Label         string `json:"label"`
	Message       string `json:"message"`
	Color         string `json:"color"`
	IsError       bool   `json:"isError"` // then nobody's link can paint it green
	CacheSeconds  int    `json:"cacheSeconds"`
}

func (h Component) shield(at time.Time) shield {
	return shield{
		SchemaVersion: 1, Label: h.Name, Message: h.asOf(at), Color: spell(h.Status).Shield,
		IsError: h.Status != hoststate.Up, CacheSeconds: 300,
	}
}

// asOf is the host's state with the time it was checked, which a picture that is
// kept somewhere still tells.
func (h Component) asOf(at time.Time) string {
	if !h.CheckedAt.IsZero() {
		at = h.CheckedAt
	}
	return h.Status.String() + " · " + at.UTC().Format("15:04") + "Z"
}

// A picture is a badge or the bar before it is drawn. Lengths are in pixels.
type picture struct {
	Title         string
	Left, Right   string
	Split, Width  int
	MidLeft       int
	MidRight      int
	Colour        string
	LeftW, RightW int // of the texts
}

// picture lays out two texts beside each other, in a font that may be any: each
// text is told its own length, so that it fits.
func newPicture(title, left, right, colour string) picture {
	const margin = 8
	p := picture{Title: title, Left: left, Right: right, Colour: colour, LeftW: width(left), RightW: width(right)}
	p.Split = p.LeftW + 2*margin
	p.Width = p.Split + p.RightW + 2*margin
	p.MidLeft, p.MidRight = p.Split/2, (p.Split+p.Width)/2
	return p
}

// width is about how wide a text is in 11 pixel Verdana or its like.
func width(s string) int { return utf8.RuneCountInString(s)*13/2 + 4 }

// badge is the host as a picture, as shields.io would draw it.
func (d *drawings) badge(h Component, at time.Time) []byte {
	s := spell(h.Status)
	return d.svg(newPicture(h.Name+": "+h.asOf(at), h.Name, s.Shape+" "+h.asOf(at), s.Colour))
}
