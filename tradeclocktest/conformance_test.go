package tradeclocktest_test

import (
	"testing"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

func TestMemoryLedger(t *testing.T) {
	tradeclocktest.TestLedger(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.Ledger {
		return tradeclock.NewMemory(clock)
	})
}

func TestMemoryHeartbeats(t *testing.T) {
	tradeclocktest.TestHeartbeats(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.HeartbeatSink {
		return tradeclock.NewMemory(clock)
	})
}

func TestMemorySchedules(t *testing.T) {
	tradeclocktest.TestScheduleStore(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.ScheduleStore {
		return tradeclock.NewMemory(clock)
	})
}

func TestFixedSchedules(t *testing.T) {
	tradeclocktest.TestScheduleStore(t, func(*testing.T, tradeclock.Clock) tradeclock.ScheduleStore {
		return tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy_orders", Rule: tradeclock.MustParseRule("daily 09:01")})
	})
}
