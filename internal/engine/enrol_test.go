package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/why"
)

func clockTime(t *testing.T, text string) time.Time {
	at, err := time.Parse(time.DateTime, "2026-11-23 "+text)
	require.NoError(t, err)
	return at
}

// From when an account is served depends on what the ledger knows of it, and on whether
// it was away.
func TestFromWhenAnAccountIsServed(t *testing.T) {
	at := func(text string) time.Time { return clockTime(t, text) }
	for _, test := range []struct {
		name  string
		state State
		from  string
		owns  map[string]bool // by a row with a catch-up of an hour
	}{
		{"a new ledger", State{Term: 1}, "09:00:00", map[string]bool{"08:30:00": false, "09:00:01": true}},
		{"one that the ledger never saw", State{Term: 2, Watermark: at("08:00:00")}, "09:00:00", map[string]bool{"08:30:00": false, "09:00:01": true}},
		{"one that the last term served", State{Term: 2, Watermark: at("08:00:00"), Enrolments: []Enrolment{{Account: "42", From: at("08:00:00")}}},
			"08:00:00", map[string]bool{"08:00:00": false, "08:30:00": true}},
		{"one that was away for no longer than the catch-up", State{Term: 2, Watermark: at("08:50:00"), Enrolments: []Enrolment{
			{Account: "42", From: at("08:10:00"), Withdrawn: at("08:10:00")}}},
			"08:10:00", map[string]bool{"08:10:00": false, "08:30:00": true, "09:00:00": true}},
		{"one that was away for longer", State{Term: 2, Watermark: at("08:50:00"), Enrolments: []Enrolment{
			{Account: "42", From: at("07:30:00"), Withdrawn: at("07:30:00")}}},
			"07:30:00", map[string]bool{"08:30:00": false, "09:00:00": false, "09:00:01": true}},
		{"one that came back before the term began", State{Term: 2, Watermark: at("08:50:00"), Enrolments: []Enrolment{
			{Account: "42", From: at("07:30:00"), Withdrawn: at("07:30:00"), Returned: at("08:20:00")}}},
			"07:30:00", map[string]bool{"07:40:00": true, "08:20:00": true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRow("buy", "daily 12:00", always, Handling{CatchUp: time.Hour})
			d := newDesk(t, Config{}, "09:00:00", nil, r)
			d.Lose()
			a := &Account{Name: "42"}
			d.Accounts.Enrol(a, true, d.now)
			d.Term.Granted(test.state.Term, time.Time{})
			d.Resume(test.state, d.now)
			assert.Equal(t, test.from, a.Served().From.Format(time.TimeOnly))
			for due, owns := range test.owns {
				assert.Equal(t, owns, a.Served().Owns(r, at(due)), due)
			}
		})
	}
}

// What an account had due in an absence is planned by the next tick, and the ledger is
// told at once that it is served, and again when that is accounted for.
func TestAnAccountThatComesBack(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Hour}))
	a := d.Accounts.Get("42")
	d.Withdraw(a, d.now)
	gone, served := d.ToAccount()
	assert.Equal(t, []Enrolment{{Account: "42", From: d.now, Withdrawn: d.now}}, gone)
	assert.Empty(t, served)
	d.Accounted(gone, served)
	assert.False(t, d.HasWithdrawn())
	left := d.now

	d.tick("09:30:00")
	d.recorded()
	assert.Empty(t, d.going)
	d.Accounts.Enrol(a, true, d.now)
	assert.True(t, d.Return(a, d.now))
	assert.Equal(t, left, d.Accounts.OpenFrom())
	assert.Equal(t, []Enrolment{{Account: "42", From: left, Withdrawn: left, Returned: d.now}}, d.ToEnrol().Told)

	d.tick("09:31:00")
	assert.Equal(t, []string{"buy 42 09:00"}, d.running())
	assert.True(t, d.going[0].Backdated)
	_, mark := d.recorded()
	assert.Equal(t, "09:31:00", mark)
	_, served = d.ToAccount()
	assert.Equal(t, []Enrolment{{Account: "42", From: clockTime(t, "09:30:00")}}, served)
	d.Accounted(nil, served)
	_, served = d.ToAccount()
	assert.Empty(t, served, "it is told once")
}

// An account that goes before its last run is accounted for is told of only then.
func TestAnAccountThatOwes(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Hour}))
	d.at("09:00:30")
	d.Withdraw(d.Accounts.Get("42"), d.now)
	gone, _ := d.ToAccount()
	assert.Empty(t, gone, "a run was skipped, and is not recorded yet")
	told, _ := d.recorded()
	assert.Equal(t, []string{"buy 42 09:00 skipped: " + why.Withdrawn}, told)
	gone, _ = d.ToAccount()
	assert.Len(t, gone, 1)
}

// A withdrawal that the ledger does not have survives the loss of the term, unless the
// ledger knows better.
func TestWithdrawalsThatWereNotTold(t *testing.T) {
	at := func(text string) time.Time { return clockTime(t, text) }
	for _, test := range []struct {
		name  string
		known []Enrolment
		want  []Enrolment
	}{
		{"served", []Enrolment{{Account: "42", From: at("08:30:00")}}, []Enrolment{{Account: "42", From: at("08:30:00"), Withdrawn: at("08:59:00")}}},
		{"served beyond it", []Enrolment{{Account: "42", From: at("09:30:00")}}, []Enrolment{{Account: "42", From: at("09:30:00"), Withdrawn: at("09:30:00")}}},
		{"withdrawn by another", []Enrolment{{Account: "42", From: at("08:30:00"), Withdrawn: at("08:30:00")}}, nil},
		{"never seen", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"})
			d.Withdraw(d.Accounts.Get("42"), d.now)
			d.Lose()
			d.Term.Granted(2, time.Time{})
			d.Resume(State{Term: 2, Watermark: d.now, Enrolments: test.known}, d.now)
			gone, _ := d.ToAccount()
			assert.Equal(t, test.want, gone)
			known, is := d.Accounts.Known("42")
			assert.Equal(t, test.known != nil, is)
			if test.want != nil {
				assert.Equal(t, test.want[0], known)
			}
		})
	}
}
