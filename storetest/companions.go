package storetest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/tradeclock/tradeclock/store"
)

// Companion is an interface that a store may have beside the one that a suite asks
// for, by Has. What a store lacks the suites name and leave out; a store that means to
// have it says so, and then fails without it.
//
//	storetest.TestLedger(t, open, storetest.Has[store.History](), storetest.Has[store.HaltStore]())
type Companion struct{ kind reflect.Type }

// Has returns the companion of an interface, such as store.History.
func Has[T any]() Companion { return Companion{reflect.TypeFor[T]()} }

// The companions that the suites know how to test.
var (
	ledgerCompanions = []Companion{
		Has[store.History](), Has[store.Tallier](), Has[store.HaltStore](), Has[store.Directory](), Has[store.RequestStore](),
		Has[store.OverrideStore](), Has[store.Resetter](),
		Has[store.Pruner](), Has[store.Auditor](),
	}
	scheduleCompanions  = []Companion{Has[store.ScheduleEditor](), Has[store.Reviser](), Has[store.ChangeLister]()}
	heartbeatCompanions = []Companion{Has[store.HeartbeatReader]()}
)

// testCompanions names what a store lacks, and fails if it means to have it, or if the
// suite could not test what it means to have.
func testCompanions(t *testing.T, st any, known, meant []Companion) {
	for _, c := range meant {
		if !slices.Contains(known, c) {
			t.Errorf("this suite does not test %v", c.kind)
		}
	}
	for _, c := range known {
		switch {
		case reflect.TypeOf(st).Implements(c.kind):
		case slices.Contains(meant, c):
			t.Errorf("%T is no %v", st, c.kind)
		default:
			t.Logf("%T is no %v: what is asked of one is left out", st, c.kind)
		}
	}
}

// companion returns a store as one of its companions, and skips the test if it is not.
func companion[T any](t *testing.T, st any) T {
	t.Helper()
	c, ok := st.(T)
	if !ok {
		t.Skipf("%T is no %v", st, reflect.TypeFor[T]())
	}
	return c
}
