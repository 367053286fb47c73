package desk

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
)

// picks keeps the candidates of each session, so that buy_orders has them after a
// restart and never takes those of another day.
type picks struct{ db *sql.DB }

func openPicks(ctx context.Context, db *sql.DB) (*picks, error) {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS paper_candidate (
			account TEXT NOT NULL,
			session TEXT NOT NULL,
			rank    INTEGER NOT NULL,
			symbol  TEXT NOT NULL,
			price   INTEGER NOT NULL,
			PRIMARY KEY (account, session, rank)
		) STRICT`)
	if err != nil {
		return nil, fmt.Errorf("make the table of candidates: %w", err)
	}
	return &picks{db}, nil
}

// store replaces the candidates of an account's session.
func (p *picks) store(ctx context.Context, account string, session calendar.Date, candidates []candidate) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store candidates: %w", err)
	}
	defer tx.Rollback() // does nothing after the commit
	_, err = tx.ExecContext(ctx, `DELETE FROM paper_candidate WHERE account = ? AND session = ?`, account, session.String())
	if err != nil {
		return fmt.Errorf("store candidates: %w", err)
	}
	for i, c := range candidates {
		_, err := tx.ExecContext(ctx, `INSERT INTO paper_candidate (account, session, rank, symbol, price) VALUES (?, ?, ?, ?, ?)`,
			account, session.String(), i+1, c.Symbol, c.Price)
		if err != nil {
			return fmt.Errorf("store candidate %s: %w", c.Symbol, err)
		}
	}
	return tx.Commit()
}

// load returns the candidates of an account's session, the best first.
func (p *picks) load(ctx context.Context, account string, session calendar.Date) ([]candidate, error) {
	rows, err := p.db.QueryContext(ctx, `
		SELECT symbol, price FROM paper_candidate WHERE account = ? AND session = ? ORDER BY rank`, account, session.String())
	if err != nil {
		return nil, fmt.Errorf("load candidates: %w", err)
	}
	defer rows.Close()
	var candidates []candidate
	for rows.Next() {
		var c candidate
		if err := rows.Scan(&c.Symbol, &c.Price); err != nil {
			return nil, fmt.Errorf("load candidates: %w", err)
		}
		candidates = append(candidates, c)
	}
	return candidates, rows.Err()
}
