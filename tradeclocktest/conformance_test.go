package tradeclocktest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

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
