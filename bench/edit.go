package main

import (
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// edits is how many edits a contender makes, one after the other.
const edits = 5

// editRace is one edit among many rows, until it is in effect.
func editRace() race {
	r := race{
		number: 7, title: "edits: n rows, one of them changed, until the change is in effect",
		size: 100_000, counts: "rows",
		note: "An edit of tradeclock is a change of a row in a store, which any process may make, and the tick that takes it. " +
			"An edit of a library is a call in the process that runs it, and is gone after a restart." + quartzNote,
	}
	for _, f := range []field{inMemory, onSQLite, onPostgres} {
		r.contenders = append(r.contenders, contender{name: f.name("tradeclock"), role: ours, field: f, needs: f.needs(),
			run: func(b *bout) error { return ourEdits(b, f, asItIs) }})
	}
	r.contenders = append(r.contenders, contender{name: "tradeclock, all rows read again", role: ours,
		run: func(b *bout) error { return ourEdits(b, inMemory, readWhole) }})
	for _, f := range []field{onSQLite, onPostgres} {
		r.contenders = append(r.contenders, contender{name: f.name("hand-written, all rows read again"), role: floor, field: f, needs: f.needs(),
			run: func(b *bout) error { return editsByHand(b, f) }})
	}
	for _, p := range peers {
		r.contenders = append(r.contenders, contender{name: p.name, role: peer, most: p.most, run: editsOf(p.open)})
	}
	return r
}

// editRule is the rule of the next edit, and its minute of the day: each is earlier than all others.
func editRule(i int) (rule.Rule, int) {
	minute := 8*60 - i
	return rule.Daily(rule.At(minute/60, minute%60)), minute
}

// asItIs lets the scheduler use all that a store can do.
func asItIs(s storage) tradeclock.ScheduleStore { return s }

// readWhole hides from the scheduler that a store can list what changed.
func readWhole(s storage) tradeclock.ScheduleStore {
	return struct {
		tradeclock.ScheduleStore
		store.Reviser
	}{s, s}
}

// ourEdits edits rows in a store, which the scheduler is shown in some way.
func ourEdits(b *bout, f field, shown func(s storage) tradeclock.ScheduleStore) error {
	clock := clockwork.NewFakeClockAt(rig.Sunday)
	st, closeStore, err := f.open(b, clock)
	if err != nil {
		return err
	}
	defer closeStore()
	if _, err := st.SeedSchedules(b.ctx, rig.OwnRows(b.N)...); err != nil {
		return err
	}
	s, err := rig.Scheduler(memstore.New(clock), shown(st), clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return err
	}
	if err := rig.Settled(b.ctx, s, b.N, func(int) {}); err != nil {
		return err
	}
	var storing, taking time.Duration
	_, err = b.measure(func() error {
		for i := range edits {
			when, minute := editRule(i)
			began := time.Now()
			if _, err := st.UpdateSchedule(b.ctx, store.By{Actor: "ops", Reason: "a test"}, rig.Account(i*b.N/edits), "open", 1, store.ScheduleEdit{Rule: when}); err != nil {
				return err
			}
			stored := time.Now()
			clock.Advance(time.Minute)
			if err := s.Tick(b.ctx); err != nil {
				return err
			}
			storing += stored.Sub(began)
			taking += time.Since(stored)
			want := rig.Sunday.AddDate(0, 0, 1).Add(time.Duration(minute) * time.Minute)
			if next := s.Status().Next; !next.Equal(want) {
				return wrong("the next occurrence is at %v, not %v", next, want)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.addTime("edit, in effect", (storing+taking)/edits)
	b.addTime("of it: the store", storing/edits)
	b.addTime("of it: the tick", taking/edits)
	return s.Close(b.ctx)
}

// editsByHand changes a row of a table, and reads the table.
func editsByHand(b *bout, f field) error {
	db, err := f.filled(b)
	if err != nil {
		return err
	}
	defer db.Close()
	cost, err := b.measure(func() error {
		for i := range edits {
			when, _ := editRule(i)
			key := fmt.Sprintf("account-%d", i*b.N/edits+1)
			if _, err := db.ExecContext(b.ctx, "UPDATE schedules SET rule = $1 WHERE account = $2 AND task = 'open'", when.String(), key); err != nil {
				return err
			}
			changed, err := readRows(b, db)
			if err != nil {
				return err
			}
			if changed != i+1 {
				return wrong("%d rows are changed after %d edits", changed, i+1)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.addTime("edit, in effect", cost.time/edits)
	return nil
}

// editsOf changes jobs of a library that runs. It is asked for its jobs once at the
// end, so that the last change too has gone through its loop.
func editsOf(open func() (library, error)) func(b *bout) error {
	return func(b *bout) error {
		l, err := open()
		if err != nil {
			return err
		}
		for range b.N {
			if err := l.cron("0 0 9 * * MON-FRI", func() {}); err != nil {
				return err
			}
		}
		l.start()
		defer l.stop()
		if n := l.registered(); n != b.N {
			return wrong("%d jobs are registered, of %d", n, b.N)
		}
		cost, err := b.measure(func() error {
			for i := range edits {
				_, minute := editRule(i)
				spec := fmt.Sprintf("0 %d %d * * MON-FRI", minute%60, minute/60)
				if err := l.replace(i*b.N/edits, spec, func() {}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n := l.registered(); n != b.N {
			return wrong("%d jobs are registered after the edits, of %d", n, b.N)
		}
		b.addTime("edit, in effect", cost.time/edits)
		return nil
	}
}
