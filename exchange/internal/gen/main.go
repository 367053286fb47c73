// Command gen builds the data files of the embedded calendars from the facts. It
// is run in the folder of package exchange, by go generate:
//
//	facts/*.csv  ->  data/<MIC>.json
//
// It refuses facts that do not make valid calendars, and writes nothing then.
//
// Given a holiday list of the National Stock Exchange of India, it writes no data
// but prints the rows that the list adds to facts/XNSE.csv:
//
//	gen -nse holiday-master.json -source NSE/CMTR/71775 -announced 2025-12-12
//
// Given a date, it lists the markets whose next year should be there by then, as
// facts/releases.csv says, and fails if there are any:
//
//	gen -due 2026-12-21
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func main() {
	list := flag.String("nse", "", "a `file` with the JSON of the exchange's holiday master")
	source := flag.String("source", "", "the number of the circular that the list is of")
	var announced calendar.Date
	flag.TextVar(&announced, "announced", calendar.Date{}, "the `date` of that circular")
	var due calendar.Date
	flag.TextVar(&due, "due", calendar.Date{}, "list what is overdue on the `date`")
	flag.Parse()

	var err error
	switch {
	case !due.IsZero():
		err = overdue(os.DirFS("facts"), due)
	case *list == "":
		err = run("facts", "data")
	default:
		err = printNSE(*list, *source, announced)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	files, err := generate(os.DirFS(from))
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func printNSE(list, source string, announced calendar.Date) error {
	f, err := os.Open(list)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := exchange.EmbeddedMarket("XNSE")
	if err != nil {
		return err
	}
	rows, dropped, lacks, err := nseRows(f, m, source, announced)
	if err != nil {
		return err
	}
	for _, d := range lacks {
		fmt.Fprintf(os.Stderr, "not in the list, so please confirm: %s, which was on %s\n", d.Name, d.Date)
	}
	for _, d := range dropped {
		fmt.Fprintf(os.Stderr, "not in the list, so take it out of the table: %s, %s\n", d.Date, d.Name)
	}
	_, err = os.Stdout.Write(rows)
	return err
}
