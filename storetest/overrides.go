package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// overrideCases are what people say of single occurrences: it is kept under the term.
var overrideCases = []ledgerCase{
	{"an override reads back as it was made, and is in the audit", func(w *ledgerTest) {
		st, term := w.overridesOf(), w.lead("a")
		skip, move := overriding("buy", "42", day, time.Time{}), overriding("sell", "", day, at(14, 30))
		w.override(st, term, move)
		w.override(st, term, skip)
		assert.Equal(w.t, []store.Override{skip, move}, w.overrides(st, store.OverrideQuery{Scheduler: paper}))
		w.audited(
			store.AuditEntry{Action: "move", Task: "sell", Slot: day.String(), To: at(14, 30), Actor: "Ana", Reason: "the broker is away", At: at(9, 0)},
			store.AuditEntry{Action: "skip", Account: "42", Task: "buy", Slot: day.String(), Actor: "Ana", Reason: "the broker is away", At: at(9, 0)},
		)
	}},
	{"one is in place of another about the same occurrence, and repeated it stays", func(w *ledgerTest) {
		st, term := w.overridesOf(), w.lead("a")
		skip := overriding("buy", "42", day, time.Time{})
		w.override(st, term, skip)
		again := skip
		again.Made = at(9, 1)
		w.override(st, term, again)
		assert.Equal(w.t, []store.Override{skip}, w.overrides(st, store.OverrideQuery{}))
		move, shared := overriding("buy", "42", day, at(10, 0)), overriding("buy", "", day, time.Time{})
		w.override(st, term, move)
		w.override(st, term, shared)
		assert.Equal(w.t, []store.Override{shared, move}, w.overrides(st, store.OverrideQuery{}))
	}},
	{"one is taken back, with who does so", func(w *ledgerTest) {
		st, term := w.overridesOf(), w.lead("a")
		skip, other := overriding("buy", "42", day, time.Time{}), overriding("buy", "43", day, time.Time{})
		others := []store.Override{other, overriding("alert", "42", day, time.Time{}), overriding("buy", "42", day.AddDays(-1), time.Time{})}
		for _, o := range others {
			w.override(st, term, o)
		}
		w.override(st, term, skip)
		back := skip
		back.Actor, back.Reason, back.Made = "Ben", "it is back", at(9, 5)
		require.NoError(w.t, st.Revoke(w.ctx, term, back))
		require.NoError(w.t, st.Revoke(w.ctx, term, back), "again")
		assert.ElementsMatch(w.t, others, w.overrides(st, store.OverrideQuery{}))
		w.audited(
			others[0].AuditEntry(), others[1].AuditEntry(), others[2].AuditEntry(), skip.AuditEntry(),
			store.AuditEntry{Action: "restore", Account: "42", Task: "buy", Slot: day.String(), Actor: "Ben", Reason: "it is back", At: at(9, 5)},
		)
	}},
	{"they are selected by scheduler and session", func(w *ledgerTest) {
		st, term := w.overridesOf(), w.lead("a")
		var all []store.Override
		for i := range 4 {
			all = append(all, overriding("buy", "42", day.AddDays(i), time.Time{}))
			w.override(st, term, all[i])
		}
		assert.Equal(w.t, all[1:3], w.overrides(st, store.OverrideQuery{From: day.AddDays(1), To: day.AddDays(2)}))
		assert.Equal(w.t, all[2:], w.overrides(st, store.OverrideQuery{Scheduler: paper, From: day.AddDays(2)}))
		assert.Empty(w.t, w.overrides(st, store.OverrideQuery{Scheduler: "real"}))
	}},
	{"who has lost the term makes none and takes none back", func(w *ledgerTest) {
		st, term := w.overridesOf(), w.lead("a")
		skip := overriding("buy", "42", day, time.Time{})
		w.override(st, term, skip)
		w.takeOver("b")
		require.ErrorIs(w.t, st.Override(w.ctx, term, overriding("sell", "", day, time.Time{})), store.ErrDeposed)
		require.ErrorIs(w.t, st.Revoke(w.ctx, term, skip), store.ErrDeposed)
		assert.Equal(w.t, []store.Override{skip}, w.overrides(st, store.OverrideQuery{}))
	}},
	{"those of sessions long ago are pruned", func(w *ledgerTest) {
		st, pruner, term := w.overridesOf(), companion[store.Pruner](w.t, w.ledger), w.lead("a")
		next := overriding("buy", "42", day.AddDays(30), time.Time{})
		w.override(st, term, overriding("buy", "42", day, time.Time{}))
		w.override(st, term, next)
		later := at(9, 0).AddDate(0, 1, 0)
		w.record(term, later)
		_, err := pruner.Prune(w.ctx, paper, later.Add(-store.MinRetention))
		require.NoError(w.t, err)
		assert.Equal(w.t, []store.Override{next}, w.overrides(st, store.OverrideQuery{}))
	}},
}

func overriding(task, account string, session calendar.Date, to time.Time) store.Override {
	return store.Override{
		Scheduler: paper, Task: task, Account: account, Slot: session.String(), Session: session, Due: at(9, 15), At: to,
		Actor: "Ana", Reason: "the broker is away", Made: at(9, 0),
	}
}

func (w *ledgerTest) overridesOf() store.OverrideStore {
	w.t.Helper()
	return companion[store.OverrideStore](w.t, w.ledger)
}

func (w *ledgerTest) override(st store.OverrideStore, term store.Term, o store.Override) {
	w.t.Helper()
	require.NoError(w.t, st.Override(w.ctx, term, o))
}

func (w *ledgerTest) overrides(st store.OverrideStore, q store.OverrideQuery) []store.Override {
	w.t.Helper()
	found, err := st.Overrides(w.ctx, q)
	require.NoError(w.t, err)
	return found
}

// audited compares the audit, if the ledger has one.
func (w *ledgerTest) audited(want ...store.AuditEntry) {
	w.t.Helper()
	if auditor, ok := w.ledger.(store.Auditor); ok {
		assert.Equal(w.t, want, w.audit(auditor))
	}
}
