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

//go:embed page.css
var styleText string

//go:embed badge.svg
var badgeText string

//go:embed status.schema.json
var schemaText string

// drawings are what is the same in every edition: the templates, and the widget.
type drawings struct {
	html    *template.Template
	picture *template.Template
	widget  func() *body
}

func draw() *drawings {
	return &drawings{
		html:    template.Must(template.New("page.html").Parse(pageText)),
		picture: template.Must(template.New("badge.svg").Parse(badgeText)),
		widget:  sync.OnceValue(func() *body { return newBody(kindScript, widget()) }),
	}
}

// page draws v. It holds no script, so what it may do is told to the browser as
// nothing but this one style. html/template leaves a style alone that is marked as
// CSS, so that its hash holds.
func (d *drawings) page(v view) *body {
	style := strings.TrimSpace(styleText)
	if v.Fade > 0 {
		style += fmt.Sprintf("\nheader,main{animation:fade 1s %[1]ds both}.late{animation:late 1s %[1]ds both}", v.Fade)
	}
	sum := sha256.Sum256([]byte(style))
	var text bytes.Buffer
	err := d.html.Execute(&text, struct {
		view
		Style template.CSS
	}{v, template.CSS(style)})
	if err != nil {
		panic(err) // a template that a test has executed, into a buffer
	}
	b := newBody(kindHTML, text.Bytes())
	b.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'"
	return b
}

// svg draws p as XML, which has no place for control characters, however escaped.
func (d *drawings) svg(p picture) []byte {
	for _, s := range []*string{&p.Title, &p.Left, &p.Right} {
		*s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == '\uFFFE' || r == '\uFFFF' {
				return unicode.ReplacementChar
			}
			return r
		}, *s)
	}
	var text bytes.Buffer
	if err := d.picture.Execute(&text, p); err != nil {
		panic(err) // a template that a test has executed, into a buffer
	}
	return text.Bytes()
}
