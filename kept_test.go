package tradeclock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
)

// plainRows hides that a store can tell what changed: all rows are read each time.
type plainRows struct{ store *memstore.Store }

func (p plainRows) Schedules(ctx context.Context) ([]tradeclock.Schedule, error) {
	return p.store.Schedules(ctx)
}

// TestRule25_EditsBetweenTicksAtAnyInstants edits the grid of monitors at any instants, for
// all accounts or for one of them, while ticks come late: what is due by the rule of its
// instant is in one row, and nothing else is.
func TestRule25_EditsBetweenTicksAtAnyInstants(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 25))
			w := newWorld(t, "2026-11-23 09:00:30")
			put := func(account string, minutes int) {
				r := row("watch", fmt.Sprintf("every %dm 09:00-12:00", minutes), catchUp(time.Hour))
				r.Account = account
				_, err := w.store.PutSchedule(t.Context(), ops, r)
				require.NoError(t, err)
			}
			put("", 1)
			cfg := w.config()
			cfg.Schedules = w.store
			if seed%2 == 0 {
				cfg.Schedules = plainRows{w.store}
			}
			s, d := w.drive(cfg)
			require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
			d.Tick()

			grid := map[string]int{"42": 1, "7": 1} // in minutes, of each account
			own := false                            // account 7 has a row of its own
			edited := make(map[string]bool)         // the rows that the scheduler has not read since
			polled := w.clock.Now().Truncate(time.Minute)
			want := make(map[string][]time.Time)
			for w.clock.Now().Before(at("2026-11-23 10:30:00")) {
				from := w.clock.Now()
				w.clock.Advance(time.Duration(1+random.IntN(150)) * time.Second)
				for due := from.Truncate(time.Minute).Add(time.Minute); !due.After(w.clock.Now()); due = due.Add(time.Minute) {
					for account, minutes := range grid {
						if due.Sub(at("2026-11-23 09:00:00"))%(time.Duration(minutes)*time.Minute) == 0 {
							want[account] = append(want[account], due)
						}
					}
				}
				account := []string{"", "7", "nobody", "nobody"}[random.IntN(4)]
				switch minutes := 1 + random.IntN(5); {
				case account == "nobody" || edited[account] || account == "7" && !own && edited[""]:
					d.Tick()
					if minute := w.clock.Now().Truncate(time.Minute); minute.After(polled) { // once a minute
						polled = minute
						clear(edited)
					}
					continue
				case account == "":
					put("", minutes)
					grid["42"] = minutes
					if !own {
						grid["7"] = minutes
					}
				default:
					put("7", minutes)
					grid["7"], own = minutes, true
				}
				edited[account] = true
			}
			d.Tick()

			for account, due := range want {
				rows := make([]int, len(due))
				for _, r := range w.runs("watch") {
					if r.Account != account {
						continue
					}
					covered := 0
					for i, at := range due {
						if !at.Before(r.Due) && !at.After(r.Through()) {
							rows[i]++
							covered++
						}
					}
					require.Equal(t, covered, r.Occurrences(), "%v of %s", r.Due, account)
				}
				for i, n := range rows {
					require.Equal(t, 1, n, "%s at %v", account, due[i])
				}
			}
		})
	}
}
