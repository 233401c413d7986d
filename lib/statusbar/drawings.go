package statusbar

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
	"sync"
	"unicode"
)

//go:embed page.html
var pageText string

//go:embed host.html
var hostText string

//go:embed page.css
var styleText string

//go:embed badge.svg
var badgeText string

//go:embed bar.svg
var stripText string

//go:embed still.js
var stillText string

//go:embed status.schema.json
var schemaText string

// drawings are what is the same in every edition: the templates, and the widget.
type drawings struct {
	html    *template.Template
	picture *template.Template
	strip   *template.Template
	widget  func() *body
}

func draw() *drawings {
	return &drawings{
		html:    template.Must(template.Must(template.New("page.html").Parse(pageText)).New("host.html").Parse(hostText)),
		picture: template.Must(template.New("badge.svg").Parse(badgeText)),
		strip:   template.Must(template.New("bar.svg").Parse(stripText)),
		widget:  sync.OnceValue(func() *body { return newBody(kindScript, widget()) }),
	}
}

// page draws v. No script runs in it, so what it may do is told to the browser as
// nothing but this one style.
func (d *drawings) page(v view) *body {
	style := v.style()
	b := d.draw("page.html", struct {
		view
		Style template.CSS
	}{v, template.CSS(style)})
	b.policy = "default-src 'none'; style-src " + hash(style) + "; img-src data:; base-uri 'none'; form-action 'none'"
	return b
}

// still draws v as a file: no header can be sent with it, so its policy stands in
// it, and a script looks whether its lease is over.
func (d *drawings) still(v view) []byte {
	style, script := v.style(), squeeze(stillText)
	v.Still = true
	return d.draw("page.html", struct {
		view
		Style  template.CSS
		Script template.JS
		Policy string
	}{v, template.CSS(style), template.JS(script), "default-src 'none'; connect-src 'self'; script-src " + hash(script) +
		"; style-src " + hash(style) + "; base-uri 'none'; form-action 'none'"}).plain.text
}

// host draws the page of one host.
func (d *drawings) host(v hostView) *body {
	style := strings.TrimSpace(styleText)
	b := d.draw("host.html", struct {
		hostView
		Style template.CSS
	}{v, template.CSS(style)})
	b.policy = "default-src 'none'; style-src " + hash(style) + "; img-src 'self'; base-uri 'none'; form-action 'none'"
	return b
}

// style is the style of v, which knows when v is too old. html/template leaves alone
// what is marked as CSS, so that its hash holds.
func (v view) style() string {
	style := strings.TrimSpace(styleText)
	if v.Fade > 0 {
		style += fmt.Sprintf("\nheader,main{animation:fade 1s %[1]ds both}.late{animation:late 1s %[1]ds both}", v.Fade)
	}
	return style
}

func (d *drawings) draw(name string, with any) *body {
	var text bytes.Buffer
	if err := d.html.ExecuteTemplate(&text, name, with); err != nil {
		panic(err) // a template that a test has executed, into a buffer
	}
	return newBody(kindHTML, text.Bytes())
}

// hash is a text as a policy names it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// svg draws p as XML, which has no place for control characters, however escaped.
func (d *drawings) svg(p picture) []byte {
	for _, s := range []*string{&p.Title, &p.Left, &p.Right} {
		*s = printable(*s)
	}
	var text bytes.Buffer
	if err := d.picture.Execute(&text, p); err != nil {
		panic(err) // a template that a test has executed, into a buffer
	}
	return text.Bytes()
}

// printable is s without what XML has no place for.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\uFFFE' || r == '\uFFFF' {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
