package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// Lead takes the scheduler's term, or renews it.
func (s *Store) Lead(ctx context.Context, scheduler, holder string, ttl time.Duration, trusted time.Time) (term store.Term, err error) {
	if holder == "" {
		return term, fmt.Errorf("lead %s: a holder needs a name", scheduler)
	}
	err = s.writeAgain(ctx, "lead "+scheduler, func(conn *sql.Conn) error {
		row, err := s.ensureLedger(ctx, conn, scheduler)
		if err != nil {
			return err
		}
		now, err := s.now(ctx, conn) // now that the row was waited for
		if err != nil {
			return err
		}
		granted, err := s.lastTerm(ctx, conn, scheduler)
		if err != nil {
			return err
		}
		if row.holder != holder || row.term != granted {
			if err := row.vacant(scheduler, holder, now); err != nil {
				return err
			}
			if err := s.exec(ctx, conn, dropEmpty, scheduler); err != nil {
				return err
			}
			row.term = max(row.term, granted) + 1
			if err := s.exec(ctx, conn, `
				INSERT INTO tradeclock_terms (scheduler, term, holder, taken_at, watermark) VALUES ($1, $2, $3, $4, $5)`,
				scheduler, row.term, holder, instantText(now), row.watermark); err != nil {
				return err
			}
		}
		term = store.Term{Scheduler: scheduler, Holder: holder, Number: row.term}
		if err := s.exec(ctx, conn, `
			UPDATE tradeclock_terms SET trusted_until = $1 WHERE scheduler = $2 AND term = $3 AND trusted_until < $1`,
			instantText(trusted), scheduler, row.term); err != nil {
			return err
		}
		return s.exec(ctx, conn, `
			UPDATE tradeclock_schedulers SET term = $1, holder = $2, expires_at = $3 WHERE scheduler = $4`,
			row.term, holder, instantText(now.Add(ttl)), scheduler)
	})
	if err != nil {
		return store.Term{}, err
	}
	return term, nil
}

// ensureLedger returns the row of a scheduler name, which it makes if there is
// none, and locks it.
func (s *Store) ensureLedger(ctx context.Context, conn *sql.Conn, scheduler string) (ledgerRow, error) {
	if err := s.exec(ctx, conn, `
		INSERT INTO tradeclock_schedulers (scheduler) VALUES ($1) ON CONFLICT (scheduler) DO NOTHING`, scheduler); err != nil {
		return ledgerRow{}, err
	}
	return s.ledgerRow(ctx, conn, lockLedger, scheduler)
}

// lastTerm returns the number of the last term that was granted. The row of the
// scheduler has it too, until somebody edits or deletes that by hand, and no number
// may be granted twice.
func (s *Store) lastTerm(ctx context.Context, conn *sql.Conn, scheduler string) (number int64, err error) {
	err = s.one(ctx, conn, "SELECT coalesce(max(term), 0) FROM tradeclock_terms WHERE scheduler = $1", scheduler).Scan(&number)
	return number, err
}

// vacant returns a *store.HeldError if the term of another holder still lasts.
func (r ledgerRow) vacant(scheduler, holder string, now time.Time) error {
	if r.holder == "" || r.holder == holder {
		return nil
	}
	expires, err := parseInstant(r.expiresAt)
	if err != nil {
		return err
	}
	left := expires.Sub(now)
	if left <= 0 {
		return nil
	}
	return &store.HeldError{
		Term: store.Term{Scheduler: scheduler, Holder: r.holder, Number: r.term},
		Left: left,
	}
}

// Resign ends the term at once, if it is the current one.
func (s *Store) Resign(ctx context.Context, t store.Term) error {
	return s.writeAgain(ctx, "resign", func(conn *sql.Conn) error {
		return s.exec(ctx, conn, `
			UPDATE tradeclock_schedulers SET holder = '', expires_at = ''
			WHERE scheduler = $1 AND term = $2 AND holder = $3`, t.Scheduler, t.Number, t.Holder)
	})
}

var (
	// The order of a CROSS JOIN is kept by SQLite, which would else read all runs of
	// the scheduler.
	selectUnsettled = "SELECT r." + strings.Join(readColumns, ", r.") + `
			FROM (
				SELECT DISTINCT scheduler, slot, task FROM tradeclock_tallies
				WHERE scheduler = $1 AND outcome ` + isOpen + ` AND runs <> 0) AS u
			CROSS JOIN tradeclock_runs AS r
			WHERE r.scheduler = u.scheduler AND r.slot = u.slot AND r.task = u.task
			  AND r.outcome ` + isOpen + ` AND r.term < $2
			ORDER BY r.due, r.account, r.task, r.slot`

	selectInterrupted = selectRuns + `
		WHERE scheduler = $1 AND rerun_until <> '' AND rerun_until > $2 AND outcome = 'interrupted'
		ORDER BY due, account, task, slot`

	selectAhead = selectRuns + `
		WHERE scheduler = $1 AND due > $2 AND NOT (outcome ` + isOpen + ` AND term < $3)
		UNION ALL ` + selectRuns + `
		WHERE scheduler = $1 AND through > $2 AND count > 1 AND due <= $2 AND NOT (outcome ` + isOpen + ` AND term < $3)
		ORDER BY due, account, task, slot`

	// The earliest instant from which an account is served that came back: mostly none
	// is left to be accounted for.
	selectReturned = "SELECT coalesce(min(served_from), '') FROM tradeclock_enrolments WHERE scheduler = $1 AND returned_at <> ''"

	// Their rows up to the watermark, from that instant on.
	selectAheadOfReturned = "SELECT r." + strings.Join(readColumns, ", r.") + `
			FROM tradeclock_runs AS r CROSS JOIN tradeclock_enrolments AS e
			WHERE r.scheduler = $1 AND r.due > $2 AND r.due <= $3 AND r.through <= $3 AND ` + ofReturned + `
			UNION ALL SELECT r.` + strings.Join(readColumns, ", r.") + `
			FROM tradeclock_runs AS r CROSS JOIN tradeclock_enrolments AS e
			WHERE r.scheduler = $1 AND r.count > 1 AND r.through > $2 AND r.through <= $3 AND r.due <= $2 AND ` + ofReturned

	ofReturned = `e.scheduler = r.scheduler AND e.account = r.account AND e.returned_at <> '' AND r.through > e.served_from
			  AND NOT (r.outcome ` + isOpen + ` AND r.term < $4)`
)

// Resume returns what the holder of a new term starts from. It locks nothing: no
// older term can write any more, and what this one sees is of one moment.
func (s *Store) Resume(ctx context.Context, t store.Term) (state store.State, err error) {
	err = s.read(ctx, "resume "+t.Scheduler, func(conn *sql.Conn) error {
		row, err := s.fence(ctx, conn, selectLedger, t)
		if err != nil {
			return err
		}
		if state.Watermark, err = parseInstant(row.watermark); err != nil {
			return err
		}
		if state.Enrolments, err = s.enrolments(ctx, conn, t.Scheduler); err != nil {
			return err
		}
		if state.Unsettled, err = s.runs(ctx, conn, selectUnsettled, t.Scheduler, t.Number); err != nil {
			return err
		}
		if state.Trusted, err = s.trusted(ctx, conn, t.Scheduler, state.Unsettled); err != nil {
			return err
		}
		if state.Interrupted, err = s.runs(ctx, conn, selectInterrupted, t.Scheduler, row.watermark); err != nil {
			return err
		}
		state.Ahead, err = s.ahead(ctx, conn, t, row.watermark)
		return err
	})
	if err != nil {
		return store.State{}, err
	}
	return state, nil
}

// trusted returns until when the terms of some runs were trusted, as far as that is known.
func (s *Store) trusted(ctx context.Context, conn *sql.Conn, scheduler string, runs []store.Run) (map[int64]time.Time, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	from, to := runs[0].Term, runs[0].Term
	for _, r := range runs {
		from, to = min(from, r.Term), max(to, r.Term)
	}
	known := make(map[int64]time.Time)
	scan := func(rows *sql.Rows) error {
		var term int64
		var until string
		if err := rows.Scan(&term, &until); err != nil {
			return err
		}
		var p parser
		known[term] = p.instant(until)
		return p.err
	}
	err := s.each(ctx, conn, scan, `
		SELECT term, trusted_until FROM tradeclock_terms
		WHERE scheduler = $1 AND term BETWEEN $2 AND $3 AND trusted_until <> ''`, scheduler, from, to)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	maps.DeleteFunc(known, func(term int64, _ time.Time) bool {
		return !slices.ContainsFunc(runs, func(r store.Run) bool { return r.Term == term })
	})
	return known, nil
}

// ahead returns what is accounted for already of what is to be planned.
func (s *Store) ahead(ctx context.Context, conn *sql.Conn, t store.Term, watermark string) ([]store.Run, error) {
	ahead, err := s.runs(ctx, conn, selectAhead, t.Scheduler, watermark, t.Number)
	if err != nil {
		return nil, err
	}
	var from string
	if err := s.one(ctx, conn, selectReturned, t.Scheduler).Scan(&from); err != nil || from == "" {
		return ahead, err
	}
	behind, err := s.runs(ctx, conn, selectAheadOfReturned, t.Scheduler, from, watermark, t.Number)
	return append(behind, ahead...), err
}

// enrolments returns all accounts. The term that enrolled an account last served
// it until the next one began, which noted the watermark of that moment.
func (s *Store) enrolments(ctx context.Context, conn *sql.Conn, scheduler string) (all []store.Enrolment, err error) {
	scan := func(rows *sql.Rows) error {
		var account, from, withdrawn, returned, served string
		if err := rows.Scan(&account, &from, &withdrawn, &returned, &served); err != nil {
			return err
		}
		if withdrawn == "" && returned == "" {
			from = max(from, served)
		}
		var p parser
		all = append(all, store.Enrolment{
			Account: account, From: p.instant(from), Withdrawn: p.instant(withdrawn), Returned: p.instant(returned),
		})
		return p.err
	}
	err = s.each(ctx, conn, scan, `
		SELECT e.account, e.served_from, e.withdrawn_at, e.returned_at, coalesce(t.watermark, s.watermark)
		FROM tradeclock_enrolments AS e
		JOIN tradeclock_schedulers AS s ON s.scheduler = e.scheduler
		LEFT JOIN tradeclock_terms AS t ON t.scheduler = e.scheduler AND t.term = e.term + 1
		WHERE e.scheduler = $1 ORDER BY e.account`, scheduler)
	return all, err
}

// Enroll notes that the term serves accounts.
func (s *Store) Enroll(ctx context.Context, t store.Term, accounts []store.Enrolment) error {
	type enrolment struct {
		Account   string `json:"account"`
		From      string `json:"served_from"`
		Withdrawn string `json:"withdrawn_at"`
		Returned  string `json:"returned_at"`
	}
	batch := make([]enrolment, len(accounts))
	for i, a := range accounts {
		batch[i] = enrolment{a.Account, instantText(a.From), instantText(a.Withdrawn), instantText(a.Returned)}
	}
	text, err := jsonText(batch)
	if err != nil {
		return err
	}
	return s.fenced(ctx, "enroll", t, func(conn *sql.Conn, _ ledgerRow) error {
		return s.exec(ctx, conn, `
			WITH batch AS MATERIALIZED ({elements $1 account served_from withdrawn_at returned_at})
			INSERT INTO tradeclock_enrolments (scheduler, account, term, served_from, withdrawn_at, returned_at)
			SELECT $2, account, $3, served_from, withdrawn_at, returned_at FROM batch WHERE true
			ON CONFLICT (scheduler, account) DO UPDATE
			SET term = excluded.term, served_from = excluded.served_from,
			    withdrawn_at = excluded.withdrawn_at, returned_at = excluded.returned_at`,
			text, t.Scheduler, t.Number)
	})
}

// Withdraw notes that an account is not served any more.
func (s *Store) Withdraw(ctx context.Context, t store.Term, gone store.Enrolment) error {
	return s.fenced(ctx, "withdraw "+gone.Account, t, func(conn *sql.Conn, _ ledgerRow) error {
		return s.exec(ctx, conn, `
			UPDATE tradeclock_enrolments SET served_from = $1, withdrawn_at = $2, returned_at = ''
			WHERE scheduler = $3 AND account = $4`,
			instantText(gone.From), instantText(gone.Withdrawn), t.Scheduler, gone.Account)
	})
}
