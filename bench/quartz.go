package main

import (
	"context"
	"strconv"
	"time"

	"github.com/reugn/go-quartz/quartz"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

// The library compares each new job with all that it has, so that 100,000 would take
// minutes.
const (
	quartzMost = 10_000
	quartzLead = 500 * time.Microsecond
	quartzNote = " go-quartz compares each new job with all others, and takes minutes to register 100,000."
)

type quartzLibrary struct {
	s    quartz.Scheduler
	keys []*quartz.JobKey
}

func openQuartz() (library, error) {
	s, err := quartz.NewStdScheduler()
	return &quartzLibrary{s: s}, err
}

// openPatientQuartz raises the threshold, 100 ms by default, beyond which the
// library drops a job as outdated.
func openPatientQuartz() (library, error) {
	s, err := quartz.NewStdScheduler(quartz.WithOutdatedThreshold(time.Hour))
	return &quartzLibrary{s: s}, err
}

func (l *quartzLibrary) cron(spec string, f func()) error {
	trigger, err := quartz.NewCronTriggerWithLoc(spec, rig.Kolkata)
	if err != nil {
		return err
	}
	key := quartz.NewJobKey(strconv.Itoa(len(l.keys)))
	l.keys = append(l.keys, key)
	return l.s.ScheduleJob(quartz.NewJobDetail(quartzJob(f), key), trigger)
}

func (l *quartzLibrary) replace(i int, spec string, f func()) error {
	trigger, err := quartz.NewCronTriggerWithLoc(spec, rig.Kolkata)
	if err != nil {
		return err
	}
	if err := l.s.DeleteJob(l.keys[i]); err != nil {
		return err
	}
	return l.s.ScheduleJob(quartz.NewJobDetail(quartzJob(f), l.keys[i]), trigger)
}

func (l *quartzLibrary) registered() int {
	keys, err := l.s.GetJobKeys()
	if err != nil {
		return 0
	}
	return len(keys)
}

func (l *quartzLibrary) start() { l.s.Start(context.Background()) }

func (l *quartzLibrary) stop() { l.s.Stop() }

type quartzJob func()

func (f quartzJob) Execute(context.Context) error { f(); return nil }
func (f quartzJob) Description() string           { return "" }

// quartzNext returns what tells the next instant of an expression.
func quartzNext(spec string, loc *time.Location) (nextFunc, error) {
	trigger, err := quartz.NewCronTriggerWithLoc("0 "+spec, loc)
	if err != nil {
		return nil, err
	}
	return func(t time.Time) (time.Time, error) {
		next, err := trigger.NextFireTime(t.UnixNano())
		return time.Unix(0, next), err
	}, nil
}
