package tests

import (
	"testing"
	"time"
)

// kills is how often the tests below kill a process, unless TRADECLOCK_TEST_KILLS
// says another number.
const kills = 12

func TestKilledAtRandomMomentsOnSQLite(t *testing.T)     { testKills(t, newFile(t)) }
func TestKilledAtRandomMomentsOnPostgreSQL(t *testing.T) { testKills(t, newSchema(t)) }

func testKills(t *testing.T, on database) {
	t.Parallel()
	w := newWorld(t, on, usualFactor)
	for range number(t, "TRADECLOCK_TEST_KILLS", kills) {
		p := w.start()
		w.moment(90 * time.Second)
		p.kill()
		w.untilRestart()
	}
	w.start()
	w.finish(3 * time.Minute)
}

// untilRestart waits as long as an operator may take: mostly no time, at times
// longer than the catch-up of the tasks.
func (w *world) untilRestart() {
	switch n := w.chance.IntN(10); {
	case n < 6:
		w.pass(w.between(0, 3*time.Second))
	case n < 9:
		w.pass(w.between(3*time.Second, time.Minute))
	default:
		w.pass(w.between(time.Minute, 4*time.Minute))
	}
}
