package rule

import (
	"strconv"
	"strings"
)

const (
	wordExcept  = "except"
	wordOn      = "on"
	wordIn      = "in"
	wordAs      = "as"
	wordOr      = "or"
	wordOf      = "of"
	wordFrom    = "from"
	wordFirst   = "first"
	wordLast    = "last"
	wordEach    = "each"
	wordEvery   = "every"
	wordOther   = "other"
	wordSession = "session"
	wordDay     = "day"
	wordWeek    = "week"

	wordSucceeds = "succeeds"
	wordUntil    = "until"
)

// clauses returns the filter as it stands in a rule: "on fri in jan,apr".
func (f Filter) clauses() string {
	var parts []string
	add := func(word, text string) {
		if text != "" {
			parts = append(parts, word+" "+text)
		}
	}
	add(wordOn, f.days.String())
	add(wordOn, f.nth.String())
	add(wordOn, f.cycle.String())
	add(wordIn, f.months.String())
	if f.roll != rollNone {
		parts = append(parts, f.roll.String())
	}
	return strings.Join(parts, " ")
}

// trimWord takes a word off the front of a text, if it begins with it.
func trimWord(text, word string) string { return strings.TrimPrefix(text, word+" ") }

// String returns first session of month, 3rd fri of quarter.
func (x nth) String() string {
	if x == (nth{}) {
		return ""
	}
	return nthText(x.n) + " " + x.unit.String() + " " + wordOf + " " + x.of.String()
}

// String returns every other week from 2026-01-05.
func (c cycle) String() string {
	if c == (cycle{}) {
		return ""
	}
	nth := wordOther
	if c.n != 2 {
		nth = ordinal(c.n)
	}
	return wordEvery + " " + nth + " " + c.unit.String() + " " + wordFrom + " " + c.from.String()
}

// nthText puts the number of a session into words: first, 2nd, last, 3rd last.
func nthText(n int) string {
	switch {
	case n == 1:
		return wordFirst
	case n == -1:
		return wordLast
	case n < 0:
		return ordinal(-n) + " " + wordLast
	}
	return ordinal(n)
}

// ordinal returns 1st, 2nd, 3rd, 4th, 11th, 21st.
func ordinal(n int) string {
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
