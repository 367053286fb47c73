package tradeclocktest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// What a whole store has.
var (
	ofLedger = []tradeclocktest.Companion{
		tradeclocktest.Has[tradeclock.History](), tradeclocktest.Has[tradeclock.HaltStore](), tradeclocktest.Has[tradeclock.Resetter](),
		tradeclocktest.Has[tradeclock.Pruner](), tradeclocktest.Has[tradeclocktest.Auditor](),
	}
	ofSchedules = []tradeclocktest.Companion{tradeclocktest.Has[tradeclocktest.ScheduleEditor](), tradeclocktest.Has[tradeclock.ChangeLister]()}
	ofSink      = []tradeclocktest.Companion{tradeclocktest.Has[tradeclock.HeartbeatReader]()}
)

func TestMemoryLedger(t *testing.T) {
	tradeclocktest.TestLedger(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.Ledger {
		return tradeclock.NewMemory(clock)
	}, ofLedger...)
}

func TestMemoryHeartbeats(t *testing.T) {
	tradeclocktest.TestHeartbeats(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.HeartbeatSink {
		return tradeclock.NewMemory(clock)
	}, ofSink...)
}

func TestMemorySchedules(t *testing.T) {
	tradeclocktest.TestScheduleStore(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.ScheduleStore {
		return tradeclock.NewMemory(clock)
	}, ofSchedules...)
}

func TestFixedSchedules(t *testing.T) {
	tradeclocktest.TestScheduleStore(t, func(*testing.T, tradeclock.Clock) tradeclock.ScheduleStore {
		return tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")})
	})
}

// halfRead is a store one of whose rows cannot be read.
type halfRead struct{}

func (halfRead) Schedules(context.Context) ([]tradeclock.Schedule, error) {
	rows := []tradeclock.Schedule{{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")}}
	return rows, &tradeclock.QuarantineError{Rows: []tradeclock.RowError{{Task: "analysis", Err: errors.New("no rule")}}}
}

func TestSchedulesOfWhichOneCannotBeRead(t *testing.T) {
	tradeclocktest.TestScheduleStore(t, func(*testing.T, tradeclock.Clock) tradeclock.ScheduleStore { return halfRead{} })
}
