package tests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestADayOfTrouble lets a service of two processes run for many hours, a day and
// night of which TRADECLOCK_TEST_HOURS=24 are, and twenty minutes unless it is set. Every
// few minutes one is killed or frozen, the connections are cut or the server crashes.
func TestADayOfTrouble(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	r := newReplicas(t, database{"pgx", server.DSN()}, 2)
	troubles := []func(){
		func() {
			holder := r.holder(0)
			term := holder.term()
			holder.kill()
			r.lost(term)
			r.start()
		},
		func() {
			holder := r.holder(0)
			term := holder.term()
			holder.freeze()
			r.lost(term)
			r.pass(r.between(0, 3*time.Minute))
			r.thaw(holder)
		},
		func() { r.holder(0).stop(); r.start() },
		func() { r.cut() },
		func() {
			require.NoError(t, server.Crash())
			r.pass(r.between(0, time.Minute))
			require.NoError(t, server.Start())
		},
	}
	end := monday.Add(20 * time.Minute)
	if hours := number(t, "TRADECLOCK_TEST_HOURS", 0); hours > 0 {
		end = monday.Add(time.Duration(hours) * time.Hour)
	}
	for r.clock.Now().Before(end) {
		r.pass(r.between(time.Minute, 6*time.Minute))
		troubles[r.chance.IntN(len(troubles))]()
	}
	r.finish()
}
