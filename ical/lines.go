package ical

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	ics "github.com/arran4/golang-ical"
)

// The parser does not say on which line a property stands, and takes a file that ends in
// the middle of an event for a whole one. Both are looked up in the text itself.

// contentLine is a property with the line on which it begins.
type contentLine struct {
	number int
	text   []byte
}

// contentLines returns the lines of a text, with those that go on with another joined.
func contentLines(text []byte) (lines []contentLine) {
	number := 0
	for raw := range bytes.Lines(text) {
		number++
		line := bytes.TrimRight(raw, "\r\n")
		switch {
		case len(line) == 0:
		case (line[0] == ' ' || line[0] == '\t') && len(lines) > 0:
			last := &lines[len(lines)-1]
			last.text = append(last.text, line[1:]...)
		default:
			lines = append(lines, contentLine{number, bytes.Clone(line)})
		}
	}
	return lines
}

// eventLines are the lines of one event: where it begins, and those of its properties.
type eventLines struct {
	begin      int
	properties map[string]int
}

// of returns the line of a property, or that on which the event begins.
func (e eventLines) of(property string) int {
	if line, ok := e.properties[property]; ok {
		return line
	}
	return e.begin
}

// linesOf returns the lines of the events in order. The error names the line that is no
// property or breaks the nesting of the file, or says that its end is missing.
func linesOf(text []byte) (events []eventLines, err error) {
	lines := contentLines(text)
	if len(lines) == 0 {
		return nil, errors.New("line 1: the file is empty")
	}
	var open []string
	for _, line := range lines {
		p, err := ics.ParseProperty(ics.ContentLine(line.text))
		if err != nil || p == nil {
			return nil, fmt.Errorf("line %d: it is no property of a calendar", line.number)
		}
		if len(open) == 0 && (p.IANAToken != "BEGIN" || p.Value != "VCALENDAR") {
			return nil, fmt.Errorf("line %d: want BEGIN:VCALENDAR", line.number)
		}
		switch p.IANAToken {
		case "BEGIN":
			open = append(open, p.Value)
			if inEvent(open) {
				events = append(events, eventLines{begin: line.number, properties: make(map[string]int)})
			}
		case "END":
			if open[len(open)-1] != p.Value {
				return nil, fmt.Errorf("line %d: END:%s, and %s has begun", line.number, p.Value, open[len(open)-1])
			}
			open = open[:len(open)-1]
		default:
			if inEvent(open) {
				events[len(events)-1].properties[p.IANAToken] = line.number
			}
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("line %d: the file is cut off: END:%s is missing", lines[len(lines)-1].number, open[len(open)-1])
	}
	return events, nil
}

// inEvent reports whether what is open is an event, in small letters too, and nothing
// within it.
func inEvent(open []string) bool { return len(open) == 2 && strings.EqualFold(open[1], "VEVENT") }
