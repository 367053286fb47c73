package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
)

// steps are what an engine can be told, by the first word of a line.
var steps = map[string]func(d *teller, args []string, opts map[string]string){
	"begin": func(*teller, []string, map[string]string) {},

	// Time.
	"at": func(d *teller, args []string, _ map[string]string) { d.now = d.instant(args[0]) },
	"plan": func(d *teller, args []string, _ map[string]string) {
		d.now = d.instant(args[0])
		from, planned := d.PlanUpTo(d.now)
		d.answer("planned %v from %s", planned, clock(from))
	},
	"tick": func(d *teller, args []string, _ map[string]string) {
		d.now = d.instant(args[0])
		d.PlanUpTo(d.now)
		d.Enrolled(d.ToEnrol())
		d.pump()
	},
	"woke": func(d *teller, args []string, _ map[string]string) {
		d.now = d.instant(args[0])
		from, step, stepped := d.Woke(d.now)
		d.answer("from %s, step %v, stepped %v, doubted %v", clock(from), step, stepped, d.Wakes.AreDoubted())
	},
	"pass": func(d *teller, args []string, _ map[string]string) { d.Bad.Pass(d.instant(args[0])) },

	// Claims and starts.
	"pick": func(d *teller, args []string, _ map[string]string) {
		require.Empty(d.t, d.claims, "the ledger has not answered")
		d.answer("ready %v", d.Prepare(d.now))
		has := func(what string) bool { return slices.Contains(args, what) }
		picked := d.Pick(d.now, Obstacles{HaltsUnread: has("halts-unread"), Reconciling: has("reconciling"), Unsettled: has("unsettled")})
		d.claims, d.going = picked.Claim, append(d.going, picked.Start...)
	},
	"pump": func(d *teller, _ []string, _ map[string]string) { d.pump() },
	"hold": func(d *teller, args []string, _ map[string]string) {
		d.Answered()
		for _, p := range d.claims {
			if d.Claimed(p, len(args) > 0, d.now) {
				d.going = append(d.going, p)
				d.answer("%v is first %v", describe(p), d.IsFirst(p))
			}
		}
		d.claims = nil
	},
	"fail": func(d *teller, args []string, _ map[string]string) {
		d.Answered()
		d.going = append(d.going, d.ClaimsFail(d.claims, strings.Join(args, " "), d.now)...)
		d.claims = nil
	},
	"taken": func(d *teller, _ []string, _ map[string]string) {
		d.Answered()
		for _, p := range d.claims {
			d.Unpick(p)
		}
		d.claims = nil
	},
	"outlived": func(d *teller, args []string, _ map[string]string) {
		d.Answered()
		for _, p := range d.claims {
			d.Outlived(p, len(args) > 0)
		}
		d.claims = nil
	},
	"answers": func(d *teller, _ []string, _ map[string]string) { d.ClaimsAnswer() },
	"try":     func(d *teller, _ []string, _ map[string]string) { d.TryClaims() },
	"rest":    func(d *teller, _ []string, _ map[string]string) { d.Rest() },
	"end": func(d *teller, args []string, _ map[string]string) {
		verdict := map[string]Verdict{"good": Good, "bad": Bad}[args[2]]
		d.Ended(d.one(args), verdict, strings.Join(args[3:], " "))
		d.answer("%s has succeeded %v", args[0], d.HasSucceeded(Key{args[0], args[1]}))
	},
	"return": func(d *teller, args []string, _ map[string]string) {
		p := d.one(args)
		d.going = slices.DeleteFunc(d.going, func(o *Run) bool { return o == p })
		d.Returned(p)
	},
	"done": func(d *teller, _ []string, _ map[string]string) {
		p := d.going[0]
		d.going = d.going[1:]
		d.Ended(p, Good, "")
		d.Returned(p)
	},
	"stored": func(d *teller, _ []string, _ map[string]string) { d.Stored(d.books.unclaimed[0]) },

	// Arming.
	"arm": func(d *teller, args []string, _ map[string]string) {
		for _, p := range d.ToArm(d.now, Obstacles{}) {
			d.answer("arm %v", describe(p))
			if len(args) == 0 {
				d.Armed(p, true, true, true)
			} else if args[0] == "refused" {
				d.Armed(p, false, true, true)
			}
		}
	},
	"ring": func(d *teller, args []string, _ map[string]string) {
		d.now = d.instant(args[0])
		d.answer("has armed %v", d.HasArmedBy(d.now))
		d.PlanUpTo(d.now)
		d.going = append(d.going, d.PickArmed(d.now)...)
	},
	"disarm":   func(d *teller, _ []string, _ map[string]string) { d.Disarm() },
	"giveback": func(d *teller, _ []string, _ map[string]string) { d.GiveBackPending() },
	"release": func(d *teller, _ []string, _ map[string]string) {
		n := len(d.NextReleases())
		d.answer("%d released, %d free", n, d.Released(n, d.now))
	},
	"leave": func(d *teller, _ []string, _ map[string]string) { d.Leave(len(d.NextReleases())) },

	// The ledger.
	"write": func(d *teller, args []string, _ map[string]string) {
		records, mark, ok := d.ToRecord()
		d.answer("%d records with mark %s, %v", len(records), clock(mark), ok)
		if len(args) > 0 {
			d.answer("parted %v", d.RecordLater(records, func(*Record) bool { return args[0] == "taken" }))
		} else if ok {
			d.Recorded(mark)
		}
	},
	"enrolled": func(d *teller, _ []string, _ map[string]string) { d.Enrolled(d.ToEnrol()) },
	"accounted": func(d *teller, _ []string, _ map[string]string) {
		d.Accounted(d.ToAccount())
	},
	"lose":       func(d *teller, _ []string, _ map[string]string) { d.Lose() },
	"reread":     func(d *teller, _ []string, _ map[string]string) { d.Reread() },
	"unanswered": func(d *teller, _ []string, _ map[string]string) { d.Term.Unanswered() },
	"trusted": func(d *teller, args []string, _ map[string]string) {
		d.Term.Granted(d.Term.Number(), d.instant(args[0]))
	},
	"resume": resume,

	// People.
	"halt":     func(d *teller, args []string, _ map[string]string) { d.halted[args[0]] = why.HaltedBy + args[1] },
	"lift":     func(d *teller, args []string, _ map[string]string) { delete(d.halted, args[0]) },
	"withdraw": func(d *teller, args []string, _ map[string]string) { d.Withdraw(d.Accounts.Get(args[0]), d.now) },
	"enrol": func(d *teller, args []string, _ map[string]string) {
		a := d.Accounts.Get(args[0])
		if a == nil {
			a = &Account{Name: args[0]}
		}
		d.Accounts.Enrol(a, len(args) == 1, d.now)
		if d.Term.IsResumed() {
			d.answer("behind %v", d.Return(a, d.now))
		}
	},
	"many": func(d *teller, args []string, _ map[string]string) {
		n, _ := strconv.Atoi(args[0])
		d.many = n
		for i := range n {
			a := &Account{Name: fmt.Sprintf("many-%03d", i)}
			d.Accounts.Enrol(a, true, d.now)
			d.Return(a, d.now)
		}
		d.Enrolled(d.ToEnrol())
	},
	"count": func(d *teller, _ []string, _ map[string]string) {
		d.answer("%d to claim, %d run", len(d.claims), len(d.going))
	},
	"stop-executor": func(d *teller, args []string, _ map[string]string) {
		d.Accounts.SetStarted(d.Accounts.Get(args[0]), false)
	},
	"quarantine": func(d *teller, args []string, _ map[string]string) {
		d.bad = Key{Task: args[0]}
		delete(d.rows, d.bad)
		d.inForce()
	},
	"idle":  func(d *teller, args []string, _ map[string]string) { d.Wakes.Idle(d.instant(args[0])) },
	"look":  func(d *teller, _ []string, _ map[string]string) { d.LookAgain() },
	"begun": func(d *teller, args []string, _ map[string]string) { d.one(args).Begun() },
	"drops": func(d *teller, _ []string, _ map[string]string) {
		d.answer("%d drops, ready %v, claimed ahead %v", d.Drops(), d.HasReady(), d.HasArmedBy(d.now))
	},
	"started": func(d *teller, args []string, _ map[string]string) { d.ExecutorStarted(d.Accounts.Get(args[0])) },
	"remove": func(d *teller, args []string, _ map[string]string) {
		delete(d.rows, Key{Task: args[0]})
		d.inForce()
	},
	"trigger": trigger,
	"say":     override,
	"again": func(d *teller, args []string, opts map[string]string) {
		due := d.instant(opts["due"])
		d.RunAgain(Again{Key: Key{args[0], args[1]}, Slot: opts["slot"], Session: calendar.DateOf(due), Due: due, Repeats: opts["repeats"] != "", Offset: span(d, opts["offset"]), Row: "row"})
	},
	"ahead": func(d *teller, args []string, opts map[string]string) { d.NoteAhead(d.entry(args, opts)) },
	"doubt": func(d *teller, args []string, _ map[string]string) {
		for _, p := range d.Unstarted() {
			d.answer("unstarted %v", describe(p))
		}
		for _, p := range d.claims {
			d.answer("in doubt: %s", d.WhyInDoubt(p))
		}
	},
}

func resume(d *teller, args []string, opts map[string]string) {
	st := State{Term: max(d.term, 1) + 1}
	if text, has := opts["term"]; has {
		st.Term, _ = strconv.ParseInt(text, 10, 64)
	}
	if text, has := opts["watermark"]; has {
		st.Watermark = d.instant(text)
	}
	for _, arg := range args { // 42,from,withdrawn,returned
		parts := strings.Split(arg+",,,", ",")
		at := func(i int) time.Time {
			if parts[i] == "" {
				return time.Time{}
			}
			return d.instant(parts[i])
		}
		st.Enrolments = append(st.Enrolments, Enrolment{parts[0], at(1), at(2), at(3)})
	}
	d.term = st.Term
	d.Term.Granted(st.Term, time.Time{})
	d.answer("resumed from %s, in a new ledger since %s", clock(d.Resume(st, d.now)), clock(d.Accounts.Began()))
	d.claims = nil
}

func trigger(d *teller, args []string, opts map[string]string) {
	a, r := d.Accounts.Get(args[1]), d.InForce(args[1], args[0])
	d.answer("busy: %s", d.WhyBusy(a, r))
	due := wall(d.now)
	p := d.NewManual(a, r, plan.Occurrence{Row: r.Row, Due: due, Slot: args[2], Session: calendar.DateOf(due)}, "ada", d.now)
	d.answer("in doubt: %s", d.WhyInDoubt(p))
	if !d.PickManual(p, d.now) {
		d.answer("its start limit does not allow it")
	} else if opts["claim"] == "" {
		d.Start(p, d.now)
		d.going = append(d.going, p)
	} else {
		d.claims = append(d.claims, p)
	}
}

func override(d *teller, args []string, opts map[string]string) {
	due := d.instant(opts["due"])
	o := plan.Override{Task: args[0], Account: opts["account"], Slot: opts["slot"], Session: calendar.DateOf(due), Due: due, Why: "moved by ada"}
	if text, has := opts["to"]; has {
		o.At = d.instant(text)
	} else {
		o.Why = why.SkippedBy + "ada"
	}
	d.Use(d.planning.plan.Override(plan.NewOverrides([]plan.Override{o})))
}

func (d *teller) entry(args []string, opts map[string]string) Entry {
	e := Entry{Key: Key{args[0], args[1]}, Slot: opts["slot"], Due: d.instant(opts["due"]), Started: opts["started"] != ""}
	if text, has := opts["to"]; has {
		e.LastDue, e.Count = d.instant(text), 2
	}
	return e
}

// one is the first run of a task of an account that goes on.
func (d *teller) one(args []string) *Run {
	i := slices.IndexFunc(d.going, func(p *Run) bool { return p.Key() == Key{args[0], args[1]} })
	require.GreaterOrEqual(d.t, i, 0, "%v does not run", args)
	return d.going[i]
}
