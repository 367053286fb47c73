package main

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

// River is tuned for a burst: as many workers as it may have within reason, the
// shortest pause between fetches, and insertion by COPY in batches.
const (
	riverWorkers = 2000
	riverBatch   = 5000
)

type riverTask struct {
	Number int `json:"number"`
}

func (riverTask) Kind() string { return "burst" }

type riverWorker struct {
	river.WorkerDefaults[riverTask]
	run func(task riverTask)
}

func (w *riverWorker) Work(_ context.Context, job *river.Job[riverTask]) error {
	w.run(job.Args)
	return nil
}

// riverBurst inserts n jobs at the bell and works them.
func riverBurst(b *bout) error {
	dsn, err := rig.NewSchema(b.ctx, b.Addresses[postgres])
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(b.ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	r := newRoll(b, 0)
	client, err := startRiver(b.ctx, pool, func(task riverTask) { r.run(task.Number) })
	if err != nil {
		return err
	}
	err = handOver(b, r,
		func() error { return insertJobs(b.ctx, client, b.N, itself) },
		func() (n int, err error) {
			err = pool.QueryRow(b.ctx, "SELECT count(*) FROM river_job WHERE state = 'completed'").Scan(&n)
			return n, err
		})
	if err != nil {
		return err
	}
	return client.Stop(b.ctx)
}

func startRiver(ctx context.Context, pool *pgxpool.Pool, run func(task riverTask)) (*river.Client[pgx.Tx], error) {
	driver := riverpgxv5.New(pool)
	logger := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: logger})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{run: run})
	client, err := river.NewClient(driver, &river.Config{
		Logger:        logger,
		Workers:       workers,
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}},
		FetchCooldown: river.FetchCooldownMin,
	})
	if err != nil {
		return nil, err
	}
	return client, client.Start(ctx)
}

// insertJobs inserts n jobs, each with the number that numbered gives it.
func insertJobs(ctx context.Context, client *river.Client[pgx.Tx], n int, numbered func(i int) int) error {
	for first := 0; first < n; first += riverBatch {
		batch := make([]river.InsertManyParams, min(riverBatch, n-first))
		for i := range batch {
			batch[i].Args = riverTask{numbered(first + i)}
		}
		if _, err := client.InsertManyFast(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func itself(i int) int { return i }
