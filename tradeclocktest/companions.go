package tradeclocktest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/tradeclock/tradeclock"
)

// Companion is an interface that a store may have beside the one that a suite asks
// for, by Has. What a store lacks the suites name and leave out; a store that means to
// have it says so, and then fails without it.
//
//	tradeclocktest.TestLedger(t, open, tradeclocktest.Has[tradeclock.History](), tradeclocktest.Has[tradeclock.HaltStore]())
type Companion struct{ kind reflect.Type }

// Has returns the companion of an interface, such as tradeclock.History.
func Has[T any]() Companion { return Companion{reflect.TypeFor[T]()} }

// The companions that the suites know how to test.
var (
	ledgerCompanions = []Companion{
		Has[tradeclock.History](), Has[tradeclock.HaltStore](), Has[tradeclock.Directory](), Has[tradeclock.RequestStore](),
		Has[tradeclock.OverrideStore](), Has[tradeclock.Resetter](),
		Has[tradeclock.Pruner](), Has[tradeclock.Auditor](),
	}
	scheduleCompanions  = []Companion{Has[tradeclock.ScheduleEditor](), Has[tradeclock.Reviser](), Has[tradeclock.ChangeLister]()}
	heartbeatCompanions = []Companion{Has[tradeclock.HeartbeatReader]()}
)

// testCompanions names what a store lacks, and fails if it means to have it, or if the
// suite could not test what it means to have.
func testCompanions(t *testing.T, store any, known, meant []Companion) {
	for _, c := range meant {
		if !slices.Contains(known, c) {
			t.Errorf("this suite does not test %v", c.kind)
		}
	}
	for _, c := range known {
		switch {
		case reflect.TypeOf(store).Implements(c.kind):
		case slices.Contains(meant, c):
			t.Errorf("%T is no %v", store, c.kind)
		default:
			t.Logf("%T is no %v: what is asked of one is left out", store, c.kind)
		}
	}
}

// companion returns a store as one of its companions, and skips the test if it is not.
func companion[T any](t *testing.T, store any) T {
	t.Helper()
	c, ok := store.(T)
	if !ok {
		t.Skipf("%T is no %v", store, reflect.TypeFor[T]())
	}
	return c
}
