package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/market"
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/replay"
)

var (
	kolkata = mustLoad("Asia/Kolkata")

	// calendar has a session on each weekday. A real service uses the exchange's
	// calendar, which knows the holidays.
	calendar = tradeclock.Weekdays(kolkata,
		tradeclock.Hours{Phase: tradeclock.PhasePreOpen, Start: tradeclock.Wall(9, 0), End: tradeclock.Wall(9, 15)},
		tradeclock.Hours{Phase: tradeclock.PhaseRegular, Start: tradeclock.Wall(9, 15), End: tradeclock.Wall(15, 30)},
	)

	// firstSession is replayed first with made-up bars: a Monday.
	firstSession = tradeclock.Date{Year: 2026, Month: time.November, Day: 23}
)

// The replay's part of a day.
var (
	dayBegins = tradeclock.Wall(8, 55)
	dayEnds   = tradeclock.Wall(18, 5)
)

// day is what is to be replayed.
type day struct {
	session    tradeclock.Date
	begin, end time.Time
	stopped    time.Time // when the process before stopped, or begin
	crash      time.Time // zero: none
	bars       market.Day
	yesterday  market.Day // the bars of the day before, nil if there are none
}

// chooseDay picks the session that the options name, or goes on with one that was
// not finished, or picks the next.
func chooseDay(ctx context.Context, opts options, progress *replay.Log) (day, error) {
	source, err := opts.source()
	if err != nil {
		return day{}, err
	}
	last, some, err := progress.Last(ctx)
	if err != nil {
		return day{}, err
	}
	d := day{session: opts.date}
	if d.session.IsZero() {
		if d.session, err = defaultSession(source, last, some); err != nil {
			return day{}, err
		}
	}
	d.begin, d.end = dayBegins.On(d.session, kolkata), dayEnds.On(d.session, kolkata)
	if some && !d.session.After(last.Session) {
		if d.session != last.Session || last.Finished {
			return day{}, fmt.Errorf("%s was replayed up to %s: a later -date, or another file with -db, is needed", opts.file, last.Session)
		}
		d.begin = last.At
	}
	d.stopped = d.begin
	if err := d.setTimes(opts); err != nil {
		return day{}, err
	}
	return d, d.setBars(source)
}

func defaultSession(source market.Source, last replay.State, some bool) (tradeclock.Date, error) {
	if some && !last.Finished {
		return last.Session, nil
	}
	if archive, ok := source.(market.Archive); ok {
		for _, date := range archive.Dates() {
			if !some || date.After(last.Session) {
				return date, nil
			}
		}
		return tradeclock.Date{}, fmt.Errorf("the bar files have no session after %s", last.Session)
	}
	if !some {
		return firstSession, nil
	}
	return neighbour(last.Session, 1)
}

// neighbour returns the session before (-1) or after (1) a date.
func neighbour(date tradeclock.Date, direction int) (tradeclock.Date, error) {
	for {
		date = date.AddDays(direction)
		session, err := calendar.Session(date)
		if err != nil || session.Open() {
			return date, err
		}
	}
}

func (d *day) setTimes(opts options) error {
	restart, err := parseTime(opts.restartAt)
	if err != nil {
		return err
	}
	if restart != nil {
		at := restart.On(d.session, kolkata)
		if at.Before(d.begin) {
			return fmt.Errorf("-restart-at %s: the replay is at %s already", opts.restartAt, d.begin.In(kolkata).Format(time.TimeOnly))
		}
		d.begin = at
	}
	crash, err := parseTime(opts.crashAt)
	if err != nil || crash == nil {
		return err
	}
	d.crash = crash.On(d.session, kolkata)
	if !d.crash.After(d.begin) || d.crash.After(d.end) {
		return fmt.Errorf("-crash-at %s: not between %s and %s", opts.crashAt,
			d.begin.In(kolkata).Format(time.TimeOnly), d.end.In(kolkata).Format(time.TimeOnly))
	}
	return nil
}

func (d *day) setBars(source market.Source) error {
	session, err := calendar.Session(d.session)
	if err != nil {
		return err
	}
	if !session.Open() {
		return fmt.Errorf("there is no session on %s: %s", d.session, session.Reason)
	}
	before, err := neighbour(d.session, -1)
	if err != nil {
		return err
	}
	d.bars, d.yesterday = source.Day(d.session), source.Day(before)
	if len(d.bars) == 0 {
		return fmt.Errorf("there are no bars of %s", d.session)
	}
	return nil
}

// source is where the bars come from: the files, or a random walk.
func (o options) source() (market.Source, error) {
	if len(o.bars) == 0 {
		return market.Walk{Seed: o.seed, Location: kolkata}, nil
	}
	return market.ReadFiles(kolkata, o.bars...)
}

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}
