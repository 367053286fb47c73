package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

// TestDayRestartedEveryMinute kills the process in each minute of a day, in every
// other one while the minute's runs are under way, and starts the next at the
// minute after. On PostgreSQL, where a process is dear, the day is its first hour.
func TestDayRestartedEveryMinute(t *testing.T) {
	onEach(t, func(t *testing.T, on database) {
		if on.name == onPostgres.name {
			testDayRestartedEveryMinute(t, on, "09:45", 32)
			return
		}
		testDayRestartedEveryMinute(t, on, "18:06", 375)
	})
}

func testDayRestartedEveryMinute(t *testing.T, on database, end string, monitors int) {
	t.Parallel()
	s := newService(t, on, today("08:55"))
	for minute := s.began; !minute.After(today(end)); minute = minute.Add(time.Minute) {
		s.clock.Advance(minute.Sub(s.clock.Now()))
		p := s.start()
		p.tick()
		if minute.Minute()%2 == 1 {
			s.clock.Advance(25 * time.Second)
			p.rest()
		}
		p.kill()
	}
	s.clock.Advance(time.Minute)
	became := s.finish()

	started := make(map[time.Time]bool)
	for _, e := range s.rec.Runs() {
		if e.Run.Task == trading.TaskSellMonitor {
			started[e.Run.Started] = true
		}
	}
	assert.Len(t, started, monitors, "one starts in each minute, be it the minute's own or the one that was cut off before")
	assert.Equal(t, store.Interrupted, became[occurrence{trading.TaskPremarketRetry, today("09:00")}], "cut off, and not run again")
	assert.Equal(t, store.Succeeded, became[occurrence{trading.TaskPremarketAMOAdjustment, today("09:05")}])
}

// finish lets a last process put everything in order and checks the ledger, whose
// outcomes it returns.
func (s *service) finish() map[occurrence]store.Outcome {
	s.t.Helper()
	last, now := s.start(), s.clock.Now()
	last.tick()
	last.close()
	s.assertNoOrderTwice()
	return s.accounted(now)
}

// TestRestartsAroundAMinute kills one process after another at odd seconds, from
// ten minutes before a minute of the day to ten minutes after it. What the file
// holds of the last call before that is left to chance too.
func TestRestartsAroundAMinute(t *testing.T) {
	onEach(t, testRestartsAroundAMinute)
}

func testRestartsAroundAMinute(t *testing.T, on database) {
	for seed, minute := range []string{"09:00", "09:05", "09:15", "09:30", "12:10", "15:30", "16:00", "16:05", "18:00"} {
		t.Run(minute, func(t *testing.T) {
			t.Parallel()
			s := newService(t, on, today(minute).Add(-10*time.Minute))
			chance := rand.New(rand.NewPCG(1, uint64(seed)))
			end := today(minute).Add(10 * time.Minute)
			story := ""
			for s.clock.Now().Before(end) {
				p := s.start()
				p.every(10*time.Second, s.clock.Now().Add(time.Duration(15+chance.IntN(75))*time.Second))
				story += fmt.Sprintf(" %s %s,", s.clock.Now().In(kolkata).Format(time.TimeOnly), p.falter(chance.IntN(len(falters))))
				p.kill()
				s.clock.Advance(time.Duration(1+chance.IntN(40)) * time.Second)
			}
			s.clock.Advance(ttl)
			t.Log("killed at" + story)
			s.finish()
		})
	}
}

// TestKilledAfterAFaultyMinute lets something go wrong in the minute of an order
// task, which runs to its end all the same, and kills the process then.
func TestKilledAfterAFaultyMinute(t *testing.T) {
	onEach(t, testKilledAfterAFaultyMinute)
}

func testKilledAfterAFaultyMinute(t *testing.T, on database) {
	for _, minute := range []string{"09:00", "16:05"} {
		for i, falter := range falters {
			t.Run(minute+" "+falter.name, func(t *testing.T) {
				t.Parallel()
				s := newService(t, on, today(minute).Add(-10*time.Minute))
				p := s.start()
				p.every(time.Minute, today(minute).Add(-20*time.Second))
				p.falter(i)
				p.every(5*time.Second, today(minute).Add(25*time.Second))
				p.kill()

				s.clock.Advance(ttl)
				s.finish()
			})
		}
	}
}

// falters are what may go wrong at the very end of a process.
var falters = []struct {
	name string
	give func(*tradeclocktest.Faulty)
}{
	{"at rest", nil},
	{"before a claim", func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpClaim, errDisk) }},
	{"in a claim", func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpClaim) }},
	{"before a settlement", func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpSettle, errDisk) }},
	{"in a settlement", func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpSettle) }},
	{"before a record", func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpRecord, errDisk) }},
	{"in a record", func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpRecord) }},
	{"in an enrolment", func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpEnroll) }},
}

// falter lets the process live up to the next minute with a fault, and names it.
func (p *process) falter(i int) string {
	p.t.Helper()
	if falters[i].give == nil {
		return falters[i].name
	}
	falters[i].give(p.faults)
	next := p.clock.Now().Truncate(time.Minute).Add(time.Minute)
	p.clock.Advance(next.Sub(p.clock.Now()))
	p.rest()
	p.tick()
	return falters[i].name
}
