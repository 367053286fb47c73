package sqlstore

import (
	"encoding/json"
	"slices"
	"strings"
)

// batch is how rows of tradeclock_runs reach a statement: two parameters, whatever
// their number. The rows of a batch are mostly of one occurrence and differ in few
// columns, so what they have alike is in parts, once for each row that differs in
// it.
type batch struct{ parts, rows string }

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
}

var ownNames = []string{"id", "account", "token", "start_offset", "started", "finished"}

// newBatch returns the batch of the rows.
func newBatch(rows []runRow) (b batch, err error) {
	var parts []batchPart
	known := make(map[runRow]int) // the numbers of parts
	own := make([]batchRow, len(rows))
	last := 0
	for i, row := range rows {
		own[i] = batchRow{N: i, ownColumns: row.ownColumns}
		row.ownColumns = ownColumns{}
		if i == 0 || row != parts[last].runRow {
			number, ok := known[row]
			if !ok {
				number = len(parts)
				known[row] = number
				parts = append(parts, batchPart{number, row})
			}
			last = number
		}
		own[i].Part = last
	}
	if b.parts, err = jsonText(parts); err != nil {
		return batch{}, err
	}
	b.rows, err = jsonText(own)
	return b, err
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

func jsonText(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}
