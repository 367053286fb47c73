package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// volleySize is how many durable tasks are due at each second.
const volleySize = 100

// latencyRace is how late a task starts that is alone, and the last of a few that
// are written to the disk before they start.
func latencyRace() race {
	r := race{
		number: 4, title: "start latency: a task at each of n whole seconds, and 100 durable ones at each of n whole seconds",
		size: 10, counts: "seconds",
		note: "The poll is a loop that looks once a second, from an instant by chance on, as the services did before. " +
			"It and the cron libraries do not tell when a task was due, so that its start counts from the whole second before: " +
			"of one that is over a second late, only what is beyond whole seconds is seen.",
		contenders: []contender{{name: "tradeclock", role: ours, run: func(b *bout) error { return ourLatency(b, inMemory, 1, 0) }}},
	}
	for _, p := range peers {
		r.contenders = append(r.contenders, contender{name: p.name, role: peer, run: latencyOf(p.open)})
	}
	r.contenders = append(r.contenders,
		contender{name: "a bare timer", role: floor, run: bareTimer},
		contender{name: "a poll once a second", role: origin, run: pollEachSecond},
	)
	for _, f := range []field{onSQLite, onPostgres} {
		r.contenders = append(r.contenders,
			contender{name: f.name("tradeclock"), role: ours, field: f, needs: f.needs(), run: func(b *bout) error { return ourLatency(b, f, volleySize, 0) }},
			contender{name: f.name("tradeclock, armed"), role: ours, field: f, needs: f.needs(), run: func(b *bout) error { return ourLatency(b, f, volleySize, armAhead) }},
			contender{name: f.name("a hand-written batch"), role: floor, field: f, needs: f.needs(), run: func(b *bout) error { return latencyByHand(b, f) }},
		)
	}
	r.contenders = append(r.contenders,
		contender{name: "River", role: peer, field: onPostgres, needs: []server{postgres}, run: riverLatency},
		contender{name: "asynq, appendfsync always", role: peer, needs: []server{redisDurable}, run: asynqLatency},
	)
	return r
}

// volleys notes when the last task of each second's volley starts.
type volleys struct {
	size, want int
	mu         sync.Mutex
	started    map[int64]int // by the Unix second at which they were due
	late       []time.Duration
	all        chan struct{}
}

func newVolleys(b *bout, size int) *volleys {
	return &volleys{size: size, want: b.N, started: make(map[int64]int), all: make(chan struct{})}
}

// start notes the start of a task that was due at an instant. The first volley is
// to warm up and does not count.
func (v *volleys) start(due time.Time) {
	late := time.Since(due)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.started[due.Unix()]++
	if v.started[due.Unix()] != v.size || len(v.late) > v.want {
		return
	}
	v.late = append(v.late, late)
	if len(v.late) == v.want+1 {
		close(v.all)
	}
}

// startNow notes the start of a task whose due instant its library does not tell:
// the whole second before. Of a start over a second late, only what is
// beyond whole seconds is seen.
func (v *volleys) startNow() { v.start(time.Now().Truncate(time.Second)) }

// report waits for all volleys, and adds the lateness of the last task of each.
func (v *volleys) report(b *bout) error {
	limit := time.After(time.Duration(2*v.want+20) * time.Second)
	_, err := b.measure(func() error {
		select {
		case <-v.all:
			return nil
		case <-limit:
			return wrong("not all of %d volleys were whole", v.want)
		case <-b.ctx.Done():
			return context.Cause(b.ctx)
		}
	})
	if err != nil {
		return err
	}
	what := "one task"
	if v.size > 1 {
		what = "last of 100"
	}
	v.mu.Lock()
	late := slices.Sorted(slices.Values(v.late[1:]))
	v.mu.Unlock()
	b.addTime(what+": p50", late[(len(late)-1)/2])
	b.addTime(what+": p99", late[(len(late)*99+99)/100-1])
	return nil
}

// armAhead is how long before they are due the runs of a volley are armed, where they are:
// between two others.
const armAhead = 2500 * time.Millisecond

func ourLatency(b *bout, f field, accounts int, ahead time.Duration) error {
	st, closeStore, err := f.open(b, nil)
	if err != nil {
		return err
	}
	defer closeStore()
	rows := tradeclock.FixedSchedules(tradeclock.Schedule{Task: "volley", Rule: rule.MustParse("every 1s 00:00-24:00")})
	s, err := rig.ArmedScheduler(st, rows, nil, calendar.AlwaysOpen(time.UTC), ahead)
	if err != nil {
		return err
	}
	v := newVolleys(b, accounts)
	exec := tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
		v.start(run.Due)
		return nil
	})
	for i := range accounts {
		if err := s.Enroll(b.ctx, rig.Account(i), exec); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if err := v.report(b); err != nil {
		return err
	}
	stop()
	return <-ended
}

func latencyOf(open func() (library, error)) func(b *bout) error {
	return func(b *bout) error {
		l, err := open()
		if err != nil {
			return err
		}
		v := newVolleys(b, 1)
		if err := l.cron("* * * * * *", v.startNow); err != nil {
			return err
		}
		l.start()
		defer l.stop()
		return v.report(b)
	}
}

// eachSecond calls f at each whole second, by a bare timer.
func eachSecond(ctx context.Context, f func(due time.Time) error) error {
	for {
		due := time.Now().Truncate(time.Second).Add(time.Second)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil
		}
		if err := f(due); err != nil {
			return err
		}
	}
}

// fire calls f at each whole second until its volleys are reported.
func fire(b *bout, v *volleys, f func(ctx context.Context, due time.Time) error) error {
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- eachSecond(ctx, func(due time.Time) error { return f(ctx, due) }) }()
	if err := v.report(b); err != nil {
		return err
	}
	stop()
	if err := <-ended; err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func bareTimer(b *bout) error {
	v := newVolleys(b, 1)
	return fire(b, v, func(_ context.Context, due time.Time) error {
		v.start(due)
		return nil
	})
}

// pollEachSecond looks once a second whether another second is due.
func pollEachSecond(b *bout) error {
	v := newVolleys(b, 1)
	time.Sleep(rand.N(time.Second))
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	go func() {
		for range ticker.C {
			v.startNow()
		}
	}()
	return v.report(b)
}

// latencyByHand claims a volley's rows at each second, starts a goroutine for each,
// and settles them.
func latencyByHand(b *bout, f field) error {
	db, err := f.openByHand(b)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(b.ctx, byHand[f].create); err != nil {
		return err
	}
	v := newVolleys(b, volleySize)
	first := 0
	return fire(b, v, func(ctx context.Context, due time.Time) error {
		err := f.oneByHand(ctx, db, first, volleySize, func() {
			for range volleySize {
				go v.start(due)
			}
		})
		first += volleySize
		return err
	})
}

// riverLatency inserts a volley of jobs at each second, and works them.
func riverLatency(b *bout) error {
	dsn, err := rig.NewSchema(b.ctx, b.Addresses[postgres])
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(b.ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	v := newVolleys(b, volleySize)
	client, err := startRiver(b.ctx, pool, func(task riverTask) { v.start(time.Unix(int64(task.Number), 0)) })
	if err != nil {
		return err
	}
	err = fire(b, v, func(ctx context.Context, due time.Time) error {
		return insertJobs(ctx, client, volleySize, func(int) int { return int(due.Unix()) })
	})
	if err != nil {
		return err
	}
	return client.Stop(b.ctx)
}

// asynqLatency enqueues a volley of tasks at each second, and works them.
func asynqLatency(b *bout) error {
	v := newVolleys(b, volleySize)
	return withAsynq(b, redisDurable, func(number int) { v.start(time.Unix(int64(number), 0)) },
		func(client *asynq.Client, _ *asynq.Inspector) error {
			return fire(b, v, func(ctx context.Context, due time.Time) error {
				return enqueueTasks(ctx, client, volleySize, func(int) int { return int(due.Unix()) })
			})
		})
}
