package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// An account that has a row of its own must not get the row for all others when
// its own cannot be used: its owner may have moved or disabled the task.
func TestRule24_AQuarantinedRowOfAnAccountHidesTheSharedOne(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	shared := row("buy_orders", "daily 09:00")
	own := row("buy_orders", "daily 09:05")
	own.Account, own.Disabled, own.Timeout = "42", true, -time.Second
	cfg := w.config()
	cfg.Schedules = &rowsStore{rows: []tradeclock.Schedule{shared, own}}
	s := w.scheduler(cfg)

	tradeclocktest.NewDriver(t, s, w.clock).For(10 * time.Minute)

	assert.Zero(t, w.rec.Count("buy_orders"))
	assert.Len(t, s.Status().Quarantined, 1)
}
