package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// plotted is a plot of some figures of a subject.
type plotted struct {
	file, title string
	unit        unit
	lines       []string // the headings of the figures
}

// unit says how the numbers of an axis are written.
type unit string

const (
	seconds   unit = "time"
	byteCount unit = "memory"
	perSecond unit = "a second"
	number    unit = ""
)

// draw draws the plots of a subject, from the figures in a file.
func (s subject) draw(path, folder string) error {
	t, err := readTable(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, p := range s.plots {
		svg, err := p.svg(t, s.counts)
		if err != nil {
			return fmt.Errorf("%s: %w", p.file, err)
		}
		if svg == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, p.file+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

const (
	width, height = 6.4 * vg.Inch, 3.6 * vg.Inch
	// typeface is what the texts are measured in, and typefaces are those that
	// look alike on machines that do not have it.
	typeface  = "Liberation Sans"
	typefaces = "Helvetica, Arial, Liberation Sans, sans-serif"
)

// svg draws a plot with two logarithmic axes, or nothing if there are no figures for
// it. Its ground is white, on dark pages too.
func (p plotted) svg(t table, counts string) ([]byte, error) {
	pl := plot.New()
	p.dress(pl, t, counts)
	empty := true
	for i, heading := range p.lines {
		xs, ys, err := t.column(heading)
		if err != nil {
			return nil, err
		}
		if len(xs) == 0 {
			continue
		}
		if err := addLine(pl, i, label(heading), points(xs, ys)); err != nil {
			return nil, err
		}
		empty = false
	}
	if empty {
		return nil, nil
	}
	frame(pl)
	canvas := vgsvg.New(width, height)
	pl.Draw(draw.Crop(draw.New(canvas), 6, -16, 6, -6))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:"+typeface), []byte("font-family:"+typefaces)), nil
}

// dress sets what a plot has beside its lines.
func (p plotted) dress(pl *plot.Plot, t table, counts string) {
	sans := func(size vg.Length) font.Font { return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size} }
	pl.Title.Text, pl.Title.TextStyle.Font, pl.Title.Padding = p.title, sans(12), 6
	pl.X.Label.Text, pl.Y.Label.Text = counts, string(p.unit)
	for _, axis := range []*plot.Axis{&pl.X, &pl.Y} {
		axis.Label.TextStyle.Font, axis.Tick.Label.Font = sans(11), sans(10)
		axis.Scale = plot.LogScale{}
	}
	pl.X.Tick.Marker, pl.Y.Tick.Marker = decades{unit: number, empty: t.rows[0][0] == 0}, decades{unit: p.unit}
	pl.Legend.TextStyle.Font, pl.Legend.Padding, pl.Legend.ThumbnailWidth = sans(10), 2, 24
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	pl.Add(grid)
}

// none is where an axis that has no zero shows it: there is no figure of a thousand
// beside one of none.
const none = 1000

func points(xs, ys []float64) plotter.XYs {
	var line plotter.XYs
	for i, x := range xs {
		if x == 0 {
			x = none
		}
		line = append(line, plotter.XY{X: x, Y: ys[i]})
	}
	return line
}

// The colours are told apart by people who see colours otherwise too, and so are
// the marks.
var (
	colours = []color.Color{
		color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255},
		color.RGBA{204, 121, 167, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{150, 110, 0, 255},
	}
	marks = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.BoxGlyph{}, draw.CrossGlyph{}}
)

func addLine(pl *plot.Plot, i int, name string, line plotter.XYs) error {
	l, mark, err := plotter.NewLinePoints(line)
	if err != nil {
		return err
	}
	l.Color, l.Width = colours[i], vg.Points(1.6)
	mark.Color, mark.Shape, mark.Radius = colours[i], marks[i], vg.Points(3)
	pl.Add(l, mark)
	pl.Legend.Add(name, l, mark)
	return nil
}

// frame widens the axes to whole decades, one at least, with room above for the legend.
func frame(pl *plot.Plot) {
	pl.Legend.Top, pl.Legend.Left = true, true
	pl.Legend.XOffs, pl.Legend.YOffs = 6, -4
	for _, axis := range []*plot.Axis{&pl.X, &pl.Y} {
		axis.Min = math.Pow(10, math.Floor(math.Log10(axis.Min)))
		axis.Max = max(10*axis.Min, math.Pow(10, math.Ceil(math.Log10(axis.Max))))
	}
	pl.Y.Max *= 10
}

// label is a heading without its unit.
func label(heading string) string {
	text, _, _ := strings.Cut(heading, " (")
	return text
}

// decades marks the powers of ten.
type decades struct {
	unit
	empty bool // that of none is marked as zero
}

// Ticks returns the marks between two powers of ten.
func (d decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for e := math.Round(math.Log10(low)); e <= math.Round(math.Log10(high)); e++ {
		v := math.Pow(10, e)
		text := d.text(v)
		if d.empty && v == none {
			text = "0"
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: text})
	}
	return ticks
}

// text writes a power of ten.
func (u unit) text(v float64) string {
	names := []string{"", "k", "M"}
	switch u {
	case seconds:
		v, names = v*1e9, []string{" ns", " µs", " ms", " s"}
	case byteCount:
		names = []string{" B", " kB", " MB", " GB"}
	}
	i := 0
	for ; v > 999 && i < len(names)-1; i++ {
		v /= 1000
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + names[i]
}
