package tests

import (
	"testing"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/scaled"
	"github.com/tradeclock/tradeclock/tests/service"
)

// TestRealTimeAndTheClockOfTheDatabase has no clock of ours: the processes go by
// that of the system, and their terms by that of the server.
func TestRealTimeAndTheClockOfTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSchema(t), 1)
	now := time.Now()
	w.clock, w.config.Clock = &scaled.Clock{Epoch: now, Start: now, Factor: 1}, nil
	w.config.TermLength = 3 * time.Second
	w.config.Rows = []service.Row{{Task: "pulse", Rule: "every 1s 00:00-24:00"}}
	w.tasks = []service.Task{{Period: time.Second, Schedule: tradeclock.Schedule{Task: "pulse"}}}
	r := startReplicas(w, 2)
	r.pass(r.between(2*time.Second, 4*time.Second))
	holder := r.holder(0)
	term := holder.term()
	holder.kill()
	r.lost(term)
	holder = r.holder(term)
	r.start()

	r.pass(r.between(2*time.Second, 4*time.Second))
	term = holder.term()
	holder.freeze()
	r.lost(term)
	r.holder(term)
	r.thaw(holder)

	r.world.finish(3 * time.Second)
	r.tellTakeovers()
}
