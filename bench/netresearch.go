package main

import (
	"time"

	"github.com/netresearch/go-cron"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

type netresearchLibrary struct {
	c   *cron.Cron
	ids []cron.EntryID
}

func openNetresearch() (library, error) {
	return &netresearchLibrary{c: cron.New(cron.WithSeconds(), cron.WithLocation(rig.Kolkata))}, nil
}

func (l *netresearchLibrary) cron(spec string, f func()) error {
	id, err := l.c.AddFunc(spec, f)
	l.ids = append(l.ids, id)
	return err
}

func (l *netresearchLibrary) replace(i int, spec string, _ func()) error {
	return l.c.UpdateJob(l.ids[i], spec)
}

func (l *netresearchLibrary) registered() int { return len(l.c.Entries()) }

func (l *netresearchLibrary) start() { l.c.Start() }
func (l *netresearchLibrary) stop()  { l.c.StopAndWait() }

// netresearchNext returns what tells the next instant of an expression.
func netresearchNext(spec string, loc *time.Location) (nextFunc, error) {
	schedule, err := cron.ParseStandard("CRON_TZ=" + loc.String() + " " + spec)
	if err != nil {
		return nil, err
	}
	return func(t time.Time) (time.Time, error) { return schedule.Next(t), nil }, nil
}

// netresearchYear simulates minutes on the library's own fake clock, as its guide
// to testing does. The scheduler arms a timer for what is due next only, and is at
// rest when it has armed one.
func netresearchYear(sim simulation) error {
	clock := cron.NewFakeClock(sim.from)
	c := cron.New(cron.WithClock(clock), cron.WithLocation(rig.Kolkata))
	for _, sp := range sim.specs {
		if _, err := c.AddFunc(sp.text, sim.run); err != nil {
			return err
		}
	}
	c.Start()
	for range sim.minutes {
		clock.BlockUntil(1)
		clock.Advance(time.Minute)
	}
	clock.BlockUntil(1)
	c.StopAndWait()
	return nil
}
