package rule

import (
	"fmt"

	"github.com/tradeclock/tradeclock/internal/said"
)

// KindOf returns daily, daily each, hourly, every, once or after, and the name of its
// type for a user's rule that is no DailyRule. A filter does not change the kind.
func KindOf(r Rule) string {
	if b, ok := r.(builtin); ok {
		return b.kind()
	}
	if isDaily(r) {
		return KindDaily
	}
	return fmt.Sprintf("%T", r)
}

// ChangesKind reports whether an edit from one rule to another changes the kind, and so takes
// effect at the next session: between rules of one kind, slots tell what has been due. They
// do not between a daily rule of several times and a DailyRule of a user's.
func ChangesKind(is, was Rule) bool {
	if KindOf(is) != KindOf(was) {
		return true
	}
	now, _ := Split(is)
	before, _ := Split(was)
	_, several := now.(times)
	_, had := before.(times)
	return several && isDaily(before) || had && isDaily(now)
}

// Repeats reports whether of several late occurrences of a rule only the newest is worth
// a run: as of a monitor's, and not of a daily task's. A user's rule repeats unless
// it is a DailyRule, and an after rule does as what it comes after.
func Repeats(r Rule) bool {
	switch KindOf(r) {
	case KindDaily, KindEach, KindOnce:
		return false
	}
	return true
}

// DailyRule is a Rule of a user's own type that can be like a daily one, as that of an
// expiry day is. Where Daily is true, it has one occurrence at most on a session, with
// the session's date as its slot. Its kind is that of daily rules then: of several late
// occurrences all run.
//
// Daily answers the same for ever. A panic in it counts as false.
type DailyRule interface {
	Rule
	Daily() bool
}

// isDaily reports whether a user's rule is like a daily one.
func isDaily(r Rule) (daily bool) {
	d, ok := r.(DailyRule)
	if !ok {
		return false
	}
	_ = said.Contain(func() error { // it is told from its occurrences, if at all
		daily = d.Daily()
		return nil
	})
	return daily
}
