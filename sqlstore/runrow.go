package sqlstore

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// runRow is a row of tradeclock_runs.
type runRow struct {
	ownColumns
	Scheduler       string `json:"scheduler"`
	Task            string `json:"task"`
	Slot            string `json:"slot"`
	Session         string `json:"session"`
	Due             string `json:"due"`
	Through         string `json:"through"`
	LastSlot        string `json:"last_slot"`
	Count           int    `json:"count"`
	Outcome         string `json:"outcome"`
	Reason          string `json:"reason"`
	Attempt         int    `json:"attempt"`
	Deadline        string `json:"deadline"`
	Term            int64  `json:"term"`
	First           int    `json:"first"`
	Resumed         int    `json:"resumed"`
	Repeating       int    `json:"repeating"`
	Manual          int    `json:"manual"`
	Actor           string `json:"actor"`
	Backdated       int    `json:"backdated"`
	Calendar        string `json:"calendar"`
	CalendarVersion string `json:"calendar_version"`
	Details         string `json:"details"`
	RerunUntil      string `json:"rerun_until"`

	Class string `json:"-"` // of Reason

	lateOutcome, lateReason, lateFinished string
}

// The columns of tradeclock_runs that a batch sets. First and resumed are told
// from the other rows.
var (
	runColumns = []string{
		"id", "scheduler", "account", "task", "slot", "session", "due", "start_offset", "through", "last_slot", "count",
		"outcome", "reason", "started", "finished", "attempt", "deadline", "term", "token",
		"repeating", "manual", "actor", "backdated", "calendar", "calendar_version", "details", "rerun_until",
	}
	numbers = map[string]bool{
		"n": true, "part": true, "runs": true, "first": true,
		"occurrences": true, "lateness": true, "count": true, "attempt": true, "term": true, "repeating": true, "manual": true, "backdated": true,
	}
)

// readColumns are what scanRun scans, and selectRuns reads them.
var (
	readColumns = append(slices.Clone(runColumns), "first", "resumed", "late_outcome", "late_reason", "late_finished")
	selectRuns  = "SELECT " + strings.Join(readColumns, ", ") + " FROM tradeclock_runs "
)

func scanRun(rows *sql.Rows) (store.Run, error) {
	var r runRow
	err := rows.Scan(
		&r.ID, &r.Scheduler, &r.Account, &r.Task, &r.Slot, &r.Session, &r.Due, &r.StartOffset, &r.Through, &r.LastSlot, &r.Count,
		&r.Outcome, &r.Reason, &r.Started, &r.Finished, &r.Attempt, &r.Deadline, &r.Term, &r.Token,
		&r.Repeating, &r.Manual, &r.Actor, &r.Backdated, &r.Calendar, &r.CalendarVersion, &r.Details, &r.RerunUntil,
		&r.First, &r.Resumed, &r.lateOutcome, &r.lateReason, &r.lateFinished,
	)
	if err != nil {
		return store.Run{}, err
	}
	run, err := r.run()
	if err != nil {
		return store.Run{}, fmt.Errorf("row %s of tradeclock_runs: %w", r.ID, err)
	}
	return run, nil
}

// rowOf returns the row of a run, whose key is the scheduler's name and what the
// run says.
func rowOf(scheduler string, run *store.Run) runRow {
	due := instantText(run.Due)
	through := due
	if !run.LastDue.IsZero() {
		through = instantText(run.LastDue)
	}
	row := runRow{
		ownColumns: ownColumns{
			ID:          store.RunID(scheduler, run.Account, run.Task, run.Slot),
			Account:     run.Account,
			StartOffset: durationText(run.Offset),
			Started:     instantText(run.Started),
			Finished:    instantText(run.Finished),
			Token:       run.Token,
		},
		Scheduler:       scheduler,
		Task:            run.Task,
		Slot:            run.Slot,
		Session:         dateText(run.Session),
		Due:             due,
		Through:         through,
		LastSlot:        run.LastSlot,
		Count:           run.Count,
		Outcome:         run.Outcome.String(),
		Reason:          plainText(run.Reason),
		Attempt:         run.Attempt,
		Deadline:        instantText(run.Deadline),
		Term:            run.Term,
		First:           bit(run.First),
		Repeating:       bit(run.Repeating),
		Manual:          bit(run.Manual),
		Actor:           plainText(run.Actor),
		Backdated:       bit(run.Backdated),
		Calendar:        run.Calendar,
		CalendarVersion: run.CalendarVersion,
		Details:         detailsText(run.Details),
		RerunUntil:      instantText(run.RerunUntil),
	}
	row.tell(run)
	return row
}

// rowsByID returns the rows by their ids.
func rowsByID(rows []runRow) map[string]*runRow {
	byID := make(map[string]*runRow, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	return byID
}

// values returns those of runColumns that are not in ownNames, in their order.
func (r *runRow) values() []any {
	return []any{
		r.Scheduler, r.Task, r.Slot, r.Session, r.Due, r.Through, r.LastSlot, r.Count, r.Outcome, r.Reason, r.Attempt,
		r.Deadline, r.Term, r.Repeating, r.Manual, r.Actor, r.Backdated, r.Calendar, r.CalendarVersion, r.Details, r.RerunUntil,
	}
}

func (r *runRow) run() (store.Run, error) {
	run := store.Run{
		ID:              r.ID,
		Scheduler:       r.Scheduler,
		Account:         r.Account,
		Task:            r.Task,
		Slot:            r.Slot,
		LastSlot:        r.LastSlot,
		Count:           r.Count,
		Reason:          r.Reason,
		Attempt:         r.Attempt,
		Term:            r.Term,
		Token:           r.Token,
		First:           r.First == 1,
		Resumed:         r.Resumed == 1,
		Repeating:       r.Repeating == 1,
		Manual:          r.Manual == 1,
		Actor:           r.Actor,
		Backdated:       r.Backdated == 1,
		Calendar:        r.Calendar,
		CalendarVersion: r.CalendarVersion,
	}
	var p parser
	run.Outcome = p.outcome(r.Outcome)
	run.Due = p.instant(r.Due)
	run.Offset = p.duration(r.StartOffset)
	run.Started = p.instant(r.Started)
	run.Finished = p.instant(r.Finished)
	run.Deadline = p.instant(r.Deadline)
	run.RerunUntil = p.instant(r.RerunUntil)
	if r.Through != r.Due {
		run.LastDue = p.instant(r.Through)
	}
	if r.lateOutcome != "" {
		run.Late = &store.LateOutcome{
			Outcome:  p.outcome(r.lateOutcome),
			Reason:   r.lateReason,
			Finished: p.instant(r.lateFinished),
		}
	}
	p.keep(run.Session.UnmarshalText([]byte(r.Session)))
	if r.Details != "" {
		p.keep(json.Unmarshal([]byte(r.Details), &run.Details))
	}
	return run, p.err
}

// parser reads the texts of a row, and keeps all that is wrong with them.
type parser struct{ err error }

func (p *parser) keep(err error) { p.err = errors.Join(p.err, err) }

func (p *parser) instant(text string) time.Time {
	t, err := parseInstant(text)
	p.keep(err)
	return t
}

func (p *parser) duration(text string) time.Duration {
	d, err := parseDuration(text)
	p.keep(err)
	return d
}

func (p *parser) outcome(text string) store.Outcome {
	o, err := store.ParseOutcome(text)
	p.keep(err)
	return o
}

func dateText(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// detailsText returns details as JSON. Of a value that JSON cannot express, the type
// is stored and what is wrong: an outcome must not be lost to a detail of it, and Go
// prints a value that contains itself until the process ends.
func detailsText(details map[string]any) string {
	if len(details) == 0 {
		return ""
	}
	if text, err := json.Marshal(details); err == nil {
		return string(text)
	}
	printable := make(map[string]any, len(details))
	for key, value := range details {
		if _, err := json.Marshal(value); err != nil {
			value = fmt.Sprintf("%T: %v", value, err)
		}
		printable[key] = value
	}
	text, _ := json.Marshal(printable) // each value was tried
	return string(text)
}
