package calendar

import (
	"fmt"
	"iter"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
)

// Period is a stretch of the calendar that has a first and a last session.
type Period uint8

// The periods. A week begins on Monday, and the others with their first month.
const (
	Week Period = iota
	Month
	Quarter
	Year
)

var namesOfPeriods = [...]string{"week", "month", "quarter", "year"}

// Periods are all periods, the shortest first.
func Periods() iter.Seq[Period] {
	return func(yield func(Period) bool) {
		for i := range namesOfPeriods {
			if !yield(Period(i)) {
				return
			}
		}
	}
}

// String returns the period's name, as in "month".
func (p Period) String() string {
	if int(p) < len(namesOfPeriods) {
		return namesOfPeriods[p]
	}
	return fmt.Sprintf("Period(%d)", uint8(p))
}

// MarshalText returns the name, and an error for a value that has none.
func (p Period) MarshalText() ([]byte, error) {
	return naming.Marshal("period", namesOfPeriods[:], int(p))
}

// UnmarshalText parses what MarshalText wrote.
func (p *Period) UnmarshalText(text []byte) error {
	i, err := naming.Unmarshal("period", namesOfPeriods[:], string(text))
	if err == nil {
		*p = Period(i)
	}
	return err
}

// Bounds returns the first and the last date of the period that d lies in.
func (p Period) Bounds(d Date) (first, last Date) {
	if p == Week {
		first = d.AddDays(-(int(d.Weekday()) + 6) % 7)
		return first, first.AddDays(6)
	}
	months := [...]int{Month: 1, Quarter: 3, Year: 12}[p]
	first = Date{d.Year, d.Month - (d.Month-1)%time.Month(months), 1}
	return first, DateOf(first.UTC().AddDate(0, months, -1))
}
