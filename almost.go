package tradeclock

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/said"
)

// Whoever implements an optional interface almost, with another signature or by half,
// is not used as one, and the compiler does not say so. What is said here is said in
// health.

func typesOf(pointers ...any) []reflect.Type {
	types := make([]reflect.Type, len(pointers))
	for i, p := range pointers {
		types[i] = reflect.TypeOf(p).Elem()
	}
	return types
}

// wrapper is an executor in the middle of a chain.
type wrapper interface{ Unwrap() TaskExecutor }

// The optional interfaces, by what may have them.
var (
	starterType    = reflect.TypeFor[Starter]()
	executorsMayBe = typesOf((*Starter)(nil), (*TaskLister)(nil), (*wrapper)(nil))
	schedulesMayBe = typesOf((*Reviser)(nil), (*ChangeLister)(nil))
	ledgersMayBe   = typesOf((*History)(nil), (*HaltStore)(nil), (*Directory)(nil), (*Resetter)(nil))
	calendarsMayBe = typesOf((*calendar.Versioned)(nil), (*calendar.Covered)(nil), (*calendar.PhaseLister)(nil), (*calendar.Snapshotter)(nil), (*calendar.DataChecker)(nil))
)

// almost tells which of some optional interfaces a value has only almost.
func almost(v any, mayBe []reflect.Type) []string {
	if v == nil {
		return nil
	}
	var found []string
	is := reflect.TypeOf(v)
	for i, wanted := range mayBe {
		if is.Implements(wanted) {
			continue
		}
		if has := namesakes(is, wanted, mayBe[:i]); len(has) > 0 {
			found = append(found, fmt.Sprintf("%v is not used as %s: it has %s, and needs %s",
				is, wanted.Name(), strings.Join(has, " and "), strings.Join(methodsOf(wanted), " and ")))
		} else if is.Kind() != reflect.Pointer && reflect.PointerTo(is).Implements(wanted) {
			found = append(found, fmt.Sprintf("%v is not used as %s: its pointer is one, and it is given as a value", is, wanted.Name()))
		}
	}
	return found
}

// namesakes are the methods of a type that have the name of one of an interface's, but
// for those that the interface has of others before it.
func namesakes(is, wanted reflect.Type, before []reflect.Type) []string {
	var has []string
	for i := range wanted.NumMethod() {
		name := wanted.Method(i).Name
		shared := slices.ContainsFunc(before, func(o reflect.Type) bool {
			_, ok := o.MethodByName(name)
			return ok
		})
		if m, ok := is.MethodByName(name); ok && !shared {
			has = append(has, signature(m.Name, m.Type, 1))
		}
	}
	return has
}

func methodsOf(wanted reflect.Type) []string {
	methods := make([]string, wanted.NumMethod())
	for i := range methods {
		m := wanted.Method(i)
		methods[i] = signature(m.Name, m.Type, 0)
	}
	return methods
}

// signature writes a method without its receiver, which is the first of from
// parameters.
func signature(name string, f reflect.Type, from int) string {
	var in, out []string
	for i := from; i < f.NumIn(); i++ {
		in = append(in, f.In(i).String())
	}
	for i := range f.NumOut() {
		out = append(out, f.Out(i).String())
	}
	text := name + "(" + strings.Join(in, ", ") + ")"
	switch len(out) {
	case 0:
		return text
	case 1:
		return text + " " + out[0]
	}
	return text + " (" + strings.Join(out, ", ") + ")"
}

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
		found = append(found, almost(e, executorsMayBe)...)
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
		found = append(found, almost(e, []reflect.Type{starterType})...)
	}
	return found
}
