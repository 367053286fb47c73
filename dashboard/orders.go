package dashboard

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// haltsPage has the halts that are in force, and the forms.
type haltsPage struct {
	Halts     []haltLine
	Account   string // for the form
	CanHalt   bool
	CanCancel bool
	Done      string
}

type haltLine struct {
	store.Halt
	Since   string
	CanLift bool
}

func (v *visit) haltsInForce() (any, error) {
	halts, err := v.halts.Halts(v.ctx, v.name)
	if err != nil {
		return nil, err
	}
	p := &haltsPage{Account: v.form.Get("account"), Done: v.form.Get("done")}
	p.CanHalt = v.can(Halt, p.Account, "")
	p.CanCancel = v.requests != nil && v.can(Cancel, p.Account, "")
	for _, h := range halts {
		p.Halts = append(p.Halts, haltLine{h, v.dateTime(h.At), v.can(Lift, h.Account, "")})
	}
	return p, nil
}

// order puts a halt in force, or lifts one.
func (v *visit) order() (answer, error) {
	account, reason := v.form.Get("account"), strings.TrimSpace(v.form.Get("reason"))
	if account == "" && v.form.Get("whom") != "all" {
		return answer{}, refuse("For whom? Name an account, or say that all are meant.")
	}
	if account != "" && v.form.Get("whom") == "all" {
		return answer{}, refuse("For an account, or for all?")
	}
	h := store.Halt{Scheduler: v.name, Account: account, Reason: reason, At: v.now.UTC()}
	switch v.form.Get("do") {
	case "halt":
		return v.halt(h)
	case "lift":
		return v.lift(h)
	}
	return answer{}, refuse("What is to be done? It is neither halt nor lift.")
}

func (v *visit) halt(h store.Halt) (answer, error) {
	var err error
	if h.Actor, err = v.may(Action{Halt, h.Account, ""}); err != nil {
		return answer{}, err
	}
	if h.Reason == "" {
		return answer{}, refuse("A halt says why.")
	}
	ends := v.form.Get("cancel") != "" && v.requests != nil
	if ends {
		if _, err := v.may(Action{Cancel, h.Account, ""}); err != nil {
			return answer{}, err
		}
	}
	if err := v.halts.Halt(v.ctx, h); err != nil {
		return answer{}, err
	}
	v.log.Warn("halted", "actor", h.Actor, "account", h.Account, "reason", h.Reason)
	if ends { // what starts is stopped already
		return v.send(request.Request{Kind: request.Cancel, Account: h.Account, Reason: h.Reason, Actor: h.Actor})
	}
	return answer{to: address("halts", "done", "halted")}, nil
}

func (v *visit) lift(h store.Halt) (answer, error) {
	var err error
	if h.Actor, err = v.may(Action{Lift, h.Account, ""}); err != nil {
		return answer{}, err
	}
	if err := v.halts.Lift(v.ctx, h); err != nil {
		return answer{}, err
	}
	v.log.Warn("lifted", "actor", h.Actor, "account", h.Account, "reason", h.Reason)
	return answer{to: address("halts", "done", "lifted")}, nil
}

// requestsPage has what was asked, and the forms.
type requestsPage struct {
	Requests      []requestLine
	Next          string
	CanTrigger    bool
	CanCancel     bool
	Account, Task string // for the forms
	Today         calendar.Date
	ID            string // the one that was asked just now
}

type requestLine struct {
	request.Request
	At, Answered, Answer, What string
	Mine                       bool
}

const requestsShown = 50

func (v *visit) asked() (any, error) {
	p := &requestsPage{Account: v.form.Get("account"), Task: v.form.Get("task"), Today: v.today(), ID: v.form.Get("id")}
	p.CanTrigger, p.CanCancel = v.can(Trigger, p.Account, p.Task), v.can(Cancel, p.Account, p.Task)
	q := request.Query{Scheduler: v.name, Limit: requestsShown}
	if before := v.form.Get("before"); before != "" {
		found, err := v.requests.Requests(v.ctx, request.Query{Scheduler: v.name, ID: before})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, refuse("before: there is no such request")
		}
		q.Before = found[0]
	}
	found, err := v.requests.Requests(v.ctx, q)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		p.Requests = append(p.Requests, requestLine{r, v.dateTime(r.At), v.dateTime(r.Answered), answerOf(r), v.whatOf(r), r.ID == p.ID})
	}
	if len(found) == requestsShown {
		p.Next = address("requests", "before", found[requestsShown-1].ID)
	}
	return p, nil
}

func answerOf(r request.Request) string {
	if r.Open() {
		return "open"
	}
	return string(r.Answer)
}

// whatOf says what is asked beside the kind.
func (v *visit) whatOf(r request.Request) string {
	var parts []string
	add := func(part string, said bool) {
		if said {
			parts = append(parts, part)
		}
	}
	add("for today", r.ForToday)
	add("for the session of "+r.Session.String(), !r.Session.IsZero())
	add("slot "+r.Slot, r.Slot != "")
	add("to "+v.dateTime(r.MoveTo), !r.MoveTo.IsZero())
	add("on any day", r.Force)
	add("and end what runs", r.AndCancel)
	return strings.Join(parts, ", ")
}

// ask asks the active process to run a task, to end what runs, or to override an occurrence.
func (v *visit) ask() (answer, error) {
	r := request.Request{
		Account: v.form.Get("account"), Task: strings.TrimSpace(v.form.Get("task")), Slot: v.form.Get("slot"),
		Reason: strings.TrimSpace(v.form.Get("reason")), Force: v.form.Get("force") != "",
	}
	verb := Trigger
	var err error
	switch r.Kind = request.Kind(v.form.Get("kind")); r.Kind {
	case request.Skip, request.Move, request.Restore:
		if err := v.fillOverride(&r); err != nil {
			return answer{}, err
		}
		verb = Verb(r.Kind)
	case request.Trigger:
		switch v.form.Get("for") {
		case "today":
			r.ForToday = true
		case "session":
			date, err := v.date("session")
			if err != nil {
				return answer{}, err
			}
			r.Session = date
		}
		if r.Slot != "" {
			return answer{}, refuse("A run is triggered for a session, and not for a slot.")
		}
	case request.Cancel:
		verb = Cancel
		if r.Account == "" && v.form.Get("whom") != "all" {
			return answer{}, refuse("For whom? Name an account, or say that all are meant.")
		}
	default:
		return answer{}, refuse("What is asked? It is none of the orders of this page.")
	}
	if r.Actor, err = v.may(Action{verb, r.Account, r.Task}); err != nil {
		return answer{}, err
	}
	return v.send(r)
}

func (v *visit) send(r request.Request) (answer, error) {
	r.Scheduler = v.name
	if err := r.Validate(); err != nil {
		return answer{}, &failure{http.StatusUnprocessableEntity, err.Error()}
	}
	stored, err := v.requests.Ask(v.ctx, r)
	if err != nil {
		return answer{}, err
	}
	v.log.Info("asked", "kind", r.Kind, "actor", r.Actor, "task", r.Task, "account", r.Account, "id", stored.ID)
	return answer{to: address("requests", "id", stored.ID)}, nil
}

// auditPage is a page of what people did, the newest first.
type auditPage struct {
	Entries []auditLine
	Next    string
}

type auditLine struct {
	store.AuditEntry
	When, Then string
	Fields     []store.FieldChange // of an edit
}

const auditShown = 200

func (v *visit) audit() (any, error) {
	before, err := strconv.ParseInt(cmp.Or(v.form.Get("before"), "0"), 10, 64)
	if err != nil || before < 0 {
		return nil, refuse("before: want a number")
	}
	entries, err := v.auditor.Audit(v.ctx, store.AuditQuery{Scheduler: v.name, Before: before, Limit: auditShown})
	if err != nil {
		return nil, err
	}
	p := new(auditPage)
	for _, e := range entries {
		p.Entries = append(p.Entries, auditLine{e, v.dateTime(e.At), v.dateTime(e.To), e.Changed()})
	}
	if len(entries) == auditShown {
		p.Next = address("audit", "before", strconv.FormatInt(entries[len(entries)-1].ID, 10))
	}
	return p, nil
}
