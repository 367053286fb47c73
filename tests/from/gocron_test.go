package from

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gocronIn starts a scheduler of gocron with one job, in a bubble whose clock begins at
// midnight in UTC of 2000-01-01. No job may run when the test ends: the other library waits
// for it without letting time pass.
func gocronIn(t *testing.T, zone *time.Location, job gocron.JobDefinition, task func(), options ...gocron.JobOption) {
	t.Helper()
	s, err := gocron.NewScheduler(gocron.WithLocation(zone))
	require.NoError(t, err)
	_, err = s.NewJob(job, gocron.NewTask(task), options...)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { assert.NoError(t, s.Shutdown()) })
}

// pass lets the time of a bubble pass, for as long as all in it wait. It takes none.
func pass(d time.Duration) { <-time.After(d) }

// TestOverlapsOfGocron is what the guide says of jobs that take longer than their interval.
func TestOverlapsOfGocron(t *testing.T) {
	tests := []struct {
		name    string
		options []gocron.JobOption
		want    int64 // how many run at once at most
	}{
		{"by default all run", nil, 3},
		{"in singleton mode one", []gocron.JobOption{gocron.WithSingletonMode(gocron.LimitModeReschedule)}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var running, most atomic.Int64
				var over atomic.Bool
				gocronIn(t, time.UTC, gocron.DurationJob(time.Minute), func() {
					if over.Load() {
						return
					}
					most.Store(max(most.Load(), running.Add(1)))
					pass(150 * time.Second)
					running.Add(-1)
				}, test.options...)
				pass(10*time.Minute + time.Second)
				over.Store(true)
				pass(10 * time.Minute)
				assert.Equal(t, test.want, most.Load())
			})
		})
	}
}

// TestPanicsOfGocron are taken by the scheduler, and told to listeners alone.
func TestPanicsOfGocron(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		gocronIn(t, time.UTC, gocron.DurationJob(time.Minute), func() { panic("no broker") },
			gocron.WithEventListeners(gocron.AfterJobRunsWithPanic(func(uuid.UUID, string, any) { told.Add(1) })))
		pass(2*time.Minute + time.Second)
		synctest.Wait()
		assert.EqualValues(t, 2, told.Load())
	})
}

// TestTheClocksOfGocron are what the guide says that the other library does in New York.
func TestTheClocksOfGocron(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	daily := func(hour, minute uint) gocron.JobDefinition {
		return gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(hour, minute, 0)))
	}
	tests := []struct {
		name string
		job  gocron.JobDefinition
		day  time.Time
		want []string
	}{
		{"forward, daily", daily(2, 30), time.Date(2000, 4, 2, 0, 0, 0, 0, newYork), []string{"01:30-05"}},
		{"forward, cron", gocron.CronJob("30 2 * * *", false), time.Date(2000, 4, 2, 0, 0, 0, 0, newYork), nil},
		{"back, daily", daily(1, 30), time.Date(2000, 10, 29, 0, 0, 0, 0, newYork), []string{"01:30-04"}},
		{"back, cron", gocron.CronJob("30 1 * * *", false), time.Date(2000, 10, 29, 0, 0, 0, 0, newYork), []string{"01:30-04"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pass(time.Until(test.day))
				var times []string
				gocronIn(t, newYork, test.job, func() { times = append(times, time.Now().In(newYork).Format("15:04-07")) })
				pass(20 * time.Hour)
				synctest.Wait()
				assert.Equal(t, test.want, times)
			})
		})
	}
}
