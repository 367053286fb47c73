package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v3"
)

// listing is what a command lists, and how an item is one line of a table.
type listing[T any] struct {
	items  []T
	header []string
	line   func(T) []string
	// paint returns the escape sequence for a cell of a line, or the empty text.
	paint func(item T, column int) string
	none  string   // is said in a table without lines
	sheet sheet[T] // what a CSV file has, if that is not the table
}

// list writes a listing in the form that the flags ask for.
func list[T any](a *app, cmd *cli.Command, l listing[T]) error {
	switch form := cmd.String("output"); form {
	case "table":
		return a.table(cmd, l.header, len(l.items), l.none, func(i int) []string { return l.line(l.items[i]) }, func(i, column int) string {
			if l.paint == nil {
				return ""
			}
			return l.paint(l.items[i], column)
		})
	case "json":
		if l.items == nil {
			l.items = []T{}
		}
		return a.json(l.items)
	case "jsonl":
		enc := json.NewEncoder(a.out)
		for _, item := range l.items {
			if err := enc.Encode(item); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		w := csv.NewWriter(a.out)
		if l.sheet.record == nil {
			l.sheet = sheet[T]{lower(l.header), l.line}
		}
		_ = w.Write(l.sheet.header)
		for _, item := range l.items {
			_ = w.Write(l.sheet.record(item))
		}
		w.Flush()
		return w.Error()
	default:
		return fmt.Errorf("--output: %q is neither table, json, jsonl nor csv", form)
	}
}

func lower(header []string) []string {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.ReplaceAll(strings.ToLower(name), " ", "_")
	}
	return names
}

// json writes a value as people read it.
func (a *app) json(value any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// table writes lines in columns. All is plain text, but for the colours on a terminal.
func (a *app) table(cmd *cli.Command, header []string, n int, none string, line func(int) []string, paint func(i, column int) string) error {
	if n == 0 {
		fmt.Fprintln(a.out, none)
		return nil
	}
	lines := [][]string{header}
	for i := range n {
		cells := line(i)
		for j := range cells {
			cells[j] = plain(cells[j])
		}
		lines = append(lines, cells)
	}
	widths := make([]int, len(header))
	for _, cells := range lines {
		for j, cell := range cells {
			widths[j] = max(widths[j], utf8.RuneCountInString(cell))
		}
	}
	colours := a.colours(cmd)
	var b strings.Builder
	for i, cells := range lines {
		for j, cell := range cells {
			end := j == len(cells)-1
			padded := cell
			if !end {
				padded += strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2)
			}
			colour := ""
			if i > 0 && colours {
				colour = paint(i-1, j)
			}
			b.WriteString(colour + padded)
			if colour != "" {
				b.WriteString(reset)
			}
		}
		text := b.String()
		b.Reset()
		if _, err := fmt.Fprintln(a.out, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	return nil
}

// The colours, each beside a word or a sign that says the same.
const (
	reset  = "\x1b[0m"
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	blue   = "\x1b[34m"
	dim    = "\x1b[2m"
)

// colours reports whether there are any: on a terminal, unless somebody wants none.
func (a *app) colours(cmd *cli.Command) bool {
	return a.terminal && !cmd.Bool("no-color") && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// plain returns a text without what would move the cursor, or the lines: names and reasons
// are other people's.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}

// ask asks a person, and reports whether the answer is yes.
func (a *app) ask(cmd *cli.Command, question string) (bool, error) {
	if cmd.Bool("yes") {
		return true, nil
	}
	if !a.asks {
		return false, exit(exitUnknown, "nobody is there to answer: say --yes")
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	var answer string
	if _, err := fmt.Fscanln(a.in, &answer); err != nil && err != io.EOF && answer == "" {
		return false, nil
	}
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", nil
}
