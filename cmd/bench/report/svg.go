package report

import (
	"fmt"
	"html"
	"strings"
)

// svg is a drawing. Its text takes the colour scheme of the reader.
type svg struct{ strings.Builder }

const svgStyle = `<style>
.paper{fill:#fff}.ink{fill:#1f2328}.faint{fill:#59636e}.rule{stroke:#d1d9e0}.spread{stroke:#1f2328}
text{font:12px system-ui,sans-serif}.title{font-weight:600;font-size:14px}
@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#f0f6fc}.faint{fill:#9198a1}.rule{stroke:#3d444d}.spread{stroke:#f0f6fc}}
</style>
`

func newSVG(width, height float64, title string) *svg {
	s := new(svg)
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" role="img" aria-label="%s">`+"\n",
		width, height, width, html.EscapeString(title))
	fmt.Fprintf(s, `%s<rect class="paper" width="%.0f" height="%.0f"/>`+"\n", svgStyle, width, height)
	s.text(16, 24, "ink title", "start", title)
	return s
}

func (s *svg) text(x, y float64, class, anchor, text string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, html.EscapeString(text))
}

func (s *svg) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(s, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

func (s *svg) rect(x, y, width, height float64, fill string) {
	fmt.Fprintf(s, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, width, height, fill)
}

func (s *svg) path(points [][2]float64, stroke string) {
	var d []byte
	for i, p := range points {
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		d = fmt.Appendf(d, "%c%.1f %.1f", command, p[0], p[1])
	}
	fmt.Fprintf(s, `<path fill="none" stroke-width="2" stroke="%s" d="%s"/>`+"\n", stroke, d)
}

func (s *svg) bytes() []byte { return []byte(s.String() + "</svg>\n") }

// colour of a contender: those of a family look alike.
func colour(contender string) string {
	switch {
	case contender == "eventim":
		return "#2563eb"
	case contender == "raw":
		return "#94a3b8"
	case contender == "goka":
		return "#16a34a"
	case strings.HasSuffix(contender, "-static"):
		return "#7c2d12"
	case strings.HasPrefix(contender, "streams-100ms-1t"):
		return "#ea580c"
	case strings.HasPrefix(contender, "streams-100ms"):
		return "#fb923c"
	case strings.HasPrefix(contender, "streams-10ms-1t"):
		return "#be185d"
	default:
		return "#f472b6"
	}
}
