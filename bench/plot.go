package bench

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// Sizes of the plot, in its own units.
const (
	plotWidth  = 760
	plotTop    = 44 // above the first bar
	barHeight  = 16
	rowHeight  = 42
	barsLeft   = 20
	barsWidth  = 720
	plotBottom = 26
	// wholeScale is the share of a limit at the right edge; what is more is drawn up to there.
	wholeScale = 2.0
)

// WritePlot draws the figures that have a limit, each as the share of its limit that was used: left of the line at 1 it is met. The colours
// follow the reader's theme, and a missed limit says so in words. It is one static SVG file and draws bars alone, so no plotting library is
// linked into the program for it.
func WritePlot(w io.Writer, results []Result) error {
	var limited []Result
	for _, r := range results {
		if r.Limit > 0 {
			limited = append(limited, r)
		}
	}
	height := plotTop + rowHeight*len(limited) + plotBottom
	var out strings.Builder
	line := func(format string, v ...any) { fmt.Fprintf(&out, format+"\n", v...) }
	line(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="13">`, plotWidth, height)
	line(`<title id="title">Measured figures against their limits</title>`)
	line(`<desc id="desc">%s</desc>`, html.EscapeString(inWords(limited)))
	line(`<style>
  .paper { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e } .track { fill: #eaeef2 } .met { fill: #0969da } .missed { fill: #bc4c00 } .limit { stroke: #1f2328 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .text { fill: #f0f6fc } .faint { fill: #9198a1 } .track { fill: #262c36 } .met { fill: #4493f8 } .missed { fill: #db6d28 } .limit { stroke: #f0f6fc }
  }
</style>`)
	line(`<rect class="paper" width="%d" height="%d"/>`, plotWidth, height)
	line(`<text class="text" x="%d" y="24" font-weight="600">Share of the limit that is used: shorter is better</text>`, barsLeft)
	for i, r := range limited {
		y := plotTop + rowHeight*i
		class, verdict := "met", ""
		if !r.Met {
			class, verdict = "missed", ", missed"
		}
		line(`<text class="text" x="%d" y="%d">%s</text>`, barsLeft, y+14, html.EscapeString(r.title()))
		line(`<text class="faint" x="%d" y="%d" text-anchor="end">%s</text>`, barsLeft+barsWidth, y+14, html.EscapeString(r.inShort()+verdict))
		line(`<rect class="track" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, barsLeft, y+19, barsWidth, barHeight)
		line(`<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, class, barsLeft, y+19, barsWidth*min(r.used(), wholeScale)/wholeScale, barHeight)
	}
	x := barsLeft + barsWidth/wholeScale
	line(`<line class="limit" x1="%.0f" x2="%.0f" y1="%d" y2="%d" stroke-dasharray="4 3"/>`, x, x, plotTop+12, height-plotBottom)
	line(`<text class="faint" x="%.0f" y="%d" text-anchor="middle">the limit</text>`, x, height-8)
	line(`</svg>`)
	_, err := io.WriteString(w, out.String())
	return err
}

// used is the share of the limit that the figure uses: 1 is the limit itself, more misses it.
func (r Result) used() float64 {
	if !r.AtLeast() {
		return r.measured() / r.Limit
	}
	if r.measured() <= 0 {
		return wholeScale
	}
	return r.Limit / r.measured()
}

// title is what the figure is called among people.
func (r Result) title() string {
	if r.About != "" {
		return r.About
	}
	return r.Name
}

// inShort is what was measured, and the limit.
func (r Result) inShort() string {
	text := number(r.Value) + " " + r.Unit
	if r.Baseline > 0 {
		text += ", " + number(r.Ratio) + " ×"
	}
	return text + " (" + r.limit() + ")"
}

// inWords is the plot for who does not see it.
func inWords(limited []Result) string {
	lines := make([]string, len(limited))
	for i, r := range limited {
		verdict := "met"
		if !r.Met {
			verdict = "missed"
		}
		lines[i] = fmt.Sprintf("%s: %s, %s.", r.title(), r.inShort(), verdict)
	}
	return strings.Join(lines, " ")
}
