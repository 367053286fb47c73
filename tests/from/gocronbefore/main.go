package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-co-op/gocron/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	mumbai, err := time.LoadLocation("Asia/Kolkata")
	check(err)
	s, err := gocron.NewScheduler(gocron.WithLocation(mumbai), gocron.WithStopTimeout(30*time.Second))
	check(err)
	_, err = s.NewJob(
		gocron.WeeklyJob(1,
			gocron.NewWeekdays(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday),
			gocron.NewAtTimes(gocron.NewAtTime(9, 1, 0))),
		gocron.NewTask(placeOrders), gocron.WithName("buy_orders"))
	check(err)
	_, err = s.NewJob(
		gocron.CronJob("*/7 9-15 * * 1-5", false),
		gocron.NewTask(watch), gocron.WithName("watch"), gocron.WithSingletonMode(gocron.LimitModeReschedule))
	check(err)
	s.Start()
	<-ctx.Done()
	check(s.Shutdown())
}

func placeOrders() error              { return nil }
func watch(ctx context.Context) error { return nil }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
