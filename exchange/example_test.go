package exchange_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func Example() {
	nse := exchange.MustGet("XNSE")

	// A server in UTC asks like one in Mumbai.
	open, err := nse.IsOpen(time.Date(2026, time.November, 23, 3, 45, 0, 0, time.UTC))
	fmt.Println(open, err)

	s, _ := nse.Session(calendar.Date{Year: 2026, Month: time.November, Day: 24})
	fmt.Println(s.Describe())

	_, err = nse.Session(calendar.Date{Year: 2018, Month: time.January, Day: 25})
	fmt.Println(errors.Is(err, calendar.ErrUnknownDate))
	fmt.Println(err)
	// Output:
	// true <nil>
	// closed: Guru Nanak Jayanti, announced 2025-12-12
	// true
	// calendar XNSE: 2018-01-25 is unknown: the coverage begins on 2019-01-01
}

func ExampleSessions_OpenClose() {
	day := calendar.Date{Year: 2025, Month: time.October, Day: 21} // one hour of Muhurat trading
	nse := exchange.MustGet("XNSE")
	open, end, err := nse.OpenClose(day)
	fmt.Println(open.In(nse.Location()).Format("15:04"), end.In(nse.Location()).Format("15:04"), err)

	_, _, err = nse.OpenClose(day.AddDays(1))
	var closed *exchange.ClosedError
	fmt.Println(errors.As(err, &closed), err)

	// A session that is certain, and whose hours are not announced yet.
	drill := exchange.Day{
		Date: calendar.Date{Year: 2026, Month: time.December, Day: 5}, Status: exchange.StatusHoursUnknown, Name: "Disaster-recovery Saturday",
	}
	nse, err = nse.With(drill)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = nse.OpenClose(drill.Date)
	var unknown *exchange.HoursUnknownError
	fmt.Println(errors.As(err, &unknown), err)
	// Output:
	// 13:45 14:45 <nil>
	// true calendar XNSE: 2025-10-22 is closed: Diwali Balipratipada, announced 2024-12-13
	// true calendar XNSE: the hours of 2026-12-05 are not known: special session: Disaster-recovery Saturday
}

func ExampleSessions_NextClose() {
	friday := time.Date(2026, time.November, 27, 19, 0, 0, 0, time.UTC)
	nyse := exchange.MustGet("XNYS")
	at, err := nyse.NextClose(friday) // an hour after that of the day after Thanksgiving
	fmt.Println(at.In(nyse.Location()).Format("Mon 15:04"), err)
	// Output: Mon 16:00 <nil>
}

func ExampleSessions_Nth() {
	nse := exchange.MustGet("XNSE")
	day := calendar.Date{Year: 2026, Month: time.November, Day: 24} // closed
	for _, n := range []int{1, 2, -1, -2} {
		s, err := nse.Nth(day, n)
		fmt.Println(n, s.Date, err)
	}
	// Output:
	// 1 2026-11-25 <nil>
	// 2 2026-11-26 <nil>
	// -1 2026-11-23 <nil>
	// -2 2026-11-20 <nil>
}

func ExampleSessions_Last() {
	nse := exchange.MustGet("XNSE")
	day := calendar.Date{Year: 2025, Month: time.January, Day: 29}
	for _, p := range []calendar.Period{calendar.Week, calendar.Month, calendar.Quarter, calendar.Year} {
		s, err := nse.Last(p, day)
		fmt.Println(p, s.Date, s.Date.Weekday(), err)
	}
	// Output:
	// week 2025-02-01 Saturday <nil>
	// month 2025-01-31 Friday <nil>
	// quarter 2025-03-28 Friday <nil>
	// year 2025-12-31 Wednesday <nil>
}

func ExampleSessions_Minutes() {
	tokyo := exchange.MustGet("XTKS")
	day := calendar.Date{Year: 2024, Month: time.November, Day: 5}
	minutes, err := tokyo.Minutes(day) // 09:00 to 15:25 with an hour for lunch
	fmt.Println(minutes, err)
	// Output: 325 <nil>
}

func ExampleSessions_Settles() {
	nse := exchange.MustGet("XNSE")
	day := calendar.Date{Year: 2026, Month: time.August, Day: 26} // Id-E-Milad
	session, _ := nse.IsSession(day)
	settles, err := nse.Settles(day)
	fmt.Println(session, settles, err)
	// Output: true false <nil>
}

func ExampleSessions_With() {
	nse := exchange.MustGet("XNSE")
	day := calendar.Date{Year: 2026, Month: time.December, Day: 2}
	closed, err := nse.With(exchange.Day{
		Date: day, Status: exchange.StatusClosed, Name: "Elections", Announced: day, Source: "the morning news",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, _ := closed.Session(day)
	fmt.Println(s.Describe())
	s, _ = nse.Session(day)
	fmt.Println(s.Describe())
	// Output:
	// closed: Elections, announced 2026-12-02
	// regular session
}

func ExampleSessions_AssumeWeekdays() {
	day := calendar.Date{Year: 2047, Month: time.August, Day: 15} // likely a holiday
	s, err := exchange.MustGet("XNSE").AssumeWeekdays().Session(day)
	fmt.Println(s.Kind, s.Assumed, err)
	// Output:
	// regular true <nil>
}

func ExampleCompile() {
	hours := calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 0), End: calendar.Wall(17, 0)}
	first := calendar.Date{Year: 2026, Month: time.January, Day: 1}
	desk, err := exchange.Compile(calendar.Weekdays(time.UTC, hours), first, first.AddDays(364))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(desk.NextOpen(time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)))
	// Output: 2026-05-04 09:00:00 +0000 UTC <nil>
}

func ExampleMarket_Build() {
	first := calendar.Date{Year: 2026, Month: time.January, Day: 1}
	market := exchange.Market{
		MIC: "XONE", Name: "Exchange One", Timezone: "Europe/London", Version: "2026-01-01",
		From: first, To: first.AddDays(364),
		Segments: []exchange.Segment{{Calendar: "XONE", Eras: []exchange.Era{{From: first, Hours: []exchange.PhaseHours{
			{Phase: calendar.PhaseRegular, Start: calendar.Wall(8, 0), End: calendar.Wall(16, 30)},
		}}}}},
		Days: []exchange.Day{{Date: first, Status: exchange.StatusClosed, Name: "New Year"}},
	}
	calendars, err := market.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := calendars[0].Next(first)
	fmt.Println(s.Date, err)
	// Output: 2026-01-02 <nil>
}
