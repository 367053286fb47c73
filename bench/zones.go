package main

import "time"

var kolkata, newYork = zone("Asia/Kolkata"), zone("America/New_York")

func zone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}
