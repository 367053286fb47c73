package faces

import (
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// Timeline is a day as rows of cells of equal length, from one instant on.
type Timeline struct {
	First time.Time // the beginning of an hour
	Cell  time.Duration
	Cells int
	Rows  []TimelineRow // in the order of the items
	Marks []Mark        // those that are used, each once
}

// TimelineRow is what is due of one task of one account.
type TimelineRow struct {
	Account, Task string
	Cells         []Cell
}

// Cell is a stretch of time. Its Mark is the worst that happened in it, to Item, and zero if
// nothing is due in it. Count is how many items it has.
type Cell struct {
	Mark  Mark
	Item  store.AgendaItem
	Count int
}

// At returns the place of an instant on the timeline, from 0 to 1, and beyond that of one
// that is not on it.
func (t *Timeline) At(at time.Time) float64 {
	return float64(at.Sub(t.First)) / float64(time.Duration(t.Cells)*t.Cell)
}

// NewTimeline lays items out in at most so many cells, over the hours in which anything is
// due and those from one instant to another, which may be zero. There must be an item.
func NewTimeline(items []store.AgendaItem, from, to, now time.Time, loc *time.Location, cells int) *Timeline {
	first, last := items[0].Due, Through(items[0])
	if !from.IsZero() {
		first = earlier(first, from)
	}
	if to.After(last) {
		last = to
	}
	for _, item := range items {
		first = earlier(first, item.Due)
		if t := Through(item); t.After(last) {
			last = t
		}
	}
	wall := first.In(loc)
	t := &Timeline{First: time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), 0, 0, 0, loc)}
	for _, t.Cell = range []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour} {
		if t.Cells = int(last.Sub(t.First)/t.Cell) + 1; t.Cells <= cells {
			break
		}
	}
	rows := make(map[store.ScheduleKey]int)
	for _, item := range items {
		key := store.ScheduleKey{Task: item.Task, Account: item.Account}
		at, known := rows[key]
		if !known {
			at, rows[key] = len(t.Rows), len(t.Rows)
			t.Rows = append(t.Rows, TimelineRow{item.Account, item.Task, make([]Cell, t.Cells)})
		}
		t.add(t.Rows[at].Cells, item, MarkOf(item, now))
	}
	return t
}

func (t *Timeline) add(cells []Cell, item store.AgendaItem, m Mark) {
	for at := item.Due; ; at = at.Add(t.Cell) {
		at = earlier(at, Through(item))
		cell := &cells[int(at.Sub(t.First)/t.Cell)]
		cell.Count++
		if m.Weight > cell.Mark.Weight {
			cell.Mark, cell.Item = m, item
		}
		if !at.Before(Through(item)) {
			break
		}
	}
	for _, used := range t.Marks {
		if used.Sign == m.Sign {
			return
		}
	}
	t.Marks = append(t.Marks, m)
}
