package storetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/storetest"
)

func TestFixedSchedules(t *testing.T) {
	storetest.TestScheduleStore(t, func(*testing.T, clockwork.Clock) store.ScheduleStore {
		return tradeclock.FixedSchedules(store.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")})
	})
}

// halfRead is a store one of whose rows cannot be read.
type halfRead struct{}

func (halfRead) Schedules(context.Context) ([]store.Schedule, error) {
	rows := []store.Schedule{{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")}}
	return rows, &store.QuarantineError{Rows: []store.RowError{{Task: "analysis", Err: errors.New("no rule")}}}
}

func TestSchedulesOfWhichOneCannotBeRead(t *testing.T) {
	storetest.TestScheduleStore(t, func(*testing.T, clockwork.Clock) store.ScheduleStore { return halfRead{} })
}
