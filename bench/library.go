package main

import "time"

// library is a cron library, set up as its documentation advises. Its jobs run in
// goroutines of their own, and nothing is recorded of them.
type library interface {
	// cron registers a function by a cron expression with a field for seconds.
	cron(spec string, f func()) error
	// replace gives the job that was registered as number i by cron another time.
	replace(i int, spec string, f func()) error
	// registered is the number of jobs, once a start has computed when they are due.
	registered() int
	start()
	stop()
}

// peers are the libraries that hold timers in one process. A variant has the
// name of the library in front.
var peers = []struct {
	name string
	open func() (library, error)
	// lead is how long it takes to register a job at most.
	lead time.Duration
	most int // see contender
}{
	{"robfig/cron", openRobfig, 50 * time.Microsecond, 0},
	{"netresearch/go-cron", openNetresearch, 50 * time.Microsecond, 0},
	{"gocron", openGocron, 100 * time.Microsecond, 0},
	{"go-quartz", openQuartz, quartzLead, quartzMost},
}
