package world

import (
	"fmt"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// sessionKey is what the runs of one task and account on one session have in common.
type sessionKey struct {
	account, task string
	session       calendar.Date
}

func sessionOf(r *tradeclock.Run) sessionKey { return sessionKey{r.Account, r.Task, r.Session} }

// facts are what First and Resumed of a run tell of the runs before it.
type facts struct {
	succeeded bool
	claimedIn int64 // the first term in which one was claimed, or zero
}

// factsOf tells the facts of a session from its claims: one that was given back leaves
// nothing.
func (b *book) factsOf(key sessionKey) facts {
	var found facts
	for _, row := range b.rowsOf {
		if row.token == "" || sessionOf(&row.run) != key {
			continue
		}
		found.succeeded = found.succeeded || row.outcome == tradeclock.Succeeded
		if found.claimedIn == 0 || row.firstTerm < found.claimedIn {
			found.claimedIn = row.firstTerm
		}
	}
	return found
}

// heldToFacts holds the answer to a claim to what became of the session's other runs.
func (b *book) heldToFacts(run *tradeclock.Run, row *entry, before facts, claim store.Claim) {
	first := run.Repeating && !before.succeeded
	resumed := run.Repeating && before.claimedIn > 0 && before.claimedIn < row.term
	if claim.First != first || claim.Resumed != resumed {
		b.w.violate("first and resumed", fmt.Sprintf("%s: the claim says first: %v, resumed: %v; want %v, %v",
			describe(run), claim.First, claim.Resumed, first, resumed))
	}
	row.first, row.resumed = first, resumed
}

// answered notes that a process was told at once of its claims.
func (b *book) answered(runs []tradeclock.Run) {
	for i := range runs {
		if row := b.rowsOf[slotOf(&runs[i])]; row != nil && row.token == runs[i].Token {
			row.answered = true
		}
	}
}

// informed: a run that is claimed is told what the ledger answered. One that starts with
// the ledger out of reach is told what its process remembers.
func (b *book) informed(x *execution) (invariant, text string) {
	row := b.rowsOf[slotOf(&x.run)]
	if row == nil || row.token != x.run.Token {
		return "", ""
	}
	if !row.answered {
		return "", ""
	}
	if x.run.Attempt == 1 && x.run.First && b.factsOf(sessionOf(&x.run)).succeeded {
		return "first and resumed", "it is told that it is the first, and another has succeeded"
	}
	if row.run.Outcome == tradeclock.Armed && row.first && !x.run.First {
		return "", "" // another has succeeded since it was armed
	}
	if x.run.First != row.first || x.run.Resumed != row.resumed {
		return "first and resumed", fmt.Sprintf("it is told first: %v, resumed: %v; want %v, %v", x.run.First, x.run.Resumed, row.first, row.resumed)
	}
	return "", ""
}
