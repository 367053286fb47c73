package main

import (
	"bytes"
	"encoding/csv"
	"io"
	"reflect"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// nseRows returns the rows that a holiday list of the exchange adds to XNSE.csv:
// the days that it makes differ from the market as it was before. Days of the
// market that it takes back are returned beside them, and holidays that it may lack.
func nseRows(list io.Reader, before exchange.Market, source string, announced calendar.Date) (rows []byte, dropped []exchange.Day, lacks []exchange.Holiday, err error) {
	holidays, err := exchange.ReadNSEHolidays(list, "CM")
	if err != nil {
		return nil, nil, nil, err
	}
	after, err := holidays.Apply(before, source, announced)
	if err != nil {
		return nil, nil, nil, err
	}
	var b bytes.Buffer
	table := csv.NewWriter(&b)
	for _, d := range missing(after.Days, before.Days) {
		text, _ := d.Announced.MarshalText() // it cannot fail
		// The date, the status, four times that the list does not have, and the rest.
		err = table.Write([]string{d.Date.String(), string(d.Status), "", "", "", "", d.Name, string(text), d.Source})
		if err != nil {
			return nil, nil, nil, err
		}
	}
	table.Flush()
	dropped = missing(before.Days, after.Days)
	return b.Bytes(), dropped, holidays.Lacks(before), table.Error()
}

// missing returns the days of which no equal is among the others.
func missing(days, others []exchange.Day) []exchange.Day {
	return slices.DeleteFunc(slices.Clone(days), func(d exchange.Day) bool {
		return slices.ContainsFunc(others, func(other exchange.Day) bool { return reflect.DeepEqual(d, other) })
	})
}
