package tradeclock

import (
	"context"

	"github.com/tradeclock/tradeclock/store"
)

// NewStore makes the store of a test that sees the inside of the package. The package of
// the store imports this one, so that a test outside of it has to bring it.
var NewStore func(Clock) TestStore

// TestStore is what such a test uses of it.
type TestStore interface {
	Ledger
	store.History
	ScheduleStore
	store.ChangeLister
	PutSchedule(ctx context.Context, by store.By, s Schedule) (Schedule, error)
	SeedSchedules(ctx context.Context, defaults ...Schedule) (int, error)
	DeleteSchedule(ctx context.Context, by store.By, account, task string) error
}
