package plan

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// TestOverridesChangeOneOccurrenceEach says something of random occurrences of three
// accounts, and plans a day minute by minute, at one go, by Day, and from one Next to the
// other: each account has every slot once, where it was moved to or skipped, and all that
// nobody spoke of as before.
func TestOverridesChangeOneOccurrenceEach(t *testing.T) {
	cal := calendar.AlwaysOpen(time.UTC)
	row := func(task, account, text string) *Row {
		return &Row{Policy: &Policy{Task: task, Sessions: calendar.OnRegular, Timing: TimingOf(rule.MustParse(text))}, Account: account, Calendar: cal}
	}
	rows := []*Row{
		row("buy", "", "daily 09:01"), row("watch", "", "every 7m 09:00-15:00"), row("watch", "c", "every 7m 09:00-10:00"), row("check", "", "hourly 09:30-15:30"),
	}
	accounts := map[string][]*Row{"a": {rows[0], rows[1], rows[3]}, "b": {rows[0], rows[1], rows[3]}, "c": {rows[0], rows[2], rows[3]}}
	begin, end := calendar.Wall(0, 0).On(monday, time.UTC), calendar.EndOfDay.On(monday, time.UTC)
	bare := New(rows).Between(begin, end)
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 36))
		var said []Override
		for range 1 + rng.IntN(8) {
			o := bare[rng.IntN(len(bare))]
			w := Override{
				Task: o.Row.Policy.Task, Account: []string{"", "a", "b", "c"}[rng.IntN(4)], Slot: o.Slot, Session: o.Session, Due: o.Due, Why: "why",
			}
			switch rng.IntN(3) {
			case 0:
				w.At = begin.Add(time.Duration(1+rng.IntN(15*3600)) * time.Second)
			case 1: // where others are moved to as well
				w.Slot, w.Task, w.Session, w.Due = bare[0].Slot, bare[0].Row.Policy.Task, bare[0].Session, bare[0].Due
				w.At = begin.Add(time.Duration(8+rng.IntN(3)) * time.Hour)
			}
			said = append(said, w)
		}
		p := New(rows).Override(NewOverrides(said))
		whole := p.Between(begin, end)
		assert.Equal(t, whole, p.Day(monday, end), "seed %d", seed)
		for account, own := range accounts {
			want := expectedBy(bare, said, account, own)
			assert.Equal(t, want, told(whole, account, own), "seed %d, account %s", seed, account)
			var cut []Occurrence
			for at := begin; at.Before(end); at = at.Add(time.Minute) {
				cut = append(cut, p.Between(at, at.Add(time.Minute))...)
			}
			assert.Equal(t, want, told(cut, account, own), "seed %d, account %s, minute by minute", seed, account)
		}
		var stops []Occurrence
		for at := begin; at.Before(end); {
			next, _ := p.Next(at)
			if next.After(end) {
				break
			}
			assert.Len(t, p.Between(at, next.Add(-time.Second)), p.away(at, next), "seed %d: nothing runs between", seed)
			stops, at = append(stops, p.Between(next.Add(-time.Second), next)...), next
		}
		for account, own := range accounts {
			assert.Equal(t, expectedBy(bare, said, account, own), told(stops, account, own), "seed %d, account %s, from one to the next", seed, account)
		}
	}
}

// away is how many occurrences are moved away, for all, between two instants.
func (p *Plan) away(from, to time.Time) (n int) {
	for _, o := range p.Between(from, to.Add(-time.Second)) {
		if of, _ := o.For(""); of.Away {
			n++
		}
	}
	return n
}

// told tells what an account has of occurrences of its rows.
func told(due []Occurrence, account string, own []*Row) map[string][]string {
	found := make(map[string][]string)
	for _, o := range Runs(due, account) {
		if slices.Contains(own, o.Row) {
			key := o.Row.Policy.Task + " " + o.Slot
			found[key] = append(found[key], o.Due.Format(time.TimeOnly)+o.Skip)
		}
	}
	return found
}

// expectedBy is what an account has to have, worked out word by word.
func expectedBy(bare []Occurrence, said []Override, account string, own []*Row) map[string][]string {
	found := make(map[string][]string)
	for _, o := range bare {
		if !slices.Contains(own, o.Row) {
			continue
		}
		text, spoken := o.Due.Format(time.TimeOnly), false
		for _, w := range said {
			if w.Task != o.Row.Policy.Task || w.Slot != o.Slot || w.Account != account && (w.Account != "" || spoken) {
				continue
			}
			spoken = spoken || w.Account == account
			if text = o.Due.Format(time.TimeOnly) + w.Why; !w.At.IsZero() {
				text = w.At.Format(time.TimeOnly)
			}
		}
		found[o.Row.Policy.Task+" "+o.Slot] = []string{text}
	}
	return found
}
