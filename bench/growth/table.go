package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// table is what was measured of a subject: the size in the first column, a figure
// in each other one. A figure that could not be taken is not a number.
type table struct {
	remark   string // when and on what
	headings []string
	rows     [][]float64
}

// write writes the table as CSV, below its remark.
func (t table) write(path string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n", t.remark)
	w := csv.NewWriter(&b)
	records := [][]string{t.headings}
	for _, row := range t.rows {
		records = append(records, cells(row))
	}
	if err := w.WriteAll(records); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func cells(values []float64) []string {
	var texts []string
	for _, v := range values {
		text := ""
		if !math.IsNaN(v) {
			text = strconv.FormatFloat(v, 'g', 4, 64)
		}
		if v == math.Trunc(v) {
			text = strconv.FormatFloat(v, 'f', 0, 64)
		}
		texts = append(texts, text)
	}
	return texts
}

// readTable reads what write has written.
func readTable(path string) (t table, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return t, err
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	t.remark = strings.TrimPrefix(first, "# ")
	records, err := csv.NewReader(strings.NewReader(rest)).ReadAll()
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	if len(records) == 0 {
		return t, fmt.Errorf("%s has no headings", path)
	}
	t.headings = records[0]
	for _, record := range records[1:] {
		row, err := numbers(record)
		if err != nil {
			return t, fmt.Errorf("%s: %w", path, err)
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}

func numbers(record []string) ([]float64, error) {
	row := make([]float64, len(record))
	for i, text := range record {
		if text == "" {
			row[i] = math.NaN()
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		row[i] = v
	}
	return row, nil
}

// column returns the sizes and the figures of a heading, without those that could
// not be taken.
func (t table) column(heading string) (sizes, figures []float64, err error) {
	i := slices.Index(t.headings, heading)
	if i < 0 {
		return nil, nil, fmt.Errorf("no figure is called %q", heading)
	}
	for _, row := range t.rows {
		if !math.IsNaN(row[i]) {
			sizes, figures = append(sizes, row[0]), append(figures, row[i])
		}
	}
	return sizes, figures, nil
}
