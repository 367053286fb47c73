package dashboard

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// runsPage is a page of the history, with what it was selected by.
type runsPage struct {
	Account, Task, Slot string
	From, To            string
	Outcomes            []choice
	Oldest              bool
	Runs                []runLine
	Next                string
	First               bool // nothing comes before it in the order
}

// runLine is a run in a table.
type runLine struct {
	Session, Due, Account, Task, Started, Late, Took, By, Why, Address string
	Count                                                              int
	Mark                                                               faces.Mark
}

const runsShown = 100

func queryOf(o store.Outcome) string { return url.QueryEscape(o.String()) }

func (v *visit) runs() (any, error) {
	q := store.Query{
		Account: v.form.Get("account"), Task: v.form.Get("task"), Slot: v.form.Get("slot"),
		NewestFirst: v.form.Get("order") != "oldest", Limit: runsShown,
	}
	p := &runsPage{
		Account: q.Account, Task: q.Task, Slot: q.Slot, From: v.form.Get("from"), To: v.form.Get("to"), Oldest: !q.NewestFirst,
		First: v.form.Get("after") == "",
	}
	for _, text := range v.form["outcome"] {
		o, err := store.ParseOutcome(text)
		if err != nil {
			return nil, refuse("outcome: %v", err)
		}
		if o != store.NoOutcome {
			q.Outcomes = append(q.Outcomes, o)
		}
	}
	for _, o := range faces.Outcomes {
		p.Outcomes = append(p.Outcomes, choice{o.String(), faces.MarkOfOutcome(o).Sign + " " + o.String(), slices.Contains(q.Outcomes, o)})
	}
	for _, bound := range []struct {
		name string
		date *calendar.Date
	}{{"from", &q.From}, {"to", &q.To}} {
		if v.form.Get(bound.name) == "" {
			continue
		}
		d, err := v.date(bound.name)
		if err != nil {
			return nil, err
		}
		*bound.date = d
	}
	if err := q.After.UnmarshalText([]byte(v.form.Get("after"))); err != nil {
		return nil, refuse("after: %v", err)
	}
	runs, err := v.view.Runs(v.ctx, q)
	if err != nil {
		return nil, err
	}
	p.Runs = v.runLines(runs)
	if len(runs) == runsShown {
		next := v.req.URL.Query()
		next.Set("after", runs[len(runs)-1].Cursor().String())
		p.Next = "?" + next.Encode()
	}
	return p, nil
}

func (v *visit) runLines(runs []store.Run) []runLine {
	lines := make([]runLine, len(runs))
	for i, r := range runs {
		lines[i] = runLine{
			Session: r.Session.String(), Due: v.clockOn(r.Due, r.Session), Account: r.Account, Task: r.Task, Late: lateness(r), Took: took(r),
			By: r.Actor, Why: clipped(r.Reason), Address: runAddress(r.Account, r.Task, r.Slot), Count: r.Occurrences(),
			Mark: faces.MarkOfOutcome(r.Outcome),
		}
		if !r.Started.IsZero() {
			lines[i].Started = r.Started.In(v.loc).Format("15:04:05")
		}
	}
	return lines
}

// runPage is one occurrence of a task: its run, or what the plan has of it.
type runPage struct {
	Item        store.AgendaItem
	Session     calendar.Date
	Mark        faces.Mark
	Explanation string
	Unexplained string // why there is no explanation
	Reason      string
	Facts       []fact
	Details     string
	Late        *store.LateOutcome
	CanTrigger  bool
	StandsFor   bool // a run that is triggered may stand for it: it is the only one of its session
	CanCancel   bool
	Override    *overrideLine
	CanSkip     bool
	CanMove     bool
	Day, Task   string // addresses
	Others      string
}

// fact is something that is known, with its name.
type fact struct{ Name, Text string }

func (v *visit) run() (any, error) {
	account, task, slot := v.form.Get("account"), v.form.Get("task"), v.form.Get("slot")
	if task == "" || slot == "" {
		return nil, refuse("Which run? Its task and its slot are missing.")
	}
	item, session, err := v.occurrence(account, task, slot)
	if err != nil {
		return nil, err
	}
	run := item.Run
	p := &runPage{
		Item: item, Session: session, Mark: faces.MarkOf(item, v.now), Reason: faces.Why(item), Late: run.Late,
		Day:    address("./", "date", session.String(), "account", account),
		Task:   address("schedule", "task", task, "account", v.rowAccount(account, task)),
		Others: address("runs", "account", account, "task", task),
	}
	if p.Explanation, err = v.view.Explain(v.ctx, account, task, session); err != nil {
		p.Unexplained = err.Error()
	}
	p.Facts = v.factsOf(item, session)
	if len(run.Details) > 0 {
		var text strings.Builder
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false) // the template escapes it
		enc.SetIndent("", "  ")
		if err := enc.Encode(run.Details); err != nil {
			return nil, err
		}
		p.Details = text.String()
	}
	if err := v.findOverride(p); err != nil {
		return nil, err
	}
	started := !run.Started.IsZero() || run.Outcome.Open()
	if v.requests != nil {
		p.StandsFor = slot == session.String()
		p.CanTrigger = !started && !session.After(v.today()) && v.can(Trigger, account, task)
		p.CanCancel = run.Outcome == store.Running && v.can(Cancel, account, task)
	}
	return p, nil
}

// occurrence finds an occurrence in the history, or else in the plan of its session.
func (v *visit) occurrence(account, task, slot string) (item store.AgendaItem, session calendar.Date, err error) {
	// The account without a name is the first of all that have the slot.
	runs, err := v.view.Runs(v.ctx, store.Query{Account: account, Task: task, Slot: slot, Limit: 1})
	if err != nil {
		return item, session, err
	}
	if len(runs) == 1 && runs[0].Account == account {
		r := runs[0]
		return store.AgendaItem{Account: account, Task: task, Slot: slot, Due: r.Due, Offset: r.Offset, Run: r}, r.Session, nil
	}
	unknown := &failure{404, fmt.Sprintf("There is no run of %s in slot %s, and none is planned.", store.ScheduleKey{Task: task, Account: account}, slot)}
	if len(slot) < len("2026-11-23") || v.directory == nil {
		return item, session, unknown
	}
	if session, err = calendar.ParseDate(slot[:len("2026-11-23")]); err != nil {
		return item, session, unknown
	}
	q := view.PlanQuery{Account: account, Task: task, Limit: itemsOfDay}
	for {
		items, err := v.view.Plan(v.ctx, session, q)
		if err != nil {
			return item, session, err
		}
		for _, item := range items {
			if item.Account == account && item.Slot == slot {
				return item, session, nil
			}
		}
		if len(items) < itemsOfDay || items[len(items)-1].Account != account {
			return item, session, unknown
		}
		q.After = items[len(items)-1].Cursor()
	}
}

// rowAccount is the account of the row that holds for a task of an account.
func (v *visit) rowAccount(account, task string) string {
	rows, err := v.rows()
	if err == nil && slices.ContainsFunc(rows, func(r store.Schedule) bool { return r.Task == task && r.Account == account }) {
		return account
	}
	return ""
}

// factsOf lists what is known of an occurrence, without what is empty.
func (v *visit) factsOf(item store.AgendaItem, session calendar.Date) []fact {
	r := item.Run
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	through := ""
	if r.Count > 1 {
		through = fmt.Sprintf("%d occurrences, to %s", r.Count, v.clockOn(r.Through(), session))
	}
	manual := ""
	if r.Manual {
		manual = "by " + r.Actor
	}
	cal := r.Calendar
	if r.CalendarVersion != "" {
		cal += ", version " + r.CalendarVersion
	}
	var facts []fact
	for _, f := range []fact{
		{"Account", item.Account},
		{"Session", fmt.Sprintf("%v, %v", session, session.Weekday())},
		{"Slot", item.Slot},
		{"Due", v.dateTime(item.Due)},
		{"Stands for", through},
		{"Waits for", item.Awaits},
		{"Waits until", v.dateTime(item.Until)},
		{"Offset", length(item.Offset)},
		{"Started", v.exactTime(r.Started)},
		{"Late by", length(max(0, r.Lateness()))},
		{"Finished", v.exactTime(r.Finished)},
		{"Took", took(r)},
		{"Attempts", number(int64(r.Attempt))},
		{"Deadline", v.dateTime(r.Deadline)},
		{"May run again until", v.dateTime(r.RerunUntil)},
		{"Triggered", manual},
		{"Term", number(r.Term)},
		{"Decided by", cal},
		{"Row's version now", number(item.Version)},
		{"Run ID", store.RunID(v.name, item.Account, item.Task, item.Slot)},
	} {
		if f.Text != "" {
			facts = append(facts, f)
		}
	}
	return facts
}
