package said

import (
	"fmt"
	"strings"
	"unicode"
)

const lineBreaks = "\n\r\v\f\u0085\u2028\u2029"

// Line returns a text without anything that breaks a line or hides what is in it.
func Line(text string) string {
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

// FirstLine returns what stands before the first end of a line.
func FirstLine(text string) string {
	if end := strings.IndexAny(text, lineBreaks); end >= 0 {
		text = text[:end]
	}
	return Line(text)
}

// Counted writes a number of things: "1 session", "2 sessions".
func Counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Names lists the first of some names, and how many more of all there are.
func Names(first []string, all int) string {
	text := strings.Join(first, ", ")
	if more := all - len(first); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// TextOf is the text of an error, and empty for none.
func TextOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// InLine returns the text of an error in one line, of which each problem would begin
// another: what comes after the first would not tell what it is about.
func InLine(err error) string { return strings.ReplaceAll(TextOf(err), "\n", "; ") }
