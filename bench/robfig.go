package main

import (
	"time"

	"github.com/robfig/cron/v3"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

type robfigLibrary struct {
	c   *cron.Cron
	ids []cron.EntryID
}

func openRobfig() (library, error) {
	return &robfigLibrary{c: cron.New(cron.WithSeconds(), cron.WithLocation(rig.Kolkata))}, nil
}

func (l *robfigLibrary) cron(spec string, f func()) error {
	id, err := l.c.AddFunc(spec, f)
	l.ids = append(l.ids, id)
	return err
}

func (l *robfigLibrary) replace(i int, spec string, f func()) (err error) {
	l.c.Remove(l.ids[i])
	l.ids[i], err = l.c.AddFunc(spec, f)
	return err
}

func (l *robfigLibrary) registered() int { return len(l.c.Entries()) }

func (l *robfigLibrary) start() { l.c.Start() }
func (l *robfigLibrary) stop()  { <-l.c.Stop().Done() }

// robfigNext returns what tells the next instant of an expression.
func robfigNext(spec string, loc *time.Location) (nextFunc, error) {
	schedule, err := cron.ParseStandard("CRON_TZ=" + loc.String() + " " + spec)
	if err != nil {
		return nil, err
	}
	return func(t time.Time) (time.Time, error) { return schedule.Next(t), nil }, nil
}
