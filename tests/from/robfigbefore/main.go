package main

import (
	"log"
	"time"

	"github.com/robfig/cron/v3"
)

func main() {
	mumbai, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		log.Fatal(err)
	}
	c := cron.New(cron.WithLocation(mumbai), cron.WithChain(cron.Recover(cron.DefaultLogger), cron.SkipIfStillRunning(cron.DefaultLogger)))
	for spec, job := range map[string]func(){"1 9 * * 1-5": placeOrders, "*/7 9-15 * * 1-5": watch} {
		if _, err := c.AddFunc(spec, job); err != nil {
			log.Fatal(err)
		}
	}
	c.Run()
}

func placeOrders() {}
func watch()       {}
