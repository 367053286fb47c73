package main

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

// asynq takes one task a call, so that several goroutines hand them over. It keeps
// completed tasks for an hour, which is its record of them.
const (
	asynqProducers = 32
	asynqWorkers   = 64
	asynqKind      = "burst"
)

// asynqBurst enqueues n tasks at the bell and works them.
func asynqBurst(b *bout, on server) error {
	r := newRoll(b, 0)
	return withAsynq(b, on, r.run, func(client *asynq.Client, inspector *asynq.Inspector) error {
		return handOver(b, r,
			func() error { return enqueueTasks(b.ctx, client, b.N, itself) },
			func() (int, error) {
				info, err := inspector.GetQueueInfo("default")
				if err != nil {
					return 0, err
				}
				return info.Completed, nil
			})
	})
}

// withAsynq calls f while a server of its own works what is enqueued.
func withAsynq(b *bout, on server, run func(number int), f func(client *asynq.Client, inspector *asynq.Inspector) error) error {
	if err := emptyRedis(b.ctx, b.Addresses[on]); err != nil {
		return err
	}
	address := asynq.RedisClientOpt{Network: "unix", Addr: b.Addresses[on], PoolSize: asynqProducers + asynqWorkers}
	inspector := asynq.NewInspector(address)
	defer inspector.Close()
	server := asynq.NewServer(address, asynq.Config{
		Concurrency: asynqWorkers, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(asynqKind, func(_ context.Context, task *asynq.Task) error {
		run(int(binary.LittleEndian.Uint64(task.Payload())))
		return nil
	})
	if err := server.Start(mux); err != nil {
		return err
	}
	defer server.Shutdown()
	client := asynq.NewClient(address)
	defer client.Close()
	return f(client, inspector)
}

// enqueueTasks enqueues n tasks, each with the number that numbered gives it.
func enqueueTasks(ctx context.Context, client *asynq.Client, n int, numbered func(i int) int) error {
	var next atomic.Int64
	var producers sync.WaitGroup
	errs := make([]error, asynqProducers)
	for p := range errs {
		producers.Go(func() {
			for errs[p] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				task := asynq.NewTask(asynqKind, binary.LittleEndian.AppendUint64(nil, uint64(numbered(i))))
				_, errs[p] = client.EnqueueContext(ctx, task, asynq.Retention(time.Hour))
			}
		})
	}
	producers.Wait()
	return errors.Join(errs...)
}
