package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock"
)

// mark is what became of an occurrence, as a sign, a word and a colour.
type mark struct {
	sign, word, colour string
	weight             int // which of several in one cell is shown: the heaviest
}

var (
	markDue         = mark{"○", "due", dim, 1}
	markNotPlanned  = mark{"?", "no record", yellow, 4}
	markWillSkip    = mark{"·", "will be skipped", dim, 1}
	markRunning     = mark{"◐", "running", blue, 5}
	markSucceeded   = mark{"●", "succeeded", green, 2}
	markSkipped     = mark{"–", "skipped", dim, 3}
	markMissed      = mark{"△", "missed", red, 9}
	markFailed      = mark{"✕", "failed", red, 8}
	markTimedOut    = mark{"⧗", "timed out", red, 7}
	markInterrupted = mark{"⌁", "interrupted", yellow, 6}
)

// markOf returns the mark of an item at an instant.
func markOf(item tradeclock.AgendaItem, now time.Time) mark {
	switch {
	case item.Run.Outcome != tradeclock.NoOutcome:
		return markOfOutcome(item.Run.Outcome)
	case item.Skip != "" && item.Due.After(now):
		return markWillSkip
	case item.Skip != "":
		return mark{"·", "not run", dim, 1}
	case item.Due.After(now):
		return markDue
	}
	return markNotPlanned
}

func markOfOutcome(o tradeclock.Outcome) mark {
	switch o {
	case tradeclock.Armed, tradeclock.Running:
		return markRunning
	case tradeclock.Succeeded:
		return markSucceeded
	case tradeclock.Failed:
		return markFailed
	case tradeclock.TimedOut:
		return markTimedOut
	case tradeclock.Skipped:
		return markSkipped
	case tradeclock.Missed:
		return markMissed
	case tradeclock.Interrupted:
		return markInterrupted
	}
	return markDue
}

func colourOf(m mark) string { return m.colour }

// timelineRows is how many rows the picture has at most.
const timelineRows = 40

// timeline draws the day: a row for each task of each account, and a cell for each
// stretch of time, in which the worst that became of it is shown.
func (a *app) timeline(cmd *cli.Command, s *service, items []tradeclock.AgendaItem) {
	if len(items) == 0 {
		return
	}
	grid := newGrid(s, items, a.width)
	labels, label := grid.labels, 0
	for _, text := range labels {
		label = max(label, utf8.RuneCountInString(text))
	}
	pad := func(text string) string { return text + strings.Repeat(" ", label-utf8.RuneCountInString(text)+2) }
	fmt.Fprintln(a.out)
	fmt.Fprintln(a.out, strings.TrimRight(pad("")+grid.hours(s), " "))
	if at := int(grid.now.Sub(grid.first) / grid.cell); !grid.now.Before(grid.first) && at < grid.cells {
		fmt.Fprintln(a.out, pad("")+strings.Repeat(" ", at)+"▼")
	}
	colours := a.colours(cmd)
	for i, text := range labels {
		if i == timelineRows {
			fmt.Fprintf(a.out, "… and %d more\n", len(labels)-i)
			break
		}
		fmt.Fprintln(a.out, strings.TrimRight(pad(text)+grid.row(text, colours), " "))
	}
	fmt.Fprintln(a.out, pad("")+grid.legend())
}

// grid is the picture: cells of equal length from one instant on.
type grid struct {
	first  time.Time
	cell   time.Duration
	cells  int
	now    time.Time
	labels []string
	marks  map[string][]mark // by label
	used   []mark
}

// newGrid lays the items out over the hours in which anything is due, in the width that
// there is.
func newGrid(s *service, items []tradeclock.AgendaItem, width int) *grid {
	first, last := items[0].Due, through(items[0])
	accounts := make(map[string]bool)
	for _, item := range items {
		first = earlier(first, item.Due)
		if t := through(item); t.After(last) {
			last = t
		}
		accounts[item.Account] = true
	}
	wall := first.In(s.loc)
	first = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), 0, 0, 0, s.loc)
	g := &grid{first: first, now: s.now(), marks: make(map[string][]mark)}
	const room = 30 // for the names
	fits := 96
	if width > 0 {
		fits = max(24, width-room)
	}
	for _, g.cell = range []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour} {
		if g.cells = int(last.Sub(first)/g.cell) + 1; g.cells <= fits {
			break
		}
	}
	for _, item := range items {
		label := plain(item.Task)
		if len(accounts) > 1 {
			label = plain(item.Account + " " + item.Task)
		}
		g.add(label, item)
	}
	return g
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (g *grid) add(label string, item tradeclock.AgendaItem) {
	row, known := g.marks[label]
	if !known {
		row = make([]mark, g.cells)
		g.marks[label] = row
		g.labels = append(g.labels, label)
	}
	m := markOf(item, g.now)
	for t := item.Due; ; t = t.Add(g.cell) {
		t = earlier(t, through(item))
		if i := int(t.Sub(g.first) / g.cell); m.weight > row[i].weight {
			row[i] = m
		}
		if !t.Before(through(item)) {
			break
		}
	}
	for _, u := range g.used {
		if u.sign == m.sign {
			return
		}
	}
	g.used = append(g.used, m)
}

// hours is the scale above the rows.
func (g *grid) hours(s *service) string {
	scale := []rune(strings.Repeat(" ", g.cells+6))
	for i, next := 0, 0; i < g.cells; i++ {
		t := g.first.Add(time.Duration(i) * g.cell).In(s.loc)
		if i >= next && t.Minute() == 0 {
			copy(scale[i:], []rune(t.Format("15:04")))
			next = i + 6
		}
	}
	return string(scale)
}

func (g *grid) row(label string, colours bool) string {
	var b strings.Builder
	for _, m := range g.marks[label] {
		switch {
		case m.sign == "":
			b.WriteByte(' ')
		case colours:
			b.WriteString(m.colour + m.sign + reset)
		default:
			b.WriteString(m.sign)
		}
	}
	return b.String()
}

func (g *grid) legend() string {
	parts := []string{fmt.Sprintf("a cell is %v, ▼ now", strings.TrimSuffix(g.cell.String(), "0s"))}
	for _, m := range g.used {
		parts = append(parts, m.sign+" "+m.word)
	}
	return strings.Join(parts, ", ")
}
