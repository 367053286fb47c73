package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tradeclock/tradeclock/calendar"
)

// facts reads the tables of a folder. What is wrong with them is gathered, each
// problem with its file and line, so that the code which reads stays plain.
type facts struct {
	dir  fs.FS
	errs []error
}

// row is one line of a table: its cells by the name of the column.
type row struct {
	facts *facts
	place string
	cells map[string]string
}

func (f *facts) fail(place, format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf("%s: %w", place, fmt.Errorf(format, args...)))
}

func (f *facts) err() error { return errors.Join(f.errs...) }

// table returns the rows of a CSV file below its header.
func (f *facts) table(name string) []row {
	file, err := f.dir.Open(name)
	if err != nil {
		f.fail(name, "%w", err)
		return nil
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	switch {
	case err != nil:
		f.fail(name, "%w", err)
		return nil
	case len(lines) == 0:
		f.fail(name, "the table is empty")
		return nil
	}
	var rows []row
	for i, line := range lines[1:] {
		cells := make(map[string]string, len(line))
		for j, column := range lines[0] {
			cells[column] = line[j]
		}
		rows = append(rows, row{f, fmt.Sprintf("%s:%d", name, i+2), cells})
	}
	return rows
}

// tableOf returns the rows of which the column has the value.
func (f *facts) tableOf(name, column, value string) []row {
	var rows []row
	for _, r := range f.table(name) {
		if r.text(column) == value {
			rows = append(rows, r)
		}
	}
	return rows
}

// text returns a cell, which may be empty. The column must be there.
func (r row) text(column string) string {
	text, ok := r.cells[column]
	if !ok {
		r.facts.fail(r.place, "there is no column %q", column)
	}
	return text
}

// optional returns a cell of a column that a table need not have.
func (r row) optional(column string) string { return r.cells[column] }

func (r row) date(column string) calendar.Date { return r.parseDate(column, r.text(column)) }

func (r row) parseDate(column, text string) (d calendar.Date) {
	if err := d.UnmarshalText([]byte(text)); err != nil {
		r.facts.fail(r.place, "%s: %w", column, err)
	}
	return d
}

func (r row) wallTime(column string) (w calendar.WallTime) {
	if err := w.UnmarshalText([]byte(r.text(column))); err != nil {
		r.facts.fail(r.place, "%s: %w", column, err)
	}
	return w
}
