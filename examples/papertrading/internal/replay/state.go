package replay

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// State is how far a session was replayed.
type State struct {
	Session  calendar.Date
	At       time.Time
	Finished bool
}

// Log keeps the states of sessions, so that a second run continues.
type Log struct{ db *sql.DB }

// OpenLog returns the log in db, and makes its table if it is not there.
func OpenLog(ctx context.Context, db *sql.DB) (*Log, error) {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS paper_replay (
			session  TEXT PRIMARY KEY,
			at       TEXT NOT NULL,
			finished INTEGER NOT NULL
		) STRICT`)
	if err != nil {
		return nil, fmt.Errorf("make the table of replays: %w", err)
	}
	return &Log{db}, nil
}

// Last returns the state of the last session, and false if there is none.
func (l *Log) Last(ctx context.Context) (State, bool, error) {
	var s State
	var session, at string
	err := l.db.QueryRowContext(ctx, `SELECT session, at, finished FROM paper_replay ORDER BY session DESC LIMIT 1`).
		Scan(&session, &at, &s.Finished)
	if errors.Is(err, sql.ErrNoRows) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, fmt.Errorf("read the last replay: %w", err)
	}
	var errs [2]error
	s.Session, errs[0] = calendar.ParseDate(session)
	s.At, errs[1] = time.Parse(time.RFC3339, at)
	return s, true, errors.Join(errs[:]...)
}

// Save keeps a session's state.
func (l *Log) Save(ctx context.Context, s State) error {
	_, err := l.db.ExecContext(ctx, `
		INSERT INTO paper_replay (session, at, finished) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET at = excluded.at, finished = excluded.finished`,
		s.Session.String(), s.At.UTC().Format(time.RFC3339), s.Finished)
	if err != nil {
		return fmt.Errorf("save the replay's state: %w", err)
	}
	return nil
}
