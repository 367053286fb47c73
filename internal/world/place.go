package world

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// exchangePlace is where the exchange of a world is, and the date on which the world
// begins, at 08:00.
type exchangePlace struct {
	zone     *time.Location
	firstDay calendar.Date
}

// mumbai is where most worlds are: from a Monday on.
var mumbai = exchangePlace{time.FixedZone("IST", 5*3600+1800), calendar.Date{Year: 2026, Month: time.November, Day: 23}}

// newYork are worlds in which the clocks change on the second day, a Sunday.
var newYork = [...]exchangePlace{
	{mustLoad("America/New_York"), calendar.Date{Year: 2026, Month: time.March, Day: 7}},
	{mustLoad("America/New_York"), calendar.Date{Year: 2026, Month: time.October, Day: 31}},
}

func mustLoad(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// choosePlace returns where the exchange is. A world of one day would see nothing of
// a change of the clocks.
func choosePlace(c chance, days int) exchangePlace {
	if days == 1 || !c.oneIn(4, "place", "", 0) {
		return mumbai
	}
	return newYork[c.pick(len(newYork), "change-over", "", 0)]
}

// instant is the first instant of a date whose wall time at the exchange is a given
// one or, if the clocks leave that out, the first instant after the gap.
func (x exchangePlace) instant(d calendar.Date, clock time.Duration) time.Time {
	midnight := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, x.zone)
	at := midnight.Add(clock)
	forward := offsetOf(at) - offsetOf(midnight)
	if forward == 0 {
		return at
	}
	at = at.Add(-forward)
	if forward > 0 && offsetOf(at) == offsetOf(midnight) {
		_, at = at.ZoneBounds()
	}
	return at
}

func offsetOf(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
