package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// exchange is the calendar of one process: what the world's is by now.
type exchange struct {
	p        *process
	version  int // of a snapshot
	sessions map[calendar.Date]session
}

// calendarFor returns the calendar of a process: one that answers from memory, or
// one that may take its time.
func (w *World) calendarFor(p *process) calendar.Calendar {
	if w.script.direct {
		return direct{&exchange{p: p}}
	}
	return &exchange{p: p}
}

// Name returns XSIM.
func (e *exchange) Name() string { return "XSIM" }

// Location returns the zone of the exchange.
func (e *exchange) Location() *time.Location { return e.p.w.script.zone }

// Version counts the changes.
func (e *exchange) Version() string {
	if e.version > 0 {
		return strconv.Itoa(e.version)
	}
	version := e.p.w.book.calendars.latest()
	e.p.w.book.calendars.saw(e.p, version)
	return strconv.Itoa(version)
}

// Session returns what is known of a date.
func (e *exchange) Session(d calendar.Date) (calendar.Session, error) {
	sessions := e.sessions
	if sessions == nil {
		sessions = e.p.w.script.sessions
	}
	if err := e.fails(); err != nil {
		return calendar.Session{Date: d}, err
	}
	is, ok := sessions[d]
	if !ok || is.unknown {
		return calendar.Session{Date: d}, fmt.Errorf("%v: %w", d, calendar.ErrUnknownDate)
	}
	s := calendar.Session{Date: d, Kind: is.kind, HoursUnknown: is.unsaid}
	if is.kind != calendar.Closed && !is.unsaid {
		s.Phases = []calendar.Phase{{Name: calendar.PhaseRegular, Start: e.p.w.script.instant(d, is.open), End: e.p.w.script.instant(d, is.close)}}
	}
	return s, nil
}

var errCalendar = errors.New("simulated: the calendar cannot be read")

// fails does what a calendar does that fails: it answers with an error, panics or hangs.
// One that answers from memory does not fail.
func (e *exchange) fails() error {
	i := slices.IndexFunc(e.p.w.active, func(in incident) bool {
		return in.kind == badCalendar && (in.replica < 0 || in.replica == e.p.replica)
	})
	if e.version > 0 || i < 0 {
		return nil
	}
	in := e.p.w.active[i]
	e.p.w.inject(badCalendar)
	switch in.number % 3 {
	case 0:
		panic("simulated panic of the calendar")
	case 1:
		e.p.pause(context.Background(), in.end-e.p.w.now)
	}
	return errCalendar
}

// breakCalendar notes that a calendar fails for a while, and what it is asked meanwhile
// is answered later.
func (w *World) breakCalendar(in incident) {
	w.breakDown(w.now, in.end)
	w.book.calendarFailed.add(w.now, in.end+poll)
	w.book.calendars.unequal.add(w.now, in.end+poll)
}

// direct is a calendar that answers from memory.
type direct struct{ *exchange }

// Snapshot returns the calendar as it is.
func (d direct) Snapshot() calendar.Calendar {
	version := d.p.w.book.calendars.latest()
	d.p.w.book.calendars.saw(d.p, version)
	return &exchange{p: d.p, version: version, sessions: d.p.w.script.sessions}
}
