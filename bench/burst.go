package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// burstRace is the opening bell in memory.
func burstRace() race {
	r := race{
		number: 2, title: "burst in memory: n daily tasks that do nothing, due at one instant",
		size: 100_000, counts: "tasks",
		note:       "tradeclock alone records what became of each task. The times are counted from the instant at which all are due." + quartzNote,
		contenders: []contender{{name: "tradeclock", role: ours, run: func(b *bout) error { return ourBurst(b, inMemory, 20*time.Microsecond) }}},
	}
	for _, p := range peers {
		r.contenders = append(r.contenders, contender{name: p.name, role: peer, most: p.most, run: burstOf(p.open, p.lead)})
	}
	r.contenders = append(r.contenders,
		contender{name: "go-quartz, outdated after an hour", role: peer, most: quartzMost, run: burstOf(openPatientQuartz, quartzLead)},
		contender{name: "a goroutine each", role: floor, run: goroutineEach},
		contender{name: "a pool of workers", role: floor, run: workerPool},
	)
	return r
}

// ourBurst runs one daily task of n accounts at the bell, and holds the ledger to have
// recorded each as succeeded.
func ourBurst(b *bout, f field, lead time.Duration) error {
	st, closeStore, err := f.open(b, nil)
	if err != nil {
		return err
	}
	defer closeStore()
	r := newRoll(b, lead)
	at := r.bell.In(rig.Kolkata)
	wall := calendar.Wall(at.Hour(), at.Minute()) + calendar.WallTime(at.Second())
	rows := tradeclock.FixedSchedules(tradeclock.Schedule{Task: "burst", Rule: rule.Daily(rule.Moment{Wall: wall})})
	s, err := rig.Scheduler(st, rows, nil, calendar.AlwaysOpen(rig.Kolkata))
	if err != nil {
		return err
	}
	if err := rig.Settled(b.ctx, s, b.N, r.run); err != nil {
		return err
	}
	if err := r.inTime(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var settled time.Duration
	cost, err := b.measure(func() error {
		if err := r.wait(b.ctx); err != nil {
			return err
		}
		err := s.Quiesce(b.ctx)
		settled = time.Since(r.bell)
		return err
	})
	if err != nil {
		return err
	}
	stop()
	if err := <-ended; err != nil {
		return err
	}
	if err := r.report(b); err != nil {
		return err
	}
	b.addRecorded(settled, cost)
	return checkRecorded(b, st)
}

func checkRecorded(b *bout, history store.History) error {
	runs, err := history.Runs(b.ctx, store.Query{Scheduler: rig.Name, Outcomes: []tradeclock.Outcome{tradeclock.Succeeded}})
	if err != nil {
		return err
	}
	if len(runs) != b.N {
		return wrong("the ledger has %d runs that succeeded, of %d", len(runs), b.N)
	}
	return nil
}

// burstOf registers n daily jobs of a library, all due at the bell.
func burstOf(open func() (library, error), lead time.Duration) func(b *bout) error {
	return func(b *bout) error {
		l, err := open()
		if err != nil {
			return err
		}
		r := newRoll(b, lead)
		daily := r.bell.In(rig.Kolkata).Format("5 4 15 * * *")
		for i := range b.N {
			if err := l.cron(daily, func() { r.run(i) }); err != nil {
				return err
			}
		}
		l.start()
		defer l.stop()
		return rollCall(b, r)
	}
}

// rollCall waits for what is prepared to run, and reports it.
func rollCall(b *bout, r *roll) error {
	if err := r.inTime(); err != nil {
		return err
	}
	cost, err := b.measure(func() error { return r.wait(b.ctx) })
	if err != nil {
		return err
	}
	if err := r.report(b); err != nil {
		return err
	}
	r.addAllocs(b, cost)
	return nil
}

// goroutineEach starts a goroutine for each task at the bell.
func goroutineEach(b *bout) error {
	r := newRoll(b, 0)
	time.AfterFunc(time.Until(r.bell), func() {
		for i := range b.N {
			go r.run(i)
		}
	})
	return rollCall(b, r)
}

// workerPool hands the tasks to as many workers as there are processors.
func workerPool(b *bout) error {
	r := newRoll(b, 0)
	tasks := make(chan int, 1024)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range tasks {
				r.run(i)
			}
		})
	}
	time.AfterFunc(time.Until(r.bell), func() {
		for i := range b.N {
			tasks <- i
		}
		close(tasks)
	})
	defer workers.Wait()
	return rollCall(b, r)
}
