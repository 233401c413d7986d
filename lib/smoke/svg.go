package smoke

import (
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
	"time"
)

// Where things are in the picture.
const (
	width, height = 880.0, 340.0

	left, right  = 58.0, 866.0 // of the plots
	top, bottom  = 46.0, 218.0 // of the round trips
	lossTop      = 232.0       // of the bars of loss
	lossBottom   = 262.0
	hours        = 279.0 // the baseline of the times
	legend       = 305.0 // of the colours
	words        = 328.0 // of the summary
	swatch       = 10.0  // side of a colour in the legend
	swatchSpace  = 88.0
	legendIndent = 58.0
)

// SVG draws g.
func (g Graph) SVG(w io.Writer) error {
	rounds := g.measured()
	time := axis{seconds(g.From), seconds(g.To), left, right}
	delay, ticks := delays(rounds, bottom, top)
	p := &picture{time: time, delay: delay, loss: axis{0, 1, lossBottom, lossTop}}
	p.head(g)
	p.grid(g, ticks)
	for _, band := range [...][2]int{{least, most}, {low, high}, {2, 4}} {
		p.band(rounds, band[0], band[1])
	}
	p.silences(rounds)
	p.medians(rounds)
	p.bars(rounds)
	p.light(g.Light)
	p.legend(g)
	p.text.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.text.String())
	return err
}

// A picture is an SVG as it is written.
type picture struct {
	text  strings.Builder
	time  axis // Unix seconds
	delay axis // milliseconds
	loss  axis // a share
}

func (p *picture) put(format string, args ...any) { fmt.Fprintf(&p.text, format, args...) }

// num spells a place in the picture.
func num(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (p *picture) head(g Graph) {
	title := fmt.Sprintf("Round trips and loss of %s, %s", g.Host, g.Span)
	until := fmt.Sprintf("%s to %s UTC", g.Span, g.To.UTC().Format("Mon 2 January 2006 15:04"))
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="title desc" font-family="system-ui,-apple-system,'Segoe UI',sans-serif">`+"\n",
		num(width), num(height), num(width), num(height))
	p.put("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s: %s.</desc>\n", html.EscapeString(title), html.EscapeString(until), html.EscapeString(g.Summary().String()))
	p.put("<style>%s</style>\n", style())
	p.put(`<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="2" height="6"/></pattern></defs>` + "\n")
	p.put(`<rect class="page" width="%s" height="%s" rx="6"/>`+"\n", num(width), num(height))
	p.put(`<text class="name" x="%s" y="26">%s</text><text class="dim" x="%s" y="26" text-anchor="end">%s</text>`+"\n",
		num(left), html.EscapeString(cut(g.Host, 60)), num(right), html.EscapeString(until))
}

// cut is s in at most n letters.
func cut(s string, n int) string {
	letters := []rune(s)
	if len(letters) <= n {
		return s
	}
	return string(letters[:n-1]) + "…"
}

// grid is the lines behind the plots and what they stand for.
func (p *picture) grid(g Graph, ticks []float64) {
	var lines strings.Builder
	for _, v := range ticks {
		y := p.delay.place(v)
		fmt.Fprintf(&lines, "M%s %sH%s", num(left), num(y), num(right))
		p.put(`<text class="dim" x="%s" y="%s" text-anchor="end">%s</text>`, num(left-7), num(y+4), label(v))
	}
	p.put(`<text class="dim" x="%s" y="%s" text-anchor="end">ms</text>`, num(left-7), num(top-12))
	p.put(`<text class="dim" x="%s" y="%s" text-anchor="end">loss</text>`+"\n", num(left-7), num((lossTop+lossBottom)/2+4))
	for _, t := range moments(g.From, g.To) {
		x := p.time.place(seconds(t.at))
		fmt.Fprintf(&lines, "M%s %sV%sM%s %sV%s", num(x), num(top), num(bottom), num(x), num(lossTop), num(lossBottom))
		if x > left+14 && x < right-14 {
			p.put(`<text class="dim" x="%s" y="%s" text-anchor="middle">%s</text>`, num(x), num(hours), t.text)
		}
	}
	p.put("\n"+`<path class="grid" d="%sM%s %sH%s"/>`+"\n", lines.String(), num(left), num(lossBottom), num(right))
}

// runs are the rounds with answers that follow each other without a gap.
func runs(rounds []Round) [][]Round {
	var all [][]Round
	for i, r := range rounds {
		switch {
		case r.silent():
		case i > 0 && !rounds[i-1].silent() && !r.Start.After(rounds[i-1].end()):
			all[len(all)-1] = append(all[len(all)-1], r)
		default:
			all = append(all, []Round{r})
		}
	}
	return all
}

// edges are where r begins and ends.
func (p *picture) edges(r Round) (from, to float64) {
	return p.time.place(seconds(r.Start)), p.time.place(seconds(r.end()))
}

// band is the smoke between two of a Round's quantiles.
func (p *picture) band(rounds []Round, lower, upper int) {
	var d strings.Builder
	for _, run := range runs(rounds) {
		for i, r := range run {
			from, to := p.edges(r)
			y := p.delay.place(millis(r.RTT[upper]))
			if i == 0 {
				fmt.Fprintf(&d, "M%s %s", num(from), num(y))
			} else {
				fmt.Fprintf(&d, "V%s", num(y))
			}
			fmt.Fprintf(&d, "H%s", num(to))
		}
		for i := len(run) - 1; i >= 0; i-- {
			from, _ := p.edges(run[i])
			fmt.Fprintf(&d, "V%sH%s", num(p.delay.place(millis(run[i].RTT[lower]))), num(from))
		}
		d.WriteString("Z")
	}
	if d.Len() > 0 {
		p.put(`<path class="smoke" d="%s"/>`+"\n", d.String())
	}
}

// silences are the rounds that nothing came back in: hatched from top to bottom.
func (p *picture) silences(rounds []Round) {
	for i := 0; i < len(rounds); i++ {
		if !rounds[i].silent() {
			continue
		}
		from, to := p.edges(rounds[i])
		for i+1 < len(rounds) && rounds[i+1].silent() && !rounds[i+1].Start.After(rounds[i].end()) {
			i++
			_, to = p.edges(rounds[i])
		}
		p.put(`<rect fill="url(#hatch)" x="%s" y="%s" width="%s" height="%s"/>`+"\n", num(from), num(top), num(to-from), num(bottom-top))
	}
}

// medians is the line, each round in the colour of its loss.
func (p *picture) medians(rounds []Round) {
	var byShade [len(shades)]strings.Builder
	var joints strings.Builder
	for _, run := range runs(rounds) {
		before := 0.0
		for i, r := range run {
			from, to := p.edges(r)
			y := p.delay.place(millis(r.RTT[middle]))
			fmt.Fprintf(&byShade[shadeOf(r.share())], "M%s %sH%s", num(from), num(y), num(to))
			if i > 0 {
				fmt.Fprintf(&joints, "M%s %sV%s", num(from), num(before), num(y))
			}
			before = y
		}
	}
	if joints.Len() > 0 {
		p.put(`<path class="joint" d="%s"/>`+"\n", joints.String())
	}
	for i := range byShade {
		if byShade[i].Len() > 0 {
			p.put(`<path class="line %s" d="%s"/>`+"\n", shades[i].class, byShade[i].String())
		}
	}
}

// bars are the loss of each round. What is lost is seen, however little.
func (p *picture) bars(rounds []Round) {
	var byShade [len(shades)]strings.Builder
	for _, r := range rounds {
		if r.Lost == 0 {
			continue
		}
		from, to := p.edges(r)
		y := min(p.loss.place(r.share()), lossBottom-2)
		fmt.Fprintf(&byShade[shadeOf(r.share())], "M%s %sV%sH%sV%sZ", num(from), num(lossBottom), num(y), num(max(to, from+1)), num(lossBottom))
	}
	for i := range byShade {
		if byShade[i].Len() > 0 {
			p.put(`<path class="bar %s" d="%s"/>`+"\n", shades[i].class, byShade[i].String())
		}
	}
}

// light is the line below which nothing can come back, where it is in the picture.
func (p *picture) light(least time.Duration) {
	v := millis(least)
	if least <= 0 || v <= p.delay.lo || v >= p.delay.hi {
		return
	}
	y := p.delay.place(v)
	p.put(`<path class="light" d="M%s %sH%s"/><text class="dim halo" x="%s" y="%s" text-anchor="end">light in fibre takes %s</text>`+"\n",
		num(left), num(y), num(right), num(right-4), num(y-4), Millis(least))
}

// legend is what the colours say, as bars as high as the loss they stand for, and
// the summary.
func (p *picture) legend(g Graph) {
	x := legendIndent
	p.put(`<text class="dim" x="%s" y="%s" text-anchor="end">lost</text>`, num(left-7), num(legend))
	for i, s := range shades {
		share := s.upTo
		if i == 6 {
			share = 0.75
		}
		tall := max(2, swatch*share)
		p.put(`<rect class="frame" x="%s" y="%s" width="%s" height="%s"/><rect class="bar %s" x="%s" y="%s" width="%s" height="%s"/><text x="%s" y="%s">%s</text>`,
			num(x), num(legend-swatch), num(swatch), num(swatch), s.class, num(x), num(legend-tall), num(swatch), num(tall), num(x+swatch+5), num(legend), s.words)
		x += swatchSpace
	}
	p.put(`<rect fill="url(#hatch)" x="%s" y="%s" width="14" height="%s"/><text x="%s" y="%s">no answer</text>`+"\n",
		num(x), num(legend-swatch), num(swatch), num(x+19), num(legend))
	p.put(`<text x="%s" y="%s">%s</text>`+"\n", num(left), num(words), html.EscapeString(sentence(g.Summary().String())))
}

// sentence is s with a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// style is the colours, by day and by night.
func style() string {
	var day, night strings.Builder
	day.WriteString("text{font-size:12px;fill:#1d2733}.name{font-size:15px;font-weight:600}.dim{fill:#5c6b7a}.halo{paint-order:stroke;stroke:#fff;stroke-width:4}.page{fill:#fff}" +
		".grid{stroke:#e3e8ee;fill:none}.smoke{fill:#334155;fill-opacity:.17}.line{stroke-width:2.4;fill:none}.joint{stroke:#64748b;stroke-opacity:.55;fill:none}" +
		".light{stroke:#b45309;stroke-dasharray:7 4;fill:none}.frame{fill:none;stroke:#cbd5e1}.hatch{fill:#a00000;fill-opacity:.5}.bar{stroke:none}")
	night.WriteString("text{fill:#e6edf3}.dim{fill:#93a1b1}.halo{stroke:#0f1620}.page{fill:#0f1620}.grid{stroke:#243140}.smoke{fill:#cbd5e1;fill-opacity:.2}" +
		".joint{stroke:#94a3b8}.light{stroke:#fbbf24}.frame{stroke:#3b4a5c}.hatch{fill:#ff7a5c}")
	for _, s := range shades {
		fmt.Fprintf(&day, ".line.%s{stroke:%s}.bar.%s{fill:%s}", s.class, s.light, s.class, s.light)
		fmt.Fprintf(&night, ".line.%s{stroke:%s}.bar.%s{fill:%s}", s.class, s.dark, s.class, s.dark)
	}
	return day.String() + "@media(prefers-color-scheme:dark){" + night.String() + "}"
}
