package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/planworld"
)

// TestPatchedIsAPlanMadeAnew edits the rows of made-up worlds at random, between stretches
// that are planned: after each edit the plan has the groups and the occurrences that one
// of the same rows has which is made anew.
func TestPatchedIsAPlanMadeAnew(t *testing.T) {
	var together, due int
	for seed := range uint64(60) {
		w := newEdits(seed)
		for range 25 {
			w.edit()
			fresh := New(slices.Concat(w.linked, w.in))
			want := groupsOf(fresh)
			require.Equal(t, want, groupsOf(w.plan), "%v", w.world)
			for _, g := range want {
				together += len(g.rows) - 1
			}
			next := w.now.Add(time.Duration(w.random.IntN(12*60)) * time.Minute)
			planned := dueOf(fresh.Between(w.now, next))
			w.world.Same(t, planned, dueOf(w.plan.Between(w.now, next)), fmt.Sprintf("from %v to %v", w.now, next))
			checkNext(t, w.plan, w.now, planned)
			due += len(planned)
			w.now = next
		}
	}
	assert.Greater(t, together, 5_000, "many rows are due alike")
	assert.Greater(t, due, 10_000, "and have something due")
}

// edits are the rows of two exchanges, and a plan of those that are in force.
type edits struct {
	random  *rand.Rand
	world   *planworld.World
	linked  []*Row // those that after rules link, which stay as they are
	in, out []*Row
	plan    *Plan
	now     time.Time
}

func newEdits(seed uint64) *edits {
	random := rand.New(rand.NewPCG(seed, 8))
	w := planworld.New(seed, random, planworld.Whole)
	other := w.Beside(random)
	other.AddTask("u0", random)
	other.AddTask("u1", random)
	e := &edits{random: random, world: w}
	e.now, _ = w.SomeRange(random)
	for _, rows := range [][]*Row{rowsOf(w).all, rowsOf(other).all} {
		for _, r := range rows {
			if r.Base != nil || slices.ContainsFunc(rows, func(o *Row) bool { return o.Base == r }) {
				e.linked = append(e.linked, r)
				continue
			}
			e.out = append(e.out, r, e.ofAccount("c", r, r.Policy), e.ofAccount("d", r, r.Policy))
			other := *r.Policy
			other.Disabled = !other.Disabled // which is due alike as well
			e.out = append(e.out, e.ofAccount("e", r, &other))
		}
	}
	e.plan = New(e.linked)
	return e
}

// ofAccount is a row of another account, which in half of the cases has been edited since.
func (e *edits) ofAccount(account string, r *Row, p *Policy) *Row {
	c := *r
	c.Account, c.Policy = account, p
	if e.random.IntN(2) == 0 {
		c.Since = e.now.Add(time.Duration(e.random.IntN(100)) * time.Hour)
	}
	return &c
}

// edit takes some rows out, and some others in.
func (e *edits) edit() {
	var gone, come []*Row
	e.in, gone = e.split(e.in)
	e.out, come = e.split(e.out)
	e.in, e.out = append(e.in, come...), append(e.out, gone...)
	e.plan = e.plan.Patched(gone, come)
}

// split leaves most rows where they are, but for an edit in some of all.
func (e *edits) split(rows []*Row) (stay, move []*Row) {
	of := 1 + e.random.IntN(6)
	for _, r := range rows {
		if e.random.IntN(of) == 0 {
			move = append(move, r)
		} else {
			stay = append(stay, r)
		}
	}
	return stay, move
}

// shownGroup is a group in a form that can be compared, with the reach of its market.
type shownGroup struct {
	rows        []string
	from        int64
	holding     int
	back, ahead int
}

// groupsOf returns the rows that are planned together, in order.
func groupsOf(p *Plan) (groups []shownGroup) {
	for _, m := range p.markets {
		for _, g := range m.groups {
			shown := shownGroup{holding: g.holding, back: m.back, ahead: m.ahead}
			if !g.idle() {
				shown.from = g.from
			}
			for _, r := range g.rows {
				shown.rows = append(shown.rows, fmt.Sprintf("%s of %q", r.Policy.Task, r.Account))
			}
			slices.Sort(shown.rows)
			groups = append(groups, shown)
		}
	}
	slices.SortFunc(groups, func(a, b shownGroup) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return groups
}

// dueOf is a plan in a form that can be compared.
func dueOf(planned []Occurrence) (all []planworld.Due) {
	for _, o := range planned {
		all = append(all, planworld.Due{At: o.Due.UTC(), Account: o.Row.Account, Task: o.Row.Policy.Task, Slot: o.Slot, Session: o.Session, Skipped: o.Skip != ""})
	}
	return planworld.Sorted(all)
}
