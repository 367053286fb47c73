package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// minute is an instant of the tests.
func minute(n int) time.Time { return time.Unix(1_800_000_000, 0).Add(time.Duration(n) * time.Minute) }

func buyOf(account string) Key { return Key{"buy", account} }

func TestBadRuns(t *testing.T) {
	bad := func(b *BadRuns, account string, n int) {
		for i := range n {
			b.Count(buyOf(account), fmt.Sprint(i), minute(i), Bad, "rejected", true)
		}
	}
	told := func(kind TroubleKind, last string, accounts ...string) Trouble {
		return Trouble{kind, "buy", len(accounts), accounts[:min(len(accounts), 3)], last}
	}
	over := func(kind TroubleKind) Trouble { return Trouble{Kind: kind, Task: "buy"} }
	for _, test := range []struct {
		name string
		do   func(b *BadRuns)
		want []Trouble
	}{
		{"four in a row", func(b *BadRuns) { bad(b, "42", 4) }, nil},
		{"five in a row, told once", func(b *BadRuns) { bad(b, "42", 6) }, []Trouble{told(InARow, "rejected", "42")}},
		{"a good one between", func(b *BadRuns) {
			bad(b, "42", 4)
			b.Count(buyOf("42"), "", minute(4), Good, "", true)
			bad(b, "42", 4)
		}, nil},
		{"what was halted says nothing", func(b *BadRuns) {
			bad(b, "42", 4)
			b.Count(buyOf("42"), "", minute(4), Neither, "halted", true)
			bad(b, "42", 1)
		}, []Trouble{told(InARow, "rejected", "42")}},
		{"it ends with a good one", func(b *BadRuns) {
			bad(b, "42", 5)
			b.Count(buyOf("42"), "", minute(5), Good, "", true)
		}, []Trouble{told(InARow, "rejected", "42"), over(InARow)}},
		{"one that was missed, until its session is over", func(b *BadRuns) {
			b.Missed(buyOf("42"), "monday", minute(0), "too late", true, minute(60))
			b.Pass(minute(59))
			b.Pass(minute(60))
		}, []Trouble{told(Lost, "monday, too late", "42"), over(Lost)}},
		{"one that was missed, and triggered since", func(b *BadRuns) {
			b.Missed(buyOf("42"), "monday", minute(0), "too late", true, minute(60))
			b.Count(buyOf("42"), "sunday", minute(1), Neither, "", true)
			b.Count(buyOf("42"), "monday", minute(1), Neither, "", true)
		}, []Trouble{told(Lost, "monday, too late", "42"), over(Lost)}},
		{"one that was missed and is not lost", func(b *BadRuns) {
			b.Missed(buyOf("42"), "monday", minute(0), "too late", true, time.Time{})
		}, nil},
		{"of many accounts it waits", func(b *BadRuns) {
			for _, account := range []string{"1", "2", "3", "4", "5"} {
				bad(b, account, 5)
			}
			b.Pass(minute(9))
			b.Pass(minute(9))
		}, []Trouble{
			told(InARow, "rejected", "1"), told(InARow, "rejected", "1", "2"), told(InARow, "rejected", "1", "2", "3"),
			told(InARow, "rejected", "1", "2", "3", "4", "5"),
		}},
		{"a task that does not run any more", func(b *BadRuns) {
			bad(b, "42", 5)
			b.Missed(buyOf("42"), "monday", minute(0), "too late", true, minute(60))
			b.ForgetAll(func(key Key) bool { return key != buyOf("42") })
		}, []Trouble{
			told(InARow, "rejected", "42"), told(Lost, "monday, too late", "42"), over(InARow), over(Lost),
		}},
		{"two that were missed, until each session is over", func(b *BadRuns) {
			b.Missed(buyOf("42"), "monday", minute(0), "too late", true, minute(60))
			b.Missed(buyOf("43"), "monday", minute(0), "too late", true, minute(30))
			b.Missed(buyOf("44"), "monday", minute(0), "too late", true, minute(90))
			for _, at := range []int{29, 30, 59, 60, 89, 90, 91} {
				b.Pass(minute(at))
			}
		}, []Trouble{
			told(Lost, "monday, too late", "42"), told(Lost, "monday, too late", "42", "43"), told(Lost, "monday, too late", "42", "43", "44"),
			told(Lost, "monday, too late", "42", "44"), told(Lost, "monday, too late", "44"), over(Lost),
		}},
		{"one that was missed twice is told of until the second session is over", func(b *BadRuns) {
			b.Missed(buyOf("42"), "monday", minute(0), "too late", true, minute(60))
			b.Missed(buyOf("42"), "tuesday", minute(9), "too late", true, minute(90))
			b.Pass(minute(60))
			b.Count(buyOf("42"), "monday", minute(61), Neither, "", true)
			b.Pass(minute(90))
			b.Missed(buyOf("42"), "wednesday", minute(99), "too late", true, minute(120))
			b.Pass(minute(119))
		}, []Trouble{told(Lost, "monday, too late", "42"), over(Lost), told(Lost, "wednesday, too late", "42")}},
		{"one that never was missed is not found", func(b *BadRuns) {
			b.Missed(buyOf("43"), "", minute(0), "too late", true, minute(60))
			b.Count(buyOf("42"), "", minute(1), Neither, "", true)
			b.endStreak(buyOf("44"))
		}, []Trouble{told(Lost, ", too late", "43")}},
		{"others of a task go on", func(b *BadRuns) {
			bad(b, "42", 5)
			bad(b, "43", 5)
			b.Missed(buyOf("44"), "monday", minute(0), "too late", true, minute(60))
			b.ForgetAll(func(key Key) bool { return key == buyOf("43") })
			bad(b, "43", 1)
			bad(b, "42", 4)
		}, []Trouble{
			told(InARow, "rejected", "42"), told(InARow, "rejected", "42", "43"), told(Lost, "monday, too late", "44"),
			told(InARow, "rejected", "43"), over(Lost),
		}},
		{"it begins anew after its end", func(b *BadRuns) {
			bad(b, "42", 5)
			b.Count(buyOf("42"), "", minute(5), Good, "", true)
			bad(b, "42", 5)
		}, []Trouble{told(InARow, "rejected", "42"), over(InARow), told(InARow, "rejected", "42")}},
		{"one that was lost, and another scheduler tells of it", func(b *BadRuns) {
			b.Lose(buyOf("42"), "monday", "too late", minute(60))
			b.Drop()
			b.Pass(minute(60))
			b.Lose(buyOf("42"), "tuesday", "too late", minute(90))
		}, []Trouble{told(Lost, "monday, too late", "42"), over(Lost), told(Lost, "tuesday, too late", "42")}},
		{"another scheduler tells of it", func(b *BadRuns) {
			bad(b, "42", 5)
			b.Drop()
			bad(b, "42", 4)
		}, []Trouble{told(InARow, "rejected", "42"), over(InARow)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := NewBadRuns()
			test.do(b)
			assert.Equal(t, test.want, b.News())
			assert.Empty(t, b.News(), "each is told once")
		})
	}
}

// What the ledger has from before this process belongs to the streak, and is asked for
// once.
func TestBadRunsOfEarlierProcesses(t *testing.T) {
	b, key := NewBadRuns(), buyOf("42")
	b.Count(key, "", minute(5), Bad, "rejected", false)
	b.Count(key, "", minute(3), Bad, "rejected", false)
	assert.Equal(t, []Key{key}, b.TakeUnknown(9))
	assert.False(t, b.HasUnknown())
	begins, asked := b.Begins(key)
	assert.Equal(t, minute(3), begins, "one that was planned behind the other")
	assert.True(t, asked)
	b.Recall(key, 3, "no signal")
	assert.Equal(t, []Trouble{{InARow, "buy", 1, []string{"42"}, "no signal"}}, b.News())
	_, asked = b.Begins(key)
	assert.False(t, asked, "it is known")

	b.Suspect(buyOf("43"), minute(9))
	b.Suspect(buyOf("43"), minute(10))
	assert.True(t, b.HasUnknown())
	assert.Equal(t, []Key{buyOf("43")}, b.TakeUnknown(9))
	begins, asked = b.Begins(buyOf("43"))
	assert.Equal(t, minute(9), begins)
	assert.True(t, asked)
	b.Recall(buyOf("43"), 0, "")
	_, asked = b.Begins(buyOf("43"))
	assert.False(t, asked, "there was no such streak")
	b.Suspect(buyOf("43"), minute(11))
	begins, _ = b.Begins(buyOf("43"))
	assert.Equal(t, minute(11), begins, "and another one may begin")
	b.Recall(buyOf("43"), 1, "no signal")
	b.Suspect(buyOf("43"), minute(12))
	assert.Equal(t, []Key{buyOf("43")}, b.TakeUnknown(9), "the one that is known goes on")
	b.Count(buyOf("44"), "", minute(20), Bad, "", true)
	assert.False(t, b.HasUnknown(), "this process has all of it")

	for i := range 2 * unknownMost {
		b.Count(buyOf(fmt.Sprint("new ", i)), "", minute(20), Bad, "", false)
	}
	assert.Len(t, b.TakeUnknown(2*unknownMost), unknownMost)
}
