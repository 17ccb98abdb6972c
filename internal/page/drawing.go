// Package page makes the generated parts of documents: drawings, tables, and
// the places where they go.
package page

import (
	"fmt"
	"html"
	"strings"
)

// Drawing is an SVG picture. Its text takes the colour scheme of the reader.
// The classes are ink, faint and title for text, rule and spread for lines.
type Drawing struct{ b strings.Builder }

const style = `<style>
.paper{fill:#fff}.ink{fill:#1f2328}.faint{fill:#59636e}.rule{stroke:#d1d9e0}.spread{stroke:#1f2328}
text{font:12px system-ui,sans-serif}.title{font-weight:600;font-size:14px}
@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#f0f6fc}.faint{fill:#9198a1}.rule{stroke:#3d444d}.spread{stroke:#f0f6fc}}
</style>
`

// NewDrawing returns a drawing that has nothing but its title.
func NewDrawing(width, height float64, title string) *Drawing {
	d := new(Drawing)
	fmt.Fprintf(&d.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" role="img" aria-label="%s">`+"\n",
		width, height, width, html.EscapeString(title))
	fmt.Fprintf(&d.b, `%s<rect class="paper" width="%.0f" height="%.0f"/>`+"\n", style, width, height)
	d.Text(16, 24, "ink title", "start", title)
	return d
}

// Text writes text; the anchor is start, middle or end.
func (d *Drawing) Text(x, y float64, class, anchor, text string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, html.EscapeString(text))
}

// Line draws a line.
func (d *Drawing) Line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&d.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

// Rect draws a bar.
func (d *Drawing) Rect(x, y, width, height float64, fill string) {
	fmt.Fprintf(&d.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, width, height, fill)
}

// Path draws a line through points.
func (d *Drawing) Path(points [][2]float64, stroke string) {
	var path []byte
	for i, p := range points {
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		path = fmt.Appendf(path, "%c%.1f %.1f", command, p[0], p[1])
	}
	fmt.Fprintf(&d.b, `<path fill="none" stroke-width="2" stroke="%s" d="%s"/>`+"\n", stroke, path)
}

// Bytes returns the drawing as a file.
func (d *Drawing) Bytes() []byte { return []byte(d.b.String() + "</svg>\n") }
