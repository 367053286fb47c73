package desk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
)

// Picks keeps the candidates of each session, so that buy_orders has them after a
// restart, in another replica too, and never takes those of another day.
type Picks struct{ db *sql.DB }

const table = `
	CREATE TABLE IF NOT EXISTS desk_candidates (
		account TEXT NOT NULL,
		session TEXT NOT NULL,
		chosen  TEXT NOT NULL, -- a JSON array, the best first
		PRIMARY KEY (account, session)
	)`

// OpenPicks returns the candidates in db, which is SQLite or PostgreSQL, and makes
// their table if it is not there.
func OpenPicks(ctx context.Context, db *sql.DB) (*Picks, error) {
	_, err := db.ExecContext(ctx, table)
	if err != nil {
		_, err = db.ExecContext(ctx, table) // of two that make it at once, PostgreSQL fails one
	}
	if err != nil {
		return nil, fmt.Errorf("make the table of candidates: %w", err)
	}
	return &Picks{db}, nil
}

// store replaces the candidates of an account's session.
func (p *Picks) store(ctx context.Context, account string, session calendar.Date, chosen []candidate) error {
	text, err := json.Marshal(chosen)
	if err != nil {
		return err
	}
	_, err = p.db.ExecContext(ctx, `
		INSERT INTO desk_candidates (account, session, chosen) VALUES ($1, $2, $3)
		ON CONFLICT (account, session) DO UPDATE SET chosen = excluded.chosen`, account, session.String(), string(text))
	if err != nil {
		return fmt.Errorf("store candidates: %w", err)
	}
	return nil
}

// load returns the candidates of an account's session, the best first.
func (p *Picks) load(ctx context.Context, account string, session calendar.Date) (chosen []candidate, err error) {
	var text string
	err = p.db.QueryRowContext(ctx, `SELECT chosen FROM desk_candidates WHERE account = $1 AND session = $2`, account, session.String()).
		Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &chosen)
	}
	if err != nil {
		return nil, fmt.Errorf("load candidates: %w", err)
	}
	return chosen, nil
}
