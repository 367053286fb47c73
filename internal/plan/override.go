package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Override is a person's word about exactly one occurrence: a slot of a task, for an
// account.
type Override struct {
	Task    string
	Account string // empty for all accounts that have no word of their own
	Slot    string
	Session calendar.Date
	// Due is when it was due as the word was said.
	Due time.Time
	// At is when it runs instead, in whole seconds. Zero is that it is skipped.
	At time.Time
	// Why is the reason with which it is skipped, or who has moved it and why.
	Why string
}

// Overrides are what people have said, by occurrence. It is never changed once a plan
// goes by it, and nil is none.
type Overrides struct {
	words map[wordKey]words
	moves []Override
}

type wordKey struct{ task, slot string }

// words are what is said of one occurrence, by account.
type words map[string]Override

// NewOverrides returns what people have said. Of two words about the same occurrence and
// account the later in the list holds.
func NewOverrides(all []Override) *Overrides {
	if len(all) == 0 {
		return nil
	}
	o := &Overrides{words: make(map[wordKey]words)}
	for _, w := range all {
		key := wordKey{w.Task, w.Slot}
		if o.words[key] == nil {
			o.words[key] = make(words)
		}
		o.words[key][w.Account] = w
	}
	for _, said := range o.words {
		for _, w := range said {
			if !w.At.IsZero() {
				o.moves = append(o.moves, w)
			}
		}
	}
	return o
}

// Own returns what is said of a task's occurrences for single accounts, by slot and account.
func (o *Overrides) Own(task string) (own []Override) {
	if o == nil {
		return nil
	}
	for key, said := range o.words {
		for account, w := range said {
			if key.task == task && account != "" {
				own = append(own, w)
			}
		}
	}
	slices.SortFunc(own, func(a, b Override) int {
		return cmp.Or(strings.Compare(a.Slot, b.Slot), strings.Compare(a.Account, b.Account))
	})
	return own
}

// Override makes the plan go by what people have said, and returns the plan.
func (p *Plan) Override(all *Overrides) *Plan {
	p.overrides = all
	return p
}

// Overrides are what the plan goes by.
func (p *Plan) Overrides() *Overrides { return p.overrides }

// For returns the occurrence as an account has it, by what people have said of it: skipped,
// or Away if it was moved to another instant. It is none of the account's if his is false,
// as where it was moved to for others.
func (o Occurrence) For(account string) (of Occurrence, his bool) {
	if o.said == nil {
		return o, true
	}
	w, own := o.said[account]
	if !own {
		w, own = o.said[""]
	}
	switch {
	case !own:
		return o, !o.HasMoved
	case w.At.IsZero():
		o.Skip = w.Why
		return o, !o.HasMoved
	case !o.HasMoved:
		o.Away = true
		return o, true
	}
	o.By = w.Why
	return o, w.At.Equal(o.Due)
}

// For returns what an account has of occurrences, each as Occurrence.For says.
func For(due []Occurrence, account string) []Occurrence {
	if !anySaid(due) {
		return due // as nearly always
	}
	his := make([]Occurrence, 0, len(due))
	for _, o := range due {
		if of, is := o.For(account); is {
			his = append(his, of)
		}
	}
	return his
}

// Runs returns what an account has of occurrences at the instants at which they are due:
// what was moved is where it was moved to, and nowhere else.
func Runs(due []Occurrence, account string) []Occurrence {
	if !anySaid(due) {
		return due
	}
	var his []Occurrence
	for _, o := range For(due, account) {
		if !o.Away {
			his = append(his, o)
		}
	}
	return his
}

func anySaid(due []Occurrence) bool {
	for i := range due {
		if due[i].said != nil {
			return true
		}
	}
	return false
}

// InSeries reports whether it is one of several of which, when they are late, only the
// newest runs. One that a person has moved runs by itself.
func (o Occurrence) InSeries() bool { return o.Repeats && !o.HasMoved }

// IsFor reports whether the account has any of the occurrences, at their instants or at
// others.
func IsFor(due []Occurrence, account string) bool {
	return slices.ContainsFunc(due, func(o Occurrence) bool {
		_, his := o.For(account)
		return his
	})
}

// note adds to occurrences what people have said of them.
func (all *Overrides) note(found []Occurrence) {
	if all == nil {
		return
	}
	for i, o := range found {
		found[i].said = all.words[wordKey{o.Row.Policy.Task, o.Slot}]
	}
}

// withMoved adds what was moved to an instant in (from, to], of one session if a date is
// given.
func (p *Plan) withMoved(found []Occurrence, session calendar.Date, from, to time.Time) []Occurrence {
	if p.overrides == nil {
		return found
	}
	for _, w := range p.overrides.moves {
		if w.At.After(from) && !w.At.After(to) && (session == calendar.Date{} || session == w.Session) && !p.isTold(found, w) {
			found = p.appendMoved(found, w)
		}
	}
	return found
}

// isTold reports whether the occurrence of a word is there already, since another word
// has moved the same one, for others, to the same instant.
func (p *Plan) isTold(found []Occurrence, w Override) bool {
	for _, o := range found {
		if o.HasMoved && o.Slot == w.Slot && o.Row.Policy.Task == w.Task && o.Due.Equal(w.At) {
			return true
		}
	}
	return false
}

// appendMoved adds the occurrence of a word where it was moved to, for each row that has
// its slot, and holds then. It does not wait for another: it runs when a person has said.
func (p *Plan) appendMoved(found []Occurrence, w Override) []Occurrence {
	for _, m := range p.markets {
		for i, g := range m.groups {
			rows := g.rowsOf(w)
			if len(rows) == 0 {
				continue
			}
			d := m.day(w.Session)
			o, ok := m.compile(i, d).find(w.Slot, d, m)
			if !ok {
				continue
			}
			o.Due, o.HasMoved, o.Awaits, o.said = w.At, true, nil, p.overrides.words[wordKey{w.Task, w.Slot}]
			for _, r := range rows {
				o.Row = r
				found = append(found, o)
			}
		}
	}
	return found
}

// rowsOf returns the rows that a move is about and that hold at its instant.
func (g *group) rowsOf(w Override) (rows []*Row) {
	for _, r := range g.rows {
		if r.Policy.Task == w.Task && !r.Policy.Disabled && w.At.After(r.HoldsFrom()) {
			rows = append(rows, r)
		}
	}
	return rows
}

// find returns the occurrence of a slot.
func (c *compiled) find(slot string, d *day, m *market) (o Occurrence, ok bool) {
	for j := range c.spans {
		sp := &c.spans[j]
		for i := range sp.N {
			if o := c.occurrence(sp, i, d.session.Date, m.loc); o.Slot == slot {
				return o, true
			}
		}
	}
	return Occurrence{}, false
}

// nextBy returns the first due instant after t by what people have said: that of a move if
// it comes before the one of the rows.
func (p *Plan) nextBy(t, due time.Time, found bool) (time.Time, bool) {
	for _, w := range p.overrides.moves {
		if w.At.After(t) && w.At.Before(due) && len(p.appendMoved(nil, w)) > 0 {
			due, found = w.At, true
		}
	}
	return due, found
}

// isEmpty reports whether all that the rows have due at an instant was moved, for all.
func (p *Plan) isEmpty(at time.Time) bool {
	if !p.overrides.movesFrom(at) {
		return false
	}
	for _, o := range p.Between(at.Add(-time.Second), at) {
		if of, _ := o.For(""); len(o.said) != 1 || !of.Away {
			return false
		}
	}
	return true
}

// movesFrom reports whether anything that was due at an instant was moved for all accounts.
func (all *Overrides) movesFrom(at time.Time) bool {
	for _, w := range all.moves {
		if w.Account == "" && w.Due.Equal(at) {
			return true
		}
	}
	return false
}
