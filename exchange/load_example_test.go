package exchange_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func ExampleReadOverrides() {
	// What a person writes at 08:00 when the exchange announces a closure for today.
	file := `date,status,phase,start,end,name,source,announced
2026-12-01,closed,,,,Municipal elections,NSE/CMTR/72260,2026-12-01
2026-12-24,early_close,,,12:30,Christmas Eve,,
`
	overrides, err := exchange.ReadOverrides(strings.NewReader(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	market, err := exchange.EmbeddedMarket("XNSE")
	if err != nil {
		fmt.Println(err)
		return
	}
	market, err = overrides.Apply(market, "XNSE")
	if err != nil {
		fmt.Println(err)
		return
	}
	calendars, err := market.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, day := range []int{1, 2, 24} {
		session, err := calendars[0].Session(calendar.Date{Year: 2026, Month: time.December, Day: day})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(session.Date, session.Describe())
	}
	// Output:
	// 2026-12-01 closed: Municipal elections, announced 2026-12-01
	// 2026-12-02 regular session
	// 2026-12-24 shortened session (early close): Christmas Eve
}

func ExampleLoadFS() {
	files := fstest.MapFS{
		"XNYS.csv": {Data: []byte("date,status,phase,start,end,name,source\n2026-12-28,closed,,,,Day of mourning,\n")},
	}
	set, err := exchange.LoadFS(files)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"XNYS", "XNAS"} {
		c, err := set.Calendar(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		session, err := c.Session(calendar.Date{Year: 2026, Month: time.December, Day: 28})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, session.Describe())
	}
	// Output:
	// XNYS closed: Day of mourning
	// XNAS regular session
}

func ExampleLoadFS_refused() {
	_, err := exchange.LoadFS(fstest.MapFS{
		"XNSE.csv": {Data: []byte(`date,status,phase,start,end,name,source
2026-12-01,closd,,,,Municipal elections,
`)},
	})
	fmt.Println(err)
	// Output:
	// XNSE.csv: line 2: status: "closd" is none of closed, regular, early_close, late_open, special, hours_unknown and withdrawn
}

func ExampleWatcher() {
	dir, err := os.MkdirTemp("", "calendars")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	// In a service, Run of the watcher goes on beside the scheduler, and the
	// calendar is what Config.Calendar gets.
	watcher, err := exchange.NewWatcher(exchange.WatcherConfig{
		Path:   dir,
		Clock:  clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC)),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	nse, err := watcher.Calendar("XNSE")
	if err != nil {
		fmt.Println(err)
		return
	}
	today := calendar.Date{Year: 2026, Month: time.November, Day: 23}
	tell := func() {
		session, err := nse.Session(today)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(session.Describe())
	}

	tell()
	line := "date,status,phase,start,end,name,source\n2026-11-23,closed,,,,Municipal elections,\n"
	if err := os.WriteFile(filepath.Join(dir, "XNSE.csv"), []byte(line), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	if err := watcher.Refresh(); err != nil {
		fmt.Println(err)
		return
	}
	tell()
	// Output:
	// regular session
	// closed: Municipal elections
}

func ExampleNSEHolidays_Apply() {
	// The exchange's list as it may look in December. The day of Laxmi Pujan is
	// among the holidays, and so are days that fall on a weekend.
	list := `{"CM": [
	  {"tradingDate": "26-Jan-2027", "weekDay": "Tuesday", "description": "Republic Day", "Sr_no": 1},
	  {"tradingDate": "08-Mar-2027", "weekDay": "Monday", "description": "Mahashivratri", "Sr_no": 2},
	  {"tradingDate": "22-Mar-2027", "weekDay": "Monday", "description": "Holi", "Sr_no": 3},
	  {"tradingDate": "26-Mar-2027", "weekDay": "Friday", "description": "Good Friday", "Sr_no": 4},
	  {"tradingDate": "14-Apr-2027", "weekDay": "Wednesday", "description": "Ambedkar Jayanti", "Sr_no": 5},
	  {"tradingDate": "01-May-2027", "weekDay": "Saturday", "description": "Maharashtra Day", "Sr_no": 6},
	  {"tradingDate": "17-May-2027", "weekDay": "Monday", "description": "Bakri Id", "Sr_no": 7},
	  {"tradingDate": "15-Jun-2027", "weekDay": "Tuesday", "description": "Muharram", "Sr_no": 8},
	  {"tradingDate": "12-Oct-2027", "weekDay": "Tuesday", "description": "Dussehra", "Sr_no": 9},
	  {"tradingDate": "29-Oct-2027", "weekDay": "Friday", "description": "Diwali Laxmi Pujan*", "Sr_no": 10}
	]}`
	holidays, err := exchange.ReadNSEHolidays(strings.NewReader(list), "CM")
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := os.Open("testdata/XNSE.json") // data that end with the year 2026
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	market, err := exchange.ReadMarket(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	published := calendar.Date{Year: 2026, Month: time.December, Day: 11}
	market, err = holidays.Apply(market, "NSE circular of 2026-12-11", published)
	if err != nil {
		fmt.Println(err)
		return
	}
	calendars, err := market.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, day := range []int{25, 26, 29} {
		session, err := calendars[0].Session(calendar.Date{Year: 2027, Month: time.October, Day: day})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(session.Date, session.Describe())
	}
	// Output:
	// 2027-10-25 regular session
	// 2027-10-26 regular session
	// 2027-10-29 special session: Diwali Laxmi Pujan: Muhurat trading, announced 2026-12-11
}
