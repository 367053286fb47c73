package main

import (
	"context"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

type gocronLibrary struct {
	s    gocron.Scheduler
	jobs []gocron.Job
}

func openGocron() (library, error) {
	s, err := gocron.NewScheduler(gocron.WithLocation(rig.Kolkata))
	return &gocronLibrary{s: s}, err
}

func (l *gocronLibrary) cron(spec string, f func()) error {
	job, err := l.s.NewJob(gocron.CronJob(spec, true), gocron.NewTask(f))
	l.jobs = append(l.jobs, job)
	return err
}

func (l *gocronLibrary) replace(i int, spec string, f func()) (err error) {
	l.jobs[i], err = l.s.Update(l.jobs[i].ID(), gocron.CronJob(spec, true), gocron.NewTask(f))
	return err
}

func (l *gocronLibrary) registered() int { return len(l.s.Jobs()) }

func (l *gocronLibrary) start() { l.s.Start() }

// stop waits at most for the library's own bound. What a shutdown reports is about
// jobs that the race is done with.
func (l *gocronLibrary) stop() { _ = l.s.Shutdown() }

// gocronYear simulates minutes on clockwork's fake clock. The library holds a timer
// for each job, which it arms anew before it runs the job: it is at rest when all
// are armed, and the jobs that were due say that they have run.
func gocronYear(sim simulation) error {
	clock := clockwork.NewFakeClockAt(sim.from)
	s, err := gocron.NewScheduler(gocron.WithClock(clock), gocron.WithLocation(rig.Kolkata))
	if err != nil {
		return err
	}
	jobs := make([]gocron.Job, len(sim.specs))
	for i, sp := range sim.specs {
		if jobs[i], err = s.NewJob(gocron.CronJob(sp.text, false), gocron.NewTask(sim.run)); err != nil {
			return err
		}
	}
	s.Start()
	due := sim.dueAt()
	for range sim.minutes {
		if err := clock.BlockUntilContext(context.Background(), len(jobs)); err != nil {
			return err
		}
		if now := clock.Now(); workday(now.Weekday()) {
			for _, i := range due[now.Hour()*60+now.Minute()] {
				if err := awaitRun(jobs[i], now); err != nil {
					return err
				}
			}
		}
		clock.Advance(time.Minute)
	}
	return s.Shutdown()
}

// awaitRun waits until the job says that it ran at an instant. The answer comes
// from the scheduler's own goroutine.
func awaitRun(job gocron.Job, at time.Time) error {
	for {
		last, err := job.LastRunStartedAt()
		if err != nil || last.Equal(at) {
			return err
		}
	}
}
