package dashboard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
)

// picture is a day as the server draws it. Places along it are percentages, so that the
// browser may stretch it; heights are pixels.
type picture struct {
	Height  int
	Names   []string // beside the rows, from the top on
	Hours   []tickMark
	Shades  []shade
	Bands   []shade
	Notes   []shade // what is said in place of a band
	Marks   []pictureMark
	Now     string // where now is, or empty
	Legend  []faces.Mark
	Cell    string
	RowLine []int // the heights of the lines between the rows
}

type tickMark struct{ X, Text string }

// shade is a stretch of time: of a session's phase.
type shade struct {
	X, Width, Kind, Text string
	Y, Height            int
}

type pictureMark struct {
	X, Kind, Title, Address string
	Y                       int
	Text                    string // how many, if they are several
}

const (
	rowHeight  = 26
	hoursAbove = 22
	cellsMost  = 108
)

func percent(at float64) string { return fmt.Sprintf("%.3f%%", min(1, max(0, at))*100) }

// draw draws what is due on a date, or nothing if nothing is.
func (v *visit) draw(date calendar.Date, items []store.AgendaItem) (*picture, error) {
	if len(items) == 0 {
		return nil, nil
	}
	cals, err := v.calendarsInUse()
	if err != nil {
		return nil, err
	}
	from, to := v.bounds(cals[0], date)
	t := faces.NewTimeline(items, from, to, v.now, v.loc, cellsMost)
	p := &picture{Cell: strings.TrimSuffix(t.Cell.String(), "0s"), Legend: t.Marks}
	y := hoursAbove
	for i, cal := range cals {
		v.addBand(p, t, cal, date, y, i == 0, len(t.Rows))
		p.Names = append(p.Names, cal.Name())
		y += rowHeight
	}
	for _, row := range t.Rows {
		p.Names = append(p.Names, row.Task)
		p.RowLine = append(p.RowLine, y)
		v.addMarks(p, t, row, y+rowHeight/2, date)
		y += rowHeight
	}
	p.Height = y
	v.addHours(p, t)
	if at := t.At(v.now); at >= 0 && at < 1 {
		p.Now = percent(at)
	}
	return p, nil
}

// calendarsInUse are that of the scheduler and those that rows name.
func (v *visit) calendarsInUse() ([]calendar.Calendar, error) {
	rows, err := v.rows()
	if err != nil {
		return nil, err
	}
	cals, names := []calendar.Calendar{v.calendar}, []string{v.calendar.Name()}
	for _, row := range rows {
		if row.Calendar == "" || slices.Contains(names, row.Calendar) {
			continue
		}
		names = append(names, row.Calendar)
		if cal, err := v.findCalendar(row.Calendar); err == nil {
			cals = append(cals, cal)
		}
	}
	return cals, nil
}

// rows reads the schedules that can be read.
func (v *visit) rows() ([]store.Schedule, error) {
	rows, err := v.cfg.View.Schedules.Schedules(v.ctx)
	var quarantine *store.QuarantineError
	if errors.As(err, &quarantine) {
		err = nil
	}
	return rows, err
}

// bounds are when the phases of a session begin and end, or zero.
func (v *visit) bounds(cal calendar.Calendar, date calendar.Date) (from, to time.Time) {
	session, err := cal.Session(date)
	if err != nil {
		return from, to
	}
	for _, phase := range session.Phases {
		if from.IsZero() || phase.Start.Before(from) {
			from = phase.Start
		}
		if phase.End.After(to) {
			to = phase.End
		}
	}
	return from, to
}

// addBand adds the phases of a calendar's session: as a band, and behind all rows if it is the
// scheduler's own.
func (v *visit) addBand(p *picture, t *faces.Timeline, cal calendar.Calendar, date calendar.Date, y int, own bool, rows int) {
	session, err := cal.Session(date)
	note := ""
	switch {
	case err != nil:
		note = err.Error()
	case !session.Open(), session.HoursUnknown, len(session.Phases) == 0:
		note = session.Describe()
		if session.HoursUnknown {
			note += ", hours not known"
		}
	}
	if note != "" {
		kind := "closed"
		if err == nil && session.Open() {
			kind = "openday"
		}
		p.Notes = append(p.Notes, shade{X: "0%", Width: "100%", Y: y + 3, Height: rowHeight - 6, Kind: kind, Text: note})
		return
	}
	for _, phase := range session.Phases {
		from, to := t.At(phase.Start), t.At(phase.End)
		if to <= 0 || from >= 1 {
			continue
		}
		s := shade{X: percent(from), Width: percent(min(1, to) - max(0, from)), Y: y + 3, Height: rowHeight - 6, Kind: kindOfPhase(phase.Name)}
		s.Text = fmt.Sprintf("%s %s to %s", strings.ReplaceAll(phase.Name, "_", " "), v.clockTime(phase.Start), v.clockTime(phase.End))
		p.Bands = append(p.Bands, s)
		if own && phase.Name == calendar.PhaseRegular {
			s.Y, s.Height = y+rowHeight, rows*rowHeight
			p.Shades = append(p.Shades, s)
		}
	}
}

// kindOfPhase is the class of a phase: those that a calendar has of its own are other.
func kindOfPhase(name string) string {
	switch name {
	case calendar.PhaseRegular:
		return "regular"
	case calendar.PhaseClosingAuction:
		return "auction"
	}
	return "other"
}

func (v *visit) addMarks(p *picture, t *faces.Timeline, row faces.TimelineRow, y int, date calendar.Date) {
	for i, c := range row.Cells {
		if c.Count == 0 {
			continue
		}
		at := t.First.Add(time.Duration(i) * t.Cell)
		m := pictureMark{
			X: percent((float64(i) + 0.5) / float64(t.Cells)), Y: y, Kind: c.Mark.Kind, Address: runAddress(c.Item.Account, c.Item.Task, c.Item.Slot),
		}
		m.Title = fmt.Sprintf("%s %s: %s", v.clockOn(c.Item.Due, date), row.Task, c.Mark.Word)
		if c.Count > 1 {
			m.Title = fmt.Sprintf("%s to %s %s: the worst of %d is %s", v.clockOn(at, date), v.clockOn(at.Add(t.Cell), date), row.Task, c.Count, c.Mark.Word)
		}
		if why := faces.Why(c.Item); why != "" {
			m.Title += ": " + clipped(why)
		}
		p.Marks = append(p.Marks, m)
	}
}

// addHours labels as many full hours as there is room for.
func (v *visit) addHours(p *picture, t *faces.Timeline) {
	whole := time.Duration(t.Cells) * t.Cell
	step := time.Hour
	for whole/step > 14 {
		step *= 2
	}
	const roomOfLabel = 0.96 // what begins later would be cut off
	for at := t.First; t.At(at) < roomOfLabel; at = at.Add(step) {
		p.Hours = append(p.Hours, tickMark{percent(t.At(at)), at.In(v.loc).Format("15:04")})
	}
}
