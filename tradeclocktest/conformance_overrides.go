package tradeclocktest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// overrideCases are what people say of single occurrences: it is kept under the term.
var overrideCases = []ledgerCase{
	{"an override reads back as it was made, and is in the audit", func(w *ledgerTest) {
		store, term := w.overridesOf(), w.lead("a")
		skip, move := overriding("buy", "42", day, time.Time{}), overriding("sell", "", day, at(14, 30))
		w.override(store, term, move)
		w.override(store, term, skip)
		assert.Equal(w.t, []tradeclock.Override{skip, move}, w.overrides(store, tradeclock.OverrideQuery{Scheduler: paper}))
		w.audited(
			tradeclock.AuditEntry{Action: "move", Task: "sell", Slot: day.String(), To: at(14, 30), Actor: "Ana", Reason: "the broker is away", At: at(9, 0)},
			tradeclock.AuditEntry{Action: "skip", Account: "42", Task: "buy", Slot: day.String(), Actor: "Ana", Reason: "the broker is away", At: at(9, 0)},
		)
	}},
	{"one is in place of another about the same occurrence, and repeated it stays", func(w *ledgerTest) {
		store, term := w.overridesOf(), w.lead("a")
		skip := overriding("buy", "42", day, time.Time{})
		w.override(store, term, skip)
		again := skip
		again.Made = at(9, 1)
		w.override(store, term, again)
		assert.Equal(w.t, []tradeclock.Override{skip}, w.overrides(store, tradeclock.OverrideQuery{}))
		move, shared := overriding("buy", "42", day, at(10, 0)), overriding("buy", "", day, time.Time{})
		w.override(store, term, move)
		w.override(store, term, shared)
		assert.Equal(w.t, []tradeclock.Override{shared, move}, w.overrides(store, tradeclock.OverrideQuery{}))
	}},
	{"one is taken back, with who does so", func(w *ledgerTest) {
		store, term := w.overridesOf(), w.lead("a")
		skip, other := overriding("buy", "42", day, time.Time{}), overriding("buy", "43", day, time.Time{})
		w.override(store, term, skip)
		w.override(store, term, other)
		back := skip
		back.Actor, back.Reason, back.Made = "Ben", "it is back", at(9, 5)
		require.NoError(w.t, store.Revoke(w.ctx, term, back))
		require.NoError(w.t, store.Revoke(w.ctx, term, back), "again")
		assert.Equal(w.t, []tradeclock.Override{other}, w.overrides(store, tradeclock.OverrideQuery{}))
		w.audited(
			skip.AuditEntry(), other.AuditEntry(),
			tradeclock.AuditEntry{Action: "restore", Account: "42", Task: "buy", Slot: day.String(), Actor: "Ben", Reason: "it is back", At: at(9, 5)},
		)
	}},
	{"they are selected by scheduler and session", func(w *ledgerTest) {
		store, term := w.overridesOf(), w.lead("a")
		var all []tradeclock.Override
		for i := range 4 {
			all = append(all, overriding("buy", "42", day.AddDays(i), time.Time{}))
			w.override(store, term, all[i])
		}
		assert.Equal(w.t, all[1:3], w.overrides(store, tradeclock.OverrideQuery{From: day.AddDays(1), To: day.AddDays(2)}))
		assert.Equal(w.t, all[2:], w.overrides(store, tradeclock.OverrideQuery{Scheduler: paper, From: day.AddDays(2)}))
		assert.Empty(w.t, w.overrides(store, tradeclock.OverrideQuery{Scheduler: "real"}))
	}},
	{"who has lost the term makes none and takes none back", func(w *ledgerTest) {
		store, term := w.overridesOf(), w.lead("a")
		skip := overriding("buy", "42", day, time.Time{})
		w.override(store, term, skip)
		w.takeOver("b")
		require.ErrorIs(w.t, store.Override(w.ctx, term, overriding("sell", "", day, time.Time{})), tradeclock.ErrDeposed)
		require.ErrorIs(w.t, store.Revoke(w.ctx, term, skip), tradeclock.ErrDeposed)
		assert.Equal(w.t, []tradeclock.Override{skip}, w.overrides(store, tradeclock.OverrideQuery{}))
	}},
	{"those of sessions long ago are pruned", func(w *ledgerTest) {
		store, pruner, term := w.overridesOf(), companion[tradeclock.Pruner](w.t, w.ledger), w.lead("a")
		next := overriding("buy", "42", day.AddDays(30), time.Time{})
		w.override(store, term, overriding("buy", "42", day, time.Time{}))
		w.override(store, term, next)
		later := at(9, 0).AddDate(0, 1, 0)
		w.record(term, later)
		_, err := pruner.Prune(w.ctx, paper, later.Add(-tradeclock.MinRetention))
		require.NoError(w.t, err)
		assert.Equal(w.t, []tradeclock.Override{next}, w.overrides(store, tradeclock.OverrideQuery{}))
	}},
}

func overriding(task, account string, session calendar.Date, to time.Time) tradeclock.Override {
	return tradeclock.Override{
		Scheduler: paper, Task: task, Account: account, Slot: session.String(), Session: session, Due: at(9, 15), At: to,
		Actor: "Ana", Reason: "the broker is away", Made: at(9, 0),
	}
}

func (w *ledgerTest) overridesOf() tradeclock.OverrideStore {
	w.t.Helper()
	return companion[tradeclock.OverrideStore](w.t, w.ledger)
}

func (w *ledgerTest) override(store tradeclock.OverrideStore, term tradeclock.Term, o tradeclock.Override) {
	w.t.Helper()
	require.NoError(w.t, store.Override(w.ctx, term, o))
}

func (w *ledgerTest) overrides(store tradeclock.OverrideStore, q tradeclock.OverrideQuery) []tradeclock.Override {
	w.t.Helper()
	found, err := store.Overrides(w.ctx, q)
	require.NoError(w.t, err)
	return found
}

// audited compares the audit, if the ledger has one.
func (w *ledgerTest) audited(want ...tradeclock.AuditEntry) {
	w.t.Helper()
	if auditor, ok := w.ledger.(tradeclock.Auditor); ok {
		assert.Equal(w.t, want, w.audit(auditor))
	}
}
