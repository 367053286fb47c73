package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// runningRow is a running task as the heartbeats table has it.
type runningRow struct {
	Account string    `json:"account"`
	Task    string    `json:"task"`
	Slot    string    `json:"slot"`
	Started time.Time `json:"started"`
	Age     string    `json:"age"`
	Overdue bool      `json:"overdue"`
}

// Beat keeps the heartbeat as the last one of its instance.
func (s *Store) Beat(ctx context.Context, hb store.Heartbeat) error {
	running := make([]runningRow, len(hb.Running))
	for i, r := range hb.Running {
		running[i] = runningRow{r.Account, r.Task, r.Slot, r.Started.UTC(), durationText(r.Age), r.Overdue}
	}
	runningText, err := json.Marshal(running)
	if err != nil {
		return err
	}
	degraded, err := json.Marshal(hb.Degraded)
	if err != nil {
		return err
	}
	return s.writeAgain(ctx, "beat", func(conn *sql.Conn) error {
		now, err := s.now(ctx, conn)
		if err != nil {
			return err
		}
		return s.exec(ctx, conn, `
			INSERT INTO tradeclock_heartbeats
				(scheduler, instance, received_at, at, term, state, degraded, last_tick, running, next_due)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (scheduler, instance) DO UPDATE
			SET received_at = excluded.received_at, at = excluded.at, term = excluded.term, state = excluded.state,
			    degraded = excluded.degraded, last_tick = excluded.last_tick, running = excluded.running,
			    next_due = excluded.next_due`,
			hb.Scheduler, hb.Instance, instantText(now), instantText(hb.At), hb.Term, hb.State.String(),
			string(degraded), instantText(hb.LastTick), string(runningText), instantText(hb.Next))
	})
}

// Heartbeats returns the last heartbeat of each instance of the scheduler, the
// newest first.
func (s *Store) Heartbeats(ctx context.Context, scheduler string) (beats []store.ReceivedHeartbeat, err error) {
	var now time.Time
	scan := func(rows *sql.Rows) error {
		beat, err := scanBeat(rows, now)
		beat.Scheduler = scheduler
		beats = append(beats, beat)
		return err
	}
	err = s.read(ctx, "read heartbeats", func(conn *sql.Conn) error {
		beats = nil
		if now, err = s.now(ctx, conn); err != nil {
			return err
		}
		return s.each(ctx, conn, scan, `
			SELECT instance, received_at, at, term, state, degraded, last_tick, running, next_due
			FROM tradeclock_heartbeats WHERE scheduler = $1 ORDER BY received_at DESC, instance`, scheduler)
	})
	if err != nil {
		return nil, err
	}
	return beats, nil
}

func scanBeat(rows *sql.Rows, now time.Time) (beat store.ReceivedHeartbeat, err error) {
	var received, at, state, lastTick, next string
	var degraded, running []byte
	if err := rows.Scan(&beat.Instance, &received, &at, &beat.Term, &state, &degraded, &lastTick, &running, &next); err != nil {
		return beat, err
	}
	var p parser
	beat.Age = now.Sub(p.instant(received))
	beat.At, beat.LastTick, beat.Next = p.instant(at), p.instant(lastTick), p.instant(next)
	beat.State, err = store.ParseSchedulerState(state)
	p.keep(err)
	p.keep(json.Unmarshal(degraded, &beat.Degraded))
	var tasks []runningRow
	p.keep(json.Unmarshal(running, &tasks))
	for _, r := range tasks {
		age, err := parseDuration(r.Age)
		p.keep(err)
		beat.Running = append(beat.Running, store.RunningTask{
			Account: r.Account, Task: r.Task, Slot: r.Slot, Started: r.Started, Age: age, Overdue: r.Overdue,
		})
	}
	return beat, p.err
}
