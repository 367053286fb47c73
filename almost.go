package tradeclock

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/almost"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/store"
)

// Whoever implements an optional interface almost, with another signature or by half,
// is not used as one, and the compiler does not say so. What is said here is said in
// health.

// wrapper is an executor in the middle of a chain.
type wrapper interface{ Unwrap() TaskExecutor }

// The optional interfaces, by what may have them.
var (
	starterType    = reflect.TypeFor[Starter]()
	executorsMayBe = almost.Types((*Starter)(nil), (*TaskLister)(nil), (*EligibilityChecker)(nil), (*wrapper)(nil))
	schedulesMayBe = almost.Types((*store.Reviser)(nil), (*store.ChangeLister)(nil))
	ledgersMayBe   = almost.Types((*store.History)(nil), (*store.HaltStore)(nil), (*store.Directory)(nil), (*store.Resetter)(nil))
	calendarsMayBe = almost.Types((*calendar.Versioned)(nil), (*calendar.Covered)(nil), (*calendar.PhaseLister)(nil), (*calendar.Snapshotter)(nil), (*calendar.DataChecker)(nil), (*calendar.WorkweekKeeper)(nil))
)

// almostExecutor looks at each executor of a chain of Unwrap, and at those that a Mux
// at its end passes runs to: a Mux starts nobody.
func almostExecutor(e TaskExecutor) (found []string) {
	err := said.Contain(func() error {
		found = almostChain(e)
		return nil
	})
	if err != nil {
		return nil // it is no better when it is asked for what it is
	}
	return found
}

func almostChain(e TaskExecutor) []string {
	var found []string
	_, starts := executorAs[Starter](e)
	for e != nil {
		found = append(found, almost.Find(e, executorsMayBe)...)
		if mux, ok := e.(*Mux); ok && !starts {
			found = append(found, mux.unstarted()...)
		}
		u, ok := e.(wrapper)
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// unstarted names the executors of a Mux that are to be started, or almost say so.
func (m *Mux) unstarted() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []string
	for task, e := range m.tasks {
		if s, ok := executorAs[Starter](e); ok {
			found = append(found, fmt.Sprintf("%T of task %s is not used as Starter: a Mux starts nobody", s, task))
			continue
		}
		found = append(found, almost.Find(e, []reflect.Type{starterType})...)
	}
	return found
}
