package calendar_test

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// exampleMarket trades on weekdays, and in the week of 2026-11-23 has a holiday, a half
// day, and a session on a Saturday.
func exampleMarket() calendar.Calendar {
	hours := []calendar.Hours{
		{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 0), End: calendar.Wall(11, 30)},
		{Phase: calendar.PhaseRegular, Start: calendar.Wall(12, 30), End: calendar.Wall(15, 30)},
	}
	november := func(day int) calendar.Date { return calendar.Date{Year: 2026, Month: time.November, Day: day} }
	c, err := calendar.NewTable(calendar.Table{
		Name: "XTST", Location: time.UTC, First: november(1), Last: november(30), Base: calendar.Weekdays(time.UTC, hours...),
		Days: []calendar.TableDay{
			{Date: november(23), Reason: "Labour Thanksgiving"},
			{Date: november(27), Kind: calendar.Shortened, EarlyClose: true, Hours: hours[:1], Reason: "Storm"},
			{Date: november(28), Kind: calendar.Special, Hours: hours[1:], Reason: "Test of the second site"},
		},
	})
	if err != nil {
		panic(err)
	}
	return c
}

func ExampleMonthGrid() {
	grid, err := calendar.MonthGrid(exampleMarket(), calendar.Date{Year: 2026, Month: time.November, Day: 1})
	fmt.Print(grid)
	fmt.Println(err)
	// Output:
	// XTST, November 2026
	//  Mo  Tu  We  Th  Fr  Sa  Su
	//                           1-
	//   2   3   4   5   6   7-  8-
	//   9  10  11  12  13  14- 15-
	//  16  17  18  19  20  21- 22-
	//  23- 24  25  26  27< 28* 29-
	//  30
	//   - closed   < early close   > late open   * special   ? hours unknown
	//   2026-11-23 Mon closed: Labour Thanksgiving
	//   2026-11-27 Fri shortened session (early close): Storm
	//   2026-11-28 Sat special session: Test of the second site
	// <nil>
}

func ExampleBetween() {
	from, to := calendar.Date{Year: 2026, Month: time.November, Day: 20}, calendar.Date{Year: 2026, Month: time.November, Day: 30}
	sessions, err := calendar.Between(exampleMarket(), from, to, calendar.OnShortened|calendar.OnSpecial)
	for _, s := range sessions {
		fmt.Println(s.Date, s.Describe())
	}
	n, err := calendar.Count(exampleMarket(), from, to, 0)
	fmt.Println(n, err)
	// Output:
	// 2026-11-27 shortened session (early close): Storm
	// 2026-11-28 special session: Test of the second site
	// 6 <nil>
}

func ExampleNextHoliday() {
	holiday, err := calendar.NextHoliday(exampleMarket(), calendar.Date{Year: 2026, Month: time.November, Day: 1})
	fmt.Println(holiday.Date, holiday.Reason, err)
	// Output: 2026-11-23 Labour Thanksgiving <nil>
}

func ExampleSession_Breaks() {
	s, err := exampleMarket().Session(calendar.Date{Year: 2026, Month: time.November, Day: 24})
	for _, b := range s.Breaks() {
		fmt.Println(b.Name, b.Start.Format(time.TimeOnly), b.End.Format(time.TimeOnly))
	}
	fmt.Println(s.TradingTime(), err)
	// Output:
	// break 11:30:00 12:30:00
	// 5h30m0s <nil>
}
