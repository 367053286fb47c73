package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
)

var colours = map[string]string{
	"due": dim, "norecord": yellow, "not": dim, "armed": blue, "running": blue, "succeeded": green, "skipped": dim, "missed": red, "failed": red,
	"timedout": red, "interrupted": yellow,
}

func colourOf(m faces.Mark) string { return colours[m.Kind] }

// timelineRows is how many rows the picture has at most.
const timelineRows = 40

// timeline draws the day: a row for each task of each account, and a cell for each
// stretch of time, in which the worst that became of it is shown.
func (a *app) timeline(cmd *cli.Command, s *service, items []store.AgendaItem) {
	if len(items) == 0 {
		return
	}
	const room = 30 // for the names
	fits := 96
	if a.width > 0 {
		fits = max(24, a.width-room)
	}
	t := faces.NewTimeline(items, time.Time{}, time.Time{}, s.now(), s.loc, fits)
	labels := labelsOf(t)
	label := 0
	for _, text := range labels {
		label = max(label, utf8.RuneCountInString(text))
	}
	pad := func(text string) string { return text + strings.Repeat(" ", label-utf8.RuneCountInString(text)+2) }
	fmt.Fprintln(a.out)
	fmt.Fprintln(a.out, strings.TrimRight(pad("")+hours(s, t), " "))
	if at := t.At(s.now()); at >= 0 && at < 1 {
		fmt.Fprintln(a.out, pad("")+strings.Repeat(" ", int(at*float64(t.Cells)))+"▼")
	}
	coloured := a.colours(cmd)
	for i, text := range labels {
		if i == timelineRows {
			fmt.Fprintf(a.out, "… and %d more\n", len(labels)-i)
			break
		}
		fmt.Fprintln(a.out, strings.TrimRight(pad(text)+cellsOf(t.Rows[i], coloured), " "))
	}
	fmt.Fprintln(a.out, pad("")+legend(t))
}

// labelsOf names the rows, with their accounts if there are several.
func labelsOf(t *faces.Timeline) []string {
	labels, one := make([]string, len(t.Rows)), true
	for _, row := range t.Rows {
		one = one && row.Account == t.Rows[0].Account
	}
	for i, row := range t.Rows {
		labels[i] = plain(row.Task)
		if !one {
			labels[i] = plain(row.Account + " " + row.Task)
		}
	}
	return labels
}

// hours is the scale above the rows.
func hours(s *service, t *faces.Timeline) string {
	scale := []rune(strings.Repeat(" ", t.Cells+6))
	for i, next := 0, 0; i < t.Cells; i++ {
		at := t.First.Add(time.Duration(i) * t.Cell).In(s.loc)
		if i >= next && at.Minute() == 0 {
			copy(scale[i:], []rune(at.Format("15:04")))
			next = i + 6
		}
	}
	return string(scale)
}

func cellsOf(row faces.TimelineRow, coloured bool) string {
	var b strings.Builder
	for _, c := range row.Cells {
		switch {
		case c.Mark.Sign == "":
			b.WriteByte(' ')
		case coloured:
			b.WriteString(colourOf(c.Mark) + c.Mark.Sign + reset)
		default:
			b.WriteString(c.Mark.Sign)
		}
	}
	return b.String()
}

func legend(t *faces.Timeline) string {
	parts := []string{fmt.Sprintf("a cell is %v, ▼ now", strings.TrimSuffix(t.Cell.String(), "0s"))}
	for _, m := range t.Marks {
		parts = append(parts, m.Sign+" "+m.Word)
	}
	return strings.Join(parts, ", ")
}
