package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// mostTaken is how many requests a call of Take returns at most.
const mostTaken = 100

const requestColumns = `id, scheduler, kind, account, task, slot, session, for_today, forced, and_cancel,
	actor, reason, asked, expires, term, answer, answer_text, run_id, answered, move_to`

// Ask stores a request, or returns the one that is stored with its ID.
func (s *Store) Ask(ctx context.Context, r request.Request) (asked request.Request, err error) {
	if err := r.Validate(); err != nil {
		return request.Request{}, fmt.Errorf("ask: %w", err)
	}
	err = s.writeAgain(ctx, "ask", func(conn *sql.Conn) error {
		now, err := s.now(ctx, conn)
		if err != nil {
			return err
		}
		r = r.Filled(now) // with the ID by which a second try finds it
		err = s.exec(ctx, conn, `
			INSERT INTO tradeclock_requests (id, scheduler, kind, account, task, slot, session, for_today, forced, and_cancel, actor, reason, asked, expires, move_to)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO NOTHING`,
			r.ID, r.Scheduler, string(r.Kind), r.Account, r.Task, r.Slot, dateText(r.Session), bit(r.ForToday), bit(r.Force), bit(r.AndCancel),
			r.Actor, r.Reason, instantText(r.At), instantText(r.Expires), instantText(r.MoveTo))
		if err != nil {
			return err
		}
		found, err := s.requests(ctx, conn, "WHERE id = $1", r.ID)
		if err == nil && len(found) == 1 {
			asked = found[0]
		}
		return err
	})
	return asked, err
}

// Take returns the open requests, and marks them as taken by the term.
func (s *Store) Take(ctx context.Context, t store.Term) (taken []request.Request, err error) {
	open := fmt.Sprintf("WHERE scheduler = $1 AND answer = '' ORDER BY asked, id LIMIT %d", mostTaken)
	err = s.read(ctx, "look for requests", func(conn *sql.Conn) error {
		taken, err = s.requests(ctx, conn, open, t.Scheduler)
		return err
	})
	if err != nil || len(taken) == 0 {
		return nil, err // mostly: nothing is written, and no fence is asked
	}
	err = s.fenced(ctx, "take requests", t, func(conn *sql.Conn, _ ledgerRow) error {
		if taken, err = s.requests(ctx, conn, open, t.Scheduler); err != nil {
			return err
		}
		for _, r := range taken {
			if !r.Open() {
				if err := s.answer(ctx, conn, t, r); err != nil {
					return err
				}
			}
		}
		taken = slices.DeleteFunc(taken, func(r request.Request) bool { return !r.Open() })
		return s.exec(ctx, conn, `
			UPDATE tradeclock_requests SET term = $2
			WHERE id IN (SELECT id FROM tradeclock_requests `+open+`)`, t.Scheduler, t.Number)
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// Answer stores the answer of a request that has none.
func (s *Store) Answer(ctx context.Context, t store.Term, r request.Request) error {
	return s.fenced(ctx, "answer request "+r.ID, t, func(conn *sql.Conn, _ ledgerRow) error { return s.answer(ctx, conn, t, r) })
}

func (s *Store) answer(ctx context.Context, conn *sql.Conn, t store.Term, r request.Request) error {
	return s.exec(ctx, conn, `
		UPDATE tradeclock_requests SET answer = $1, answer_text = $2, run_id = $3, answered = $4
		WHERE id = $5 AND scheduler = $6 AND answer = ''`,
		string(r.Answer), r.Text, r.RunID, instantText(r.Answered), r.ID, t.Scheduler)
}

// Requests returns the selected requests, the newest first.
func (s *Store) Requests(ctx context.Context, q request.Query) (found []request.Request, err error) {
	var args []any
	terms := []string{"true"}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		terms = append(terms, condition)
	}
	if q.Scheduler != "" {
		add("scheduler = ?", q.Scheduler)
	}
	if q.ID != "" {
		add("id = ?", q.ID)
	}
	if q.Open {
		add("answer = ''")
	}
	if b := q.Before; b.ID != "" {
		add("(asked, id) < (?, ?)", instantText(b.At), b.ID)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = request.DefaultLimit
	}
	args = append(args, limit)
	clause := fmt.Sprintf("WHERE %s ORDER BY asked DESC, id DESC LIMIT $%d", strings.Join(terms, " AND "), len(args))
	err = s.read(ctx, "read requests", func(conn *sql.Conn) error {
		found, err = s.requests(ctx, conn, clause, args...)
		return err
	})
	return found, err
}

// requests reads the rows of a clause.
func (s *Store) requests(ctx context.Context, conn *sql.Conn, clause string, args ...any) (found []request.Request, err error) {
	scan := func(rows *sql.Rows) error {
		r, err := scanRequest(rows)
		found = append(found, r)
		return err
	}
	if err := s.each(ctx, conn, scan, "SELECT "+requestColumns+" FROM tradeclock_requests "+clause, args...); err != nil {
		return nil, err
	}
	return slices.Clip(found), nil
}

// scanRequest reads a row. One that somebody has edited to what cannot be used is refused,
// with the reason, and does not keep the others from being answered.
func scanRequest(rows *sql.Rows) (r request.Request, err error) {
	var kind, session, asked, expires, answer, answered, moveTo string
	var today, forced, cancels int
	err = rows.Scan(&r.ID, &r.Scheduler, &kind, &r.Account, &r.Task, &r.Slot, &session, &today, &forced, &cancels,
		&r.Actor, &r.Reason, &asked, &expires, &r.Term, &answer, &r.Text, &r.RunID, &answered, &moveTo)
	if err != nil {
		return r, err
	}
	r.Kind, r.Answer, r.ForToday, r.Force, r.AndCancel = request.Kind(kind), request.Answer(answer), today == 1, forced == 1, cancels == 1
	var errs []error
	read := func(column, text string, at *time.Time) {
		var err error
		if *at, err = parseInstant(text); err != nil {
			errs = append(errs, fmt.Errorf("column %s: %w", column, err))
		}
	}
	read("asked", asked, &r.At)
	read("expires", expires, &r.Expires)
	read("answered", answered, &r.Answered)
	read("move_to", moveTo, &r.MoveTo)
	if session != "" {
		if r.Session, err = calendar.ParseDate(session); err != nil {
			errs = append(errs, fmt.Errorf("column session: %w", err))
		}
	}
	if err := errors.Join(errs...); err != nil && r.Open() {
		r.Answer, r.Text = request.Refused, "its row cannot be used: "+strings.ReplaceAll(err.Error(), "\n", ", ")
	}
	return r, nil
}
