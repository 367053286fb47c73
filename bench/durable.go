package main

import "time"

// durableRace is the opening bell with all of it on the disk.
func durableRace() race {
	r := race{
		number: 3, title: "burst, durable: n tasks due at one instant, claimed on the disk before they start and settled after",
		size: 100_000, counts: "tasks",
		note: "The four cron libraries record nothing and take no part. The queues get the tasks at the bell, as a timer would hand them over. " +
			"Redis with appendfsync no may lose what it has answered.",
	}
	for _, f := range []field{onSQLite, onPostgres} {
		r.contenders = append(r.contenders,
			contender{name: f.name("tradeclock"), role: ours, field: f, needs: f.needs(),
				run: func(b *bout) error { return ourBurst(b, f, 100*time.Microsecond) }},
			contender{name: f.name("hand-written batches"), role: floor, field: f, needs: f.needs(),
				run: func(b *bout) error { return handWritten(b, f) }},
		)
	}
	r.contenders = append(r.contenders,
		contender{name: "River", role: peer, field: onPostgres, needs: []server{postgres}, run: riverBurst},
		contender{name: "asynq, appendfsync always", role: peer, needs: []server{redisDurable}, run: func(b *bout) error { return asynqBurst(b, redisDurable) }},
		contender{name: "asynq, appendfsync no", role: peer, needs: []server{redisQuick}, run: func(b *bout) error { return asynqBurst(b, redisQuick) }},
		contender{name: "fsync of 4 KiB, one by one", role: floor, run: fsyncRate},
	)
	return r
}

// handOver gives the tasks of a roll to a queue at the bell, and reports when all
// have run and the queue has recorded it.
func handOver(b *bout, r *roll, enqueue func() error, recorded func() (int, error)) error {
	if err := r.inTime(); err != nil {
		return err
	}
	var settled time.Duration
	cost, err := b.measure(func() error {
		failed := make(chan error, 1)
		time.AfterFunc(time.Until(r.bell), func() { failed <- enqueue() })
		if err := r.wait(b.ctx); err != nil {
			return err
		}
		if err := <-failed; err != nil {
			return err
		}
		err := awaitRecords(b.N, recorded)
		settled = time.Since(r.bell)
		return err
	})
	if err != nil {
		return err
	}
	if err := r.report(b); err != nil {
		return err
	}
	b.addRecorded(settled, cost)
	return nil
}

// addRecorded adds when the bout's runs were all recorded, and what they cost.
func (b *bout) addRecorded(after time.Duration, c cost) {
	b.addTime("all recorded", after)
	b.add("runs recorded", float64(b.N)/after.Seconds(), perSecond)
	b.addAllocs("allocations a run", c, b.N)
}

// awaitRecords asks how many runs are recorded until all n are.
func awaitRecords(n int, recorded func() (int, error)) error {
	const limit = 30 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		found, err := recorded()
		if err != nil || found == n {
			return err
		}
		if time.Since(began) > limit {
			return wrong("%d runs are recorded as completed, of %d", found, n)
		}
	}
}
