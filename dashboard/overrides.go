package dashboard

import (
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// overrideLine is somebody's word about one occurrence.
type overrideLine struct {
	store.Override
	Was, Instead, Address string
	CanRestore            bool
}

// overridesOn returns what people said of occurrences of a session.
func (v *visit) overridesOn(session calendar.Date) ([]overrideLine, error) {
	if v.overrides == nil {
		return nil, nil
	}
	found, err := v.overrides.Overrides(v.ctx, store.OverrideQuery{Scheduler: v.name, From: session, To: session})
	if err != nil {
		return nil, err
	}
	lines := make([]overrideLine, len(found))
	for i, o := range found {
		lines[i] = overrideLine{Override: o, Was: v.clockOn(o.Due, session), Instead: "skipped", Address: runAddress(o.Account, o.Task, o.Slot)}
		if !o.Skips() {
			lines[i].Instead = v.clockOn(o.At, session)
		}
		lines[i].CanRestore = v.requests != nil && v.can(Restore, o.Account, o.Task)
	}
	return lines, nil
}

// findOverride finds what people said of an occurrence, and what may still be said.
func (v *visit) findOverride(p *runPage) error {
	said, err := v.overridesOn(p.Session)
	if err != nil {
		return err
	}
	account, task := p.Item.Account, p.Item.Task
	for _, o := range said {
		mine := o.Account == account
		if o.Task == task && o.Slot == p.Item.Slot && (mine || o.Account == "" && p.Override == nil) {
			p.Override = &o
		}
	}
	isToCome := p.Item.Due.After(v.now) && (p.Item.Run.Outcome == store.NoOutcome || p.Item.Run.Outcome == store.Armed)
	if p.Override != nil {
		p.Override.CanRestore = p.Override.CanRestore && isToCome
	}
	if account == "" || !isToCome || v.overrides == nil || v.requests == nil { // without a name it would be about all
		return nil
	}
	p.CanSkip, p.CanMove = v.can(Skip, account, task), v.can(Move, account, task)
	return nil
}

// fillOverride reads from the form which occurrence a request is about, and when it is to run.
func (v *visit) fillOverride(r *request.Request) (err error) {
	if r.Account == "" && v.form.Get("whom") != "all" {
		return refuse("For whom? Name an account, or say that all are meant.")
	}
	if v.overrides == nil {
		return refuse("Occurrences of this service cannot be skipped or moved.")
	}
	if r.Session, err = v.date("session"); err != nil || r.Kind != request.Move {
		return err
	}
	wall, err := calendar.ParseWallTime(v.form.Get("to"))
	if err != nil {
		return refuse("to: %v", err)
	}
	rows, err := v.rows()
	if err != nil {
		return err
	}
	loc, err := faces.ZoneOf(rows, r.Account, r.Task, v.calendar.Name(), v.loc, v.findCalendar)
	if err != nil {
		return err
	}
	r.MoveTo = wall.On(r.Session, loc)
	return nil
}
