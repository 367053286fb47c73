package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/replay"
	"github.com/tradeclock/tradeclock/exchange"
)

var (
	// nse is where the accounts trade: the National Stock Exchange of India.
	nse     = exchange.MustGet("XNSE")
	kolkata = nse.Location()

	// firstSession is replayed first with made-up bars: a Monday.
	firstSession = calendar.Date{Year: 2026, Month: time.November, Day: 23}
)

// The replay begins before the session's first task, and ends after its last.
const (
	beforeOpen = 20 * time.Minute
	afterClose = 2*time.Hour + 35*time.Minute
)

// day is what is to be replayed.
type day struct {
	date             calendar.Date
	session          calendar.Session
	opening, closing time.Time
	begin, end       time.Time
	stopped          time.Time // when the process before stopped, or begin
	crash            time.Time // zero: none
	bars             market.Day
	outside          market.Day // bars outside of the trading hours, which nobody sees
	yesterday        market.Day // the bars of the session before, nil if there are none
}

// String says what session the day is: "2026-11-23, regular session, 09:15 to
// 15:30". A session in two parts has the hours of both.
func (d day) String() string {
	var hours []string
	for _, p := range d.session.Phases {
		if p.Name == calendar.PhaseRegular {
			hours = append(hours, p.Start.In(kolkata).Format("15:04")+" to "+p.End.In(kolkata).Format("15:04"))
		}
	}
	return fmt.Sprintf("%s, %s, %s", d.date, d.session.Describe(), strings.Join(hours, " and "))
}

// chooseDay picks the session that the options name, or goes on with one that was
// not finished, or picks the next.
func chooseDay(ctx context.Context, opts options, source market.Source, progress *replay.Log) (day, error) {
	last, some, err := progress.Last(ctx)
	if err != nil {
		return day{}, err
	}
	d := day{date: opts.date}
	if d.date.IsZero() {
		if d.date, err = defaultSession(source, last, some); err != nil {
			return day{}, err
		}
	}
	if err := d.setHours(source); err != nil {
		return day{}, err
	}
	if some && !d.date.After(last.Session) {
		if d.date != last.Session || last.Finished {
			return day{}, fmt.Errorf("%s was replayed up to %s: a later -date, or another file with -db, is needed", opts.file, last.Session)
		}
		d.begin = last.At
	}
	d.stopped = d.begin
	if err := d.setTimes(opts); err != nil {
		return day{}, err
	}
	if !some && !d.begin.Before(d.opening) {
		return day{}, fmt.Errorf("-restart-at %s: the first session of a file begins before the open, at %s",
			opts.restartAt, d.opening.In(kolkata).Format(time.TimeOnly))
	}
	return d, d.setBars(source)
}

func defaultSession(source market.Source, last replay.State, some bool) (calendar.Date, error) {
	if some && !last.Finished {
		return last.Session, nil
	}
	if archive, ok := source.(market.Archive); ok {
		for _, date := range archive.Dates() {
			if !some || date.After(last.Session) {
				return date, nil
			}
		}
		return calendar.Date{}, fmt.Errorf("the bar files have no session after %s", last.Session)
	}
	if !some {
		return firstSession, nil
	}
	next, err := nse.Next(last.Session)
	return next.Date, err
}

// checkDate refuses a date that no session can be replayed of.
func (o options) checkDate(source market.Source) error {
	if o.date.IsZero() {
		return nil
	}
	d := day{date: o.date}
	return d.setHours(source)
}

// setHours takes the session of the date from the calendar. A closed date, one
// whose hours are not announced and one that the calendar does not know are
// refused in the calendar's words.
func (d *day) setHours(source market.Source) (err error) {
	d.opening, d.closing, err = nse.OpenClose(d.date)
	if err != nil && len(source.Day(d.date)) > 0 {
		return fmt.Errorf("there are bars of a day without trading hours: %w", err)
	}
	if err != nil {
		return fmt.Errorf("another -date is needed: %w", err)
	}
	d.begin, d.end = d.opening.Add(-beforeOpen), d.closing.Add(afterClose)
	d.session, err = nse.Session(d.date)
	return err
}

func (d *day) setTimes(opts options) error {
	restart, err := parseTime(opts.restartAt)
	if err != nil {
		return err
	}
	if restart != nil {
		at := restart.On(d.date, kolkata)
		if at.Before(d.begin) {
			return fmt.Errorf("-restart-at %s: the replay is at %s already", opts.restartAt, d.begin.In(kolkata).Format(time.TimeOnly))
		}
		d.begin = at
	}
	crash, err := parseTime(opts.crashAt)
	if err != nil || crash == nil {
		return err
	}
	d.crash = crash.On(d.date, kolkata)
	if !d.crash.After(d.begin) || d.crash.After(d.end) {
		return fmt.Errorf("-crash-at %s: not between %s and %s", opts.crashAt,
			d.begin.In(kolkata).Format(time.TimeOnly), d.end.In(kolkata).Format(time.TimeOnly))
	}
	return nil
}

// setBars takes the bars of the session, and of the one before for accounts that
// are new.
func (d *day) setBars(source market.Source) error {
	d.bars, d.outside = source.Day(d.date).Within(d.session)
	if len(d.bars) == 0 {
		return fmt.Errorf("there are no bars in the session of %s", d)
	}
	before, err := nse.Previous(d.date)
	if errors.Is(err, calendar.ErrUnknownDate) {
		return nil // the calendar begins with this session
	}
	if err != nil {
		return err
	}
	d.yesterday, _ = source.Day(before.Date).Within(before)
	return nil
}

// source is where the bars come from: the files, or a random walk.
func (o options) source() (market.Source, error) {
	if len(o.bars) == 0 {
		return market.Walk{Seed: o.seed, Calendar: nse}, nil
	}
	return market.ReadFiles(kolkata, o.bars...)
}
