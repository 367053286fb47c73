package exchange

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tradeclock/tradeclock/calendar"
)

// Lacks returns the holidays that the list may have forgotten, for a person to confirm:
// those that the market kept on a weekday in two of the three years before a year of the
// list, and of which the list has neither the day of the month nor a word of the name. Each
// is as it was last. A list of Apply that lacks one is taken: an exchange may stop to keep a
// holiday, and a closure is kept on a weekend in some years.
func (h NSEHolidays) Lacks(m Market) []Holiday {
	var lacks []Holiday
	for len(h.days) > 0 {
		year := h.days[0].date.Year
		of := h.of(year)
		for _, d := range m.keptBefore(year) {
			if !slices.ContainsFunc(of.days, func(l nseHoliday) bool { return sameHoliday(d, l.date, l.name) }) {
				lacks = append(lacks, Holiday{Date: d.Date, Name: d.Name, Announced: d.Announced, Source: d.Source})
			}
		}
		h.days = h.days[len(of.days):]
	}
	return lacks
}

// keptBefore returns the closed weekdays that the market had in two of the three years
// before a year, each as it was last.
func (m Market) keptBefore(year int) []Day {
	const years, enough = 3, 2
	var kept []Day
	for i, d := range slices.Backward(m.Days) {
		if d.Status != StatusClosed || d.Date.Year >= year || d.Date.Year < year-years {
			continue
		}
		same := func(other Day) bool { return sameHoliday(other, d.Date, d.Name) }
		if slices.ContainsFunc(kept, same) {
			continue
		}
		in := map[int]bool{d.Date.Year: true}
		for _, other := range m.Days[:i] {
			if other.Status == StatusClosed && other.Date.Year >= year-years && same(other) {
				in[other.Date.Year] = true
			}
		}
		if len(in) >= enough {
			kept = append(kept, d)
		}
	}
	slices.Reverse(kept)
	return kept
}

// sameHoliday reports whether a closed day is the holiday that another year has on a date
// and under a name, which lists spell in many ways.
func sameHoliday(d Day, date calendar.Date, name string) bool {
	if d.Date.Month == date.Month && d.Date.Day == date.Day && isFixed(date) {
		return true
	}
	words := wordsOf(d.Name)
	return slices.ContainsFunc(wordsOf(name), func(word string) bool { return slices.Contains(words, word) })
}

// isFixed reports whether a date is one on which India has a holiday of the sun's year: that
// of a holiday of the moon's may be another one's in another year.
func isFixed(d calendar.Date) bool {
	switch (calendar.Date{Month: d.Month, Day: d.Day}) {
	case calendar.Date{Month: time.January, Day: 26}, calendar.Date{Month: time.April, Day: 14},
		calendar.Date{Month: time.May, Day: 1}, calendar.Date{Month: time.August, Day: 15},
		calendar.Date{Month: time.October, Day: 2}, calendar.Date{Month: time.December, Day: 25}:
		return true
	}
	return false
}

// commonWords are in the names of several holidays.
var commonWords = []string{"shri", "jayanti", "diwali", "holiday", "public", "maharashtra", "election", "elections", "moved", "from"}

// wordsOf returns the words of a name by which it is known again.
func wordsOf(name string) []string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.DeleteFunc(words, func(word string) bool { return len(word) < 4 || slices.Contains(commonWords, word) })
}
