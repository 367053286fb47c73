package sqlstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
)

// TestAnAccountThatCameBackAndACrash lets an account come back while its report still
// waits for its group. The process ends half an hour later, and the next one takes up
// all that the account had due since.
func TestAnAccountThatCameBackAndACrash(t *testing.T) {
	onEach(t, testAnAccountThatCameBackAndACrash)
}

func testAnAccountThatCameBackAndACrash(t *testing.T, on database) {
	hour := func(s *store.Schedule) { s.CatchUp = time.Hour }
	desk := func(s *store.Schedule) { s.Exclusive = "desk" }
	of := func(task, rule string, policies ...func(*store.Schedule)) store.Schedule {
		row := schedule(task, rule)
		for _, policy := range policies {
			policy(&row)
		}
		return row
	}
	rows := []store.Schedule{
		of("hold", "daily 09:29", desk), of("report", "daily 09:30:50", desk, hour),
		of("order", "daily 10:05", hour), of("watch", "every 5m 09:35-11:00"),
	}
	for name, end := range map[string]func(p *process){"dies": (*process).kill, "is stopped": (*process).close} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, on, today("09:28"))
			s.rec.Do("hold", func(ctx context.Context, _ store.Run) error { return tradeclock.Sleep(ctx, time.Hour) })
			start := func() *process {
				db := openDB(t, s.at)
				st := openOn(t, db, s.clock)
				_, err := st.SeedSchedules(t.Context(), rows...)
				require.NoError(t, err)
				p := s.startOn(st, nil)
				p.db = db
				require.NoError(t, p.Enroll(t.Context(), "7", s.rec))
				return p
			}
			p := start()
			p.every(10*time.Second, today("09:30:40"))
			require.NoError(t, p.Withdraw(t.Context(), "7"))
			p.every(10*time.Second, today("09:31"))
			require.NoError(t, p.Enroll(t.Context(), "7", s.rec))
			p.every(30*time.Second, today("10:01"))
			end(p)

			s.clock.Advance(today("10:37").Sub(s.clock.Now()))
			next := start()
			next.tick()
			outcomes := make(map[string]store.Outcome)
			var watched time.Time
			runs, err := next.store.Runs(t.Context(), store.Query{Scheduler: paper, Account: "7"})
			require.NoError(t, err)
			for _, run := range runs {
				if outcomes[run.Task] = run.Outcome; run.Task != "watch" {
					continue
				}
				if !watched.IsZero() {
					assert.Equal(t, watched.Add(5*time.Minute), run.Due, "each is in one row")
				}
				watched = run.Through()
			}
			assert.Equal(t, today("10:35"), watched)
			assert.Equal(t, store.Succeeded, outcomes["order"], "within its catch-up")
			assert.Contains(t, outcomes, "report")
		})
	}
}
