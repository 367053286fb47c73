package market

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// Archive is a Source of bars that were read from files.
type Archive map[calendar.Date]Day

// Day returns the bars of a date, and nil if no file has it.
func (a Archive) Day(date calendar.Date) Day { return a[date] }

// Dates returns the dates in order.
func (a Archive) Dates() []calendar.Date {
	return slices.SortedFunc(maps.Keys(a), calendar.Date.Compare)
}

// ReadFiles reads bar files named MIC-SYMBOL-DATE.csv, as in
// XNSE-YESBANK-2019-07-09.csv. Each line is a minute: the milliseconds since
// midnight in loc, open, high, low, close and volume, prices in ten-thousandths
// of a rupee.
func ReadFiles(loc *time.Location, paths ...string) (Archive, error) {
	archive := make(Archive)
	for _, path := range paths {
		if err := archive.read(loc, path); err != nil {
			return nil, fmt.Errorf("bar file %s: %w", path, err)
		}
	}
	return archive, nil
}

func (a Archive) read(loc *time.Location, path string) error {
	symbol, date, err := parseName(filepath.Base(path))
	if err != nil {
		return err
	}
	if _, twice := a[date][symbol]; twice {
		return fmt.Errorf("%s on %s was given already", symbol, date)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	bars, err := readBars(file, calendar.Wall(0, 0).On(date, loc))
	if err != nil {
		return err
	}
	if a[date] == nil {
		a[date] = make(Day)
	}
	a[date][symbol] = bars
	return nil
}

// parseName takes the symbol and the date from MIC-SYMBOL-DATE.csv. A symbol may
// have dashes of its own.
func parseName(name string) (string, calendar.Date, error) {
	stem, isCSV := strings.CutSuffix(name, ".csv")
	_, rest, hasMIC := strings.Cut(stem, "-")
	cut := len(rest) - len("-2006-01-02")
	if !isCSV || !hasMIC || cut < 1 || rest[cut] != '-' {
		return "", calendar.Date{}, errors.New("want a name of the form MIC-SYMBOL-DATE.csv")
	}
	date, err := calendar.ParseDate(rest[cut+1:])
	return rest[:cut], date, err
}

func readBars(r io.Reader, midnight time.Time) ([]Bar, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord = 6
	lines.ReuseRecord = true
	var bars []Bar
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := lines.FieldPos(0)
		bar, err := parseBar(fields, midnight)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if len(bars) > 0 && !bar.Start.After(bars[len(bars)-1].Start) {
			return nil, fmt.Errorf("line %d: its minute is not after the line before", line)
		}
		bars = append(bars, bar)
	}
	if len(bars) == 0 {
		return nil, errors.New("it has no bars")
	}
	return bars, nil
}

func parseBar(fields []string, midnight time.Time) (Bar, error) {
	var numbers [6]int64
	for i, field := range fields {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Bar{}, fmt.Errorf("field %d: %q is not a whole number", i+1, field)
		}
		numbers[i] = n
	}
	bar := Bar{
		Start:  midnight.Add(time.Duration(numbers[0]) * time.Millisecond),
		Open:   money.Amount(numbers[1]),
		High:   money.Amount(numbers[2]),
		Low:    money.Amount(numbers[3]),
		Close:  money.Amount(numbers[4]),
		Volume: numbers[5],
	}
	return bar, bar.check()
}

// check refuses what no minute of trading can be.
func (b Bar) check() error {
	switch {
	case !b.Start.Equal(b.Start.Truncate(time.Minute)):
		return fmt.Errorf("%s is not a whole minute", b.Start.Format(time.TimeOnly))
	case b.Low <= 0:
		return fmt.Errorf("the low %d is not positive", b.Low)
	case b.Low > min(b.Open, b.Close), b.High < max(b.Open, b.Close):
		return errors.New("open or close lies outside of low and high")
	case b.Volume < 0:
		return fmt.Errorf("the volume %d is negative", b.Volume)
	}
	return nil
}
