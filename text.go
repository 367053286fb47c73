package tradeclock

import (
	"fmt"
	"strings"
	"unicode"
)

// What people and executors say goes into lines of a log, a page and Explain, which
// it must not break.

const lineBreaks = "\n\r\v\f\u0085\u2028\u2029"

// oneLine returns a text without anything that breaks a line or hides what is in it.
func oneLine(text string) string {
	if !strings.ContainsFunc(text, breaksLine) {
		return text
	}
	lines := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(lineBreaks, r) })
	return strings.Map(func(r rune) rune {
		if breaksLine(r) {
			return ' '
		}
		return r
	}, strings.Join(lines, "; "))
}

// breaksLine is true for control characters, for the other ends of a line, and for
// what turns the direction of a text.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// firstLine returns what stands before the first end of a line.
func firstLine(text string) string {
	if end := strings.IndexAny(text, lineBreaks); end >= 0 {
		text = text[:end]
	}
	return oneLine(text)
}

// counted writes a number of things: "1 session", "2 sessions".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// shortNames names the first of some names, and how many more there are.
func shortNames(names []string, most int) string {
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ")
}
