package dashboard

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/monitor"
	"github.com/tradeclock/tradeclock/store"
)

// accountsPage is a page of the accounts.
type accountsPage struct {
	Query    string
	Accounts []accountLine
	Next     string
	First    bool
}

type accountLine struct {
	Account, State, From, Withdrawn, Halted, Day, Runs string
	Served                                             bool
}

const accountsShown = 100

func (v *visit) accounts() (any, error) {
	p := &accountsPage{Query: v.form.Get("q"), First: v.form.Get("after") == ""}
	found, err := v.directory.Enrolments(v.ctx, store.EnrolmentQuery{Scheduler: v.name, Prefix: p.Query, After: v.form.Get("after"), Limit: accountsShown})
	if err != nil {
		return nil, err
	}
	term, err := faces.TermOf(v.ctx, v.directory, v.name)
	if err != nil {
		return nil, err
	}
	var halts []store.Halt
	if v.halts != nil {
		if halts, err = v.halts.Halts(v.ctx, v.name); err != nil {
			return nil, err
		}
	}
	for _, e := range found {
		l := accountLine{
			Account: e.Account, State: faces.StateOf(e, term), From: v.dateTime(e.From), Withdrawn: v.dateTime(e.Withdrawn),
			Day: address("./", "account", e.Account), Runs: address("runs", "account", e.Account),
		}
		l.Served = l.State == faces.Served
		if h, halted := faces.HaltOf(halts, e.Account); halted {
			l.Halted = clipped(fmt.Sprintf("by %s: %s", h.Actor, h.Reason))
		}
		p.Accounts = append(p.Accounts, l)
	}
	if len(found) == accountsShown {
		p.Next = address("accounts", "q", p.Query, "after", found[accountsShown-1].Account)
	}
	return p, nil
}

// instancesPage has the instances and the term.
type instancesPage struct {
	Instances []instanceLine
	NotKept   bool // no heartbeats are
	Term      *termLine
}

type instanceLine struct {
	monitor.Instance
	Good            bool
	Age, Tick, Next string
	Running         []runningLine
}

type runningLine struct {
	Account, Task, Age, Address string
	Overdue                     bool
}

type termLine struct {
	Number                   int64
	Holder, Until, Watermark string
	Held                     bool
}

func (v *visit) instances() (any, error) {
	p := &instancesPage{NotKept: v.cfg.Heartbeats == nil}
	if v.directory != nil {
		state, err := faces.TermOf(v.ctx, v.directory, v.name)
		if err != nil {
			return nil, err
		}
		p.Term = &termLine{state.Term.Number, state.Term.Holder, v.dateTime(state.Expires), v.dateTime(state.Watermark), state.Held()}
	}
	if p.NotKept {
		return p, nil
	}
	_, instances, err := monitor.Monitor{Reader: v.cfg.Heartbeats}.Check(v.ctx, v.name)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		h := i.Heartbeat
		l := instanceLine{
			Instance: i, Good: i.Liveness >= monitor.Standby && i.Liveness != monitor.Wedged, Age: h.Age.Round(time.Second).String(),
			Tick: v.dateTime(h.LastTick), Next: v.dateTime(h.Next),
		}
		for _, r := range h.Running {
			l.Running = append(l.Running, runningLine{r.Account, r.Task, r.Age.Round(time.Second).String(), runAddress(r.Account, r.Task, r.Slot), r.Overdue})
		}
		p.Instances = append(p.Instances, l)
	}
	return p, nil
}
