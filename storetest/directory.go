package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var directoryCases = []ledgerCase{
	{"nobody is there at first", func(w *ledgerTest) {
		directory := companion[store.Directory](w.t, w.ledger)
		states, err := directory.Schedulers(w.ctx)
		require.NoError(w.t, err)
		assert.Empty(w.t, states)
		assert.Empty(w.t, w.enrolments(store.EnrolmentQuery{Scheduler: paper}))
	}},
	{"who holds a term, and until when, is told", testTermStates},
	{"accounts that were ever enrolled are told as they were left", testEnrolments},
	{"accounts are found by their names, in pages", testEnrolmentPages},
}

func testTermStates(w *ledgerTest) {
	directory := companion[store.Directory](w.t, w.ledger)
	states := func() []store.TermState {
		w.t.Helper()
		states, err := directory.Schedulers(w.ctx)
		require.NoError(w.t, err)
		for i := range states {
			states[i].Expires, states[i].Watermark = toMicrosecond(states[i].Expires), toMicrosecond(states[i].Watermark)
		}
		return states
	}
	first := w.lead("a")
	other, err := w.ledger.Lead(w.ctx, "real", "c", time.Minute, time.Time{})
	require.NoError(w.t, err)
	w.record(first, at(9, 0))
	w.clock.Advance(10 * time.Second)
	held := store.TermState{Term: first, Expires: at(9, 0).Add(ttl), Left: 20 * time.Second, Watermark: at(9, 0)}
	real := store.TermState{Term: other, Expires: at(9, 1), Left: 50 * time.Second, Watermark: time.Time{}.UTC()}
	assert.Equal(w.t, []store.TermState{held, real}, states())
	assert.True(w.t, states()[0].Held())

	w.clock.Advance(20 * time.Second)
	held.Left, real.Left = 0, 30*time.Second
	assert.Equal(w.t, []store.TermState{held, real}, states())
	assert.False(w.t, states()[0].Held(), "it has expired")

	second := w.lead("b")
	require.NoError(w.t, w.ledger.Resign(w.ctx, second))
	second.Holder = ""
	resigned := store.TermState{Term: second, Expires: time.Time{}.UTC(), Watermark: at(9, 0)}
	assert.Equal(w.t, []store.TermState{resigned, real}, states())
	assert.False(w.t, states()[0].Held())
}

func (w *ledgerTest) enrolments(q store.EnrolmentQuery) []store.EnrolledAccount {
	w.t.Helper()
	found, err := companion[store.Directory](w.t, w.ledger).Enrolments(w.ctx, q)
	require.NoError(w.t, err)
	for i := range found {
		for _, instant := range []*time.Time{&found[i].From, &found[i].Withdrawn, &found[i].Returned} {
			*instant = toMicrosecond(*instant)
		}
	}
	return found
}

func testEnrolments(w *ledgerTest) {
	first := w.lead("a")
	w.enroll(first, at(9, 0), "stays", "goes", "left out")
	w.record(first, at(9, 10))
	w.withdraw(first, "goes", at(9, 10))
	next := w.takeOver("b")
	back := store.Enrolment{Account: "back", From: at(9, 2), Withdrawn: at(9, 3), Returned: at(9, 4)}
	w.enrollAs(next, store.Enrolment{Account: "stays", From: at(9, 5)}, back)

	zero := time.Time{}.UTC()
	want := []store.EnrolledAccount{
		{Enrolment: back, Term: next.Number},
		{Enrolment: store.Enrolment{Account: "goes", From: at(9, 10), Withdrawn: at(9, 10), Returned: zero}, Term: first.Number},
		{Enrolment: store.Enrolment{Account: "left out", From: at(9, 0), Withdrawn: zero, Returned: zero}, Term: first.Number},
		{Enrolment: store.Enrolment{Account: "stays", From: at(9, 5), Withdrawn: zero, Returned: zero}, Term: next.Number},
	}
	assert.Equal(w.t, want, w.enrolments(store.EnrolmentQuery{Scheduler: paper}))
}

func testEnrolmentPages(w *ledgerTest) {
	w.enroll(w.lead("a"), at(9, 0), "", "4", "42", "42 b", "43", "Z", "é", "\U0001f4c8")
	for _, c := range []struct {
		name  string
		query store.EnrolmentQuery
		want  []string
	}{
		{"all", store.EnrolmentQuery{}, []string{"", "4", "42", "42 b", "43", "Z", "é", "\U0001f4c8"}},
		{"one", store.EnrolmentQuery{Account: "42"}, []string{"42"}},
		{"one that never was", store.EnrolmentQuery{Account: "24"}, nil},
		{"by the beginning of the name", store.EnrolmentQuery{Prefix: "42"}, []string{"42", "42 b"}},
		{"by a beginning that none has", store.EnrolmentQuery{Prefix: "5"}, nil},
		{"the first of them", store.EnrolmentQuery{Limit: 2}, []string{"", "4"}},
		{"the next of them", store.EnrolmentQuery{After: "4", Limit: 2}, []string{"42", "42 b"}},
		{"the next of those by the beginning", store.EnrolmentQuery{Prefix: "4", After: "42 b", Limit: 2}, []string{"43"}},
		{"of another scheduler", store.EnrolmentQuery{Scheduler: "real"}, nil},
	} {
		if c.query.Scheduler == "" {
			c.query.Scheduler = paper
		}
		var got []string
		for _, e := range w.enrolments(c.query) {
			got = append(got, e.Account)
		}
		assert.Equal(w.t, c.want, got, c.name)
	}
}
