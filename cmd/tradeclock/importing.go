package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
)

func (a *app) importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "bring rows from a file: all of them, or none", ArgsUsage: "FILE",
		Description: "Example: tradeclock schedules import schedules.json --dry-run\n\n" +
			"The file is what export wrote, as JSON or CSV; - is the standard input. It shows the difference and what that " +
			"would change in the next sessions, and asks.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "prune", Usage: "remove the rows that the file does not have"},
		}, editFlags()...),
		Action: a.importRows,
	}
}

func (a *app) importRows(ctx context.Context, cmd *cli.Command) error {
	by, err := editor(cmd)
	if err != nil {
		return err
	}
	rows, err := a.readRows(cmd.Args().First())
	if err != nil {
		return err
	}
	s, err := open(ctx, cmd, writes)
	if err != nil {
		return err
	}
	defer s.close()
	revision, err := s.store.Revision(ctx)
	if err != nil {
		return err
	}
	before, err := a.schedules(ctx, s)
	if err != nil {
		return err
	}
	changes, err := changesTo(before, rows, cmd.Bool("prune"))
	if err != nil {
		return err
	}
	changes.Revision = revision
	agreed, err := a.agree(ctx, cmd, s, before, changes)
	if err != nil || !agreed {
		return err
	}
	if err := s.store.ChangeSchedules(ctx, by, changes); err != nil {
		return refused(err)
	}
	fmt.Fprintf(a.out, "Done: %d put, %d removed.\n", len(changes.Rows), len(changes.Removed))
	return nil
}

// changesTo returns what makes rows of before those of a file.
func changesTo(before, file []store.Schedule, prune bool) (changes store.ScheduleChanges, err error) {
	in := make(map[store.ScheduleKey]bool)
	for _, row := range file {
		if in[row.Key()] {
			return changes, exit(exitFailed, "the file has %s twice", row.Key())
		}
		in[row.Key()] = true
		lines, err := difference(before, store.ScheduleChanges{Rows: []store.Schedule{row}})
		if err != nil {
			return changes, err
		}
		if len(lines) > 0 {
			changes.Rows = append(changes.Rows, row)
		}
	}
	for _, row := range before {
		if prune && !in[row.Key()] {
			changes.Removed = append(changes.Removed, row.Key())
		}
	}
	return changes, nil
}

// readRows reads a file of rows, as JSON or CSV. The error has everything that is wrong.
func (a *app) readRows(file string) ([]store.Schedule, error) {
	var text []byte
	var err error
	switch file {
	case "":
		return nil, errors.New("which file? As in: tradeclock schedules import schedules.json")
	case "-":
		text, err = io.ReadAll(a.in)
	default:
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))) // the mark that spreadsheets begin a file with
	read := readCSV
	if len(text) > 0 && (text[0] == '[' || text[0] == '{') {
		read = readJSON
	}
	rows, err := read(text)
	if err != nil {
		return nil, exit(exitFailed, "%s: %w", file, err)
	}
	return rows, nil
}

// readJSON reads an array of rows.
func readJSON(text []byte) ([]store.Schedule, error) {
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("want a JSON array of rows, as export writes it: %w", err)
	}
	var errs []error
	rows := make([]store.Schedule, len(all))
	for i, one := range all {
		if err := rows[i].ReadJSON(one, cron.ParseRule); err != nil {
			var named struct{ Task string }
			_ = json.Unmarshal(one, &named)
			errs = append(errs, fmt.Errorf("row %d (%s): %w", i+1, named.Task, err))
		}
	}
	return rows, errors.Join(errs...)
}

// fileFields are those of a row that a file has.
var fileFields = faces.ScheduleFields[:len(faces.ScheduleFields)-3]

func (a *app) writeCSV(rows []store.Schedule) error {
	w := csv.NewWriter(a.out)
	_ = w.Write(fileFields)
	for _, row := range rows {
		fields, err := faces.FieldsOf(row)
		if err != nil {
			return err
		}
		line := make([]string, len(fileFields))
		for i, name := range fileFields {
			line[i] = fields[name]
		}
		_ = w.Write(line)
	}
	w.Flush()
	return w.Error()
}

// plainFields are those whose JSON is no text.
var plainFields = map[string]bool{"disabled": true, "priority": true, "retry.attempts": true}

// readCSV reads what writeCSV wrote, with the columns in any order.
func readCSV(text []byte) (rows []store.Schedule, err error) {
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, errors.New("it is empty: want a JSON array, or CSV with a header")
	}
	for _, name := range records[0] {
		if !slices.Contains(fileFields, name) {
			return nil, fmt.Errorf("column %q: want some of %s", name, strings.Join(fileFields, ", "))
		}
	}
	var errs []error
	for i, record := range records[1:] {
		row, err := rowOf(records[0], record)
		if err != nil {
			errs = append(errs, fmt.Errorf("row %d (%s): %w", i+1, nameIn(records[0], record), err))
		}
		rows = append(rows, row)
	}
	return rows, errors.Join(errs...)
}

// nameIn is the task of a record.
func nameIn(header, record []string) string {
	if i := slices.Index(header, "task"); i >= 0 {
		return record[i]
	}
	return ""
}

// rowOf makes a row of a record by way of its JSON, so that a file says the same in both.
func rowOf(header, record []string) (row store.Schedule, err error) {
	values, retry := make(map[string]json.RawMessage), make(map[string]json.RawMessage)
	for i, name := range header {
		if record[i] == "" {
			continue
		}
		value := json.RawMessage(record[i])
		if !plainFields[name] {
			if value, err = json.Marshal(record[i]); err != nil {
				return row, err
			}
		}
		if !json.Valid(value) {
			return row, fmt.Errorf("%s: %q is no value", name, record[i])
		}
		if inner, ok := strings.CutPrefix(name, "retry."); ok {
			retry[inner] = value
		} else {
			values[name] = value
		}
	}
	if len(retry) > 0 {
		if values["retry"], err = json.Marshal(retry); err != nil {
			return row, err
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return row, err
	}
	return row, row.ReadJSON(text, cron.ParseRule)
}
