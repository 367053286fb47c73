package sqlstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// batch is the rows of tradeclock_runs that one call writes. They are mostly of few
// occurrences and differ in few columns, so what they have alike is in parts, once
// for each row that differs in it.
type batch struct {
	parts []batchPart
	rows  []batchRow // in the order of the call
	own   []string   // for each part the parameter of its rows, if parted has set it
}

// batchPart is what rows have alike.
type batchPart struct {
	Part int `json:"part"`
	runRow
}

// batchRow is what a row has of its own, its number and that of its part.
type batchRow struct {
	N    int `json:"n"`
	Part int `json:"part"`
	ownColumns
}

// ownColumns are the columns in which the rows of a burst differ. What is empty is
// left out of the JSON.
type ownColumns struct {
	ID          string `json:"id"`
	Account     string `json:"account"`
	Token       string `json:"token,omitempty"`
	StartOffset string `json:"start_offset,omitempty"`
	Started     string `json:"started,omitempty"`
	Finished    string `json:"finished,omitempty"`

	Lateness time.Duration `json:"-"` // of a run that has ended
}

var ownNames = []string{"id", "account", "token", "start_offset", "started", "finished"}

// newBatch returns the batch of the rows.
func newBatch(rows []runRow) batch {
	b := batch{rows: make([]batchRow, len(rows))}
	known := make(map[runRow]int) // the numbers of parts
	last := 0
	for i, row := range rows {
		b.rows[i] = batchRow{N: i, ownColumns: row.ownColumns}
		row.ownColumns = ownColumns{}
		if i == 0 || row != b.parts[last].runRow {
			number, ok := known[row]
			if !ok {
				number = len(b.parts)
				known[row] = number
				b.parts = append(b.parts, batchPart{number, row})
			}
			last = number
		}
		b.rows[i].Part = last
	}
	return b
}

// texts returns the two parameters in which a batch of any parts reaches a
// statement.
func (b batch) texts() (parts, rows string, err error) {
	if parts, err = jsonText(b.parts); err != nil {
		return "", "", err
	}
	rows, err = jsonText(b.rows)
	return parts, rows, err
}

// fewParts is how many parts of a batch are written one by one: a statement of one
// part has what its rows have alike as parameters, which is twice as fast as to join
// it to each row, but it is a statement more.
const fewParts = 8

// parted returns the batch with own, if its parts are few. It is for the caller to
// do before it has the database to itself.
func (b batch) parted() (batch, error) {
	if len(b.parts) > fewParts {
		return b, nil
	}
	rows := make([][]ownColumns, len(b.parts))
	if len(rows) == 1 {
		rows[0] = make([]ownColumns, 0, len(b.rows))
	}
	for _, row := range b.rows {
		rows[row.Part] = append(rows[row.Part], row.ownColumns)
	}
	for _, some := range rows {
		// In one order, so that two transactions do not wait for each other.
		slices.SortStableFunc(some, func(a, b ownColumns) int { return strings.Compare(a.Account, b.Account) })
		text, err := jsonText(some)
		if err != nil {
			return b, err
		}
		b.own = append(b.own, text)
	}
	return b, nil
}

// inParts reports whether the rows of each part follow each other.
func (b batch) inParts() bool {
	return slices.IsSortedFunc(b.rows, func(r, next batchRow) int { return r.Part - next.Part })
}

// batchOf returns common table expressions, of which batch has the given columns
// of the batch in $1 and $2, and n, which counts its rows. They are materialized
// so that each value is read from the JSON once.
func batchOf(columns ...string) string {
	parts, rows, all := []string{"part"}, []string{"n", "part"}, []string{"n"}
	for _, column := range columns {
		if slices.Contains(ownNames, column) {
			rows = append(rows, column)
			all = append(all, "coalesce(row_of."+column+", '') AS "+column)
		} else {
			parts = append(parts, column)
			all = append(all, "part_of."+column)
		}
	}
	return "WITH part_of AS MATERIALIZED ({elements $1 " + strings.Join(parts, " ") + "}), " +
		"row_of AS MATERIALIZED ({elements $2 " + strings.Join(rows, " ") + "}), " +
		"batch AS MATERIALIZED (SELECT " + strings.Join(all, ", ") +
		" FROM row_of JOIN part_of ON part_of.part = row_of.part) "
}

// partOf is batchOf for the rows of one part: they are in $1, and what they have
// alike is in the parameters that follow, which are part.values of the columns. It is
// not materialized, as each value is used once.
func partOf(columns ...string) string {
	var rows, all []string
	next := 2
	for _, column := range columns {
		if slices.Contains(ownNames, column) {
			rows = append(rows, column)
			all = append(all, "coalesce("+column+", '') AS "+column)
		} else {
			all = append(all, fmt.Sprintf("CAST($%d AS %s) AS %s", next, typeOf(column), column))
			next++
		}
	}
	return "WITH row_of AS ({elements $1 " + strings.Join(rows, " ") + "}), " +
		"batch AS (SELECT " + strings.Join(all, ", ") + " FROM row_of) "
}

// jsonText returns the JSON of a parameter. Zero bytes in its texts are replaced as
// plainText does it, and json.Marshal does so with broken UTF-8: for one such text
// PostgreSQL would refuse the whole batch.
func jsonText(value any) (string, error) {
	data, err := json.Marshal(value)
	text := string(data)
	if strings.Contains(text, `\u0000`) {
		text = zeroByte.Replace(text)
	}
	return text, err
}

// zeroByte knows a zero byte from a backslash before u0000.
var zeroByte = strings.NewReplacer(`\\`, `\\`, `\u0000`, `\ufffd`)
