// Package report writes a day's ledger and profit as tables.
package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
)

// line is the sum of one task's runs for one account.
type line struct {
	task, account string
	occurrences   int
	outcomes      map[tradeclock.Outcome]int
	reasons       map[string]int
}

var columns = []tradeclock.Outcome{
	tradeclock.Succeeded, tradeclock.Skipped, tradeclock.Failed, tradeclock.TimedOut,
	tradeclock.Missed, tradeclock.Interrupted, tradeclock.Running,
}

// Ledger writes the outcomes of a day's runs: a line for each task and account,
// in the order in which the tasks were first due.
func Ledger(w io.Writer, runs []tradeclock.Run) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "TASK\tACCOUNT\tOCCURRENCES")
	for _, outcome := range columns {
		fmt.Fprintf(table, "\t%s", strings.ToUpper(outcome.String()))
	}
	fmt.Fprintln(table, "\tREASONS")
	for _, l := range sum(runs) {
		fmt.Fprintf(table, "%s\t%s\t%d", l.task, l.account, l.occurrences)
		for _, outcome := range columns {
			fmt.Fprintf(table, "\t%s", count(l.outcomes[outcome]))
		}
		fmt.Fprintf(table, "\t%s\n", l.why())
	}
	return table.Flush()
}

func sum(runs []tradeclock.Run) []*line {
	var lines []*line
	byName := make(map[[2]string]*line)
	order := make(map[string]int)
	for _, run := range runs {
		key := [2]string{run.Task, run.Account}
		l := byName[key]
		if l == nil {
			l = &line{
				task: run.Task, account: run.Account,
				outcomes: make(map[tradeclock.Outcome]int), reasons: make(map[string]int),
			}
			byName[key] = l
			lines = append(lines, l)
		}
		if _, known := order[run.Task]; !known {
			order[run.Task] = len(order)
		}
		l.occurrences += run.Occurrences()
		l.outcomes[run.Outcome] += run.Occurrences()
		if run.Reason != "" {
			l.reasons[run.Reason] += run.Occurrences()
		}
	}
	slices.SortStableFunc(lines, func(a, b *line) int {
		return cmp.Or(cmp.Compare(order[a.task], order[b.task]), cmp.Compare(a.account, b.account))
	})
	return lines
}

// why lists the reasons, with how often each was given if there are several.
func (l *line) why() string {
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(l.reasons)) {
		if n := l.reasons[reason]; n > 1 {
			reason = fmt.Sprintf("%d times %s", n, reason)
		}
		reasons = append(reasons, reason)
	}
	if len(reasons) == 0 {
		return "-"
	}
	return strings.Join(reasons, "; ")
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// Interrupted names the runs that a stop or a crash cut off, if there are any.
func Interrupted(w io.Writer, loc *time.Location, runs []tradeclock.Run) error {
	title := "\nInterrupted\n\n"
	for _, run := range runs {
		if run.Outcome != tradeclock.Interrupted && !run.Outcome.Open() {
			continue
		}
		_, err := fmt.Fprintf(w, "%s%s of %s, due at %s: %s\n", title, run.Task, run.Account,
			run.Due.In(loc).Format(time.TimeOnly), cmp.Or(run.Reason, "it is not settled yet"))
		if err != nil {
			return err
		}
		title = ""
	}
	return nil
}

// Profit writes the accounts' day: what each was worth before and after it, and
// what it traded. The last line is that of all.
func Profit(w io.Writer, reports []broker.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "ACCOUNT\tOPENING\tCLOSING\tPROFIT\tREALISED\tFEES\tBOUGHT\tSOLD\tFILLED\tCANCELLED\tREJECTED\tWAITING\t")
	all := broker.Report{Account: "all"}
	for _, r := range reports {
		all = all.Plus(r)
	}
	for _, r := range append(slices.Clone(reports), all) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t\n", r.Account, r.Opening, r.Closing, r.Profit(),
			r.Realised, r.Fees, r.Bought, r.Sold, r.Filled, r.Cancelled, r.Rejected, r.Waiting)
	}
	return table.Flush()
}

// Fills writes the orders that were filled, by the minute.
func Fills(w io.Writer, loc *time.Location, orders []broker.Order) error {
	orders = slices.DeleteFunc(slices.Clone(orders), func(o broker.Order) bool { return o.Status != broker.StatusFilled })
	slices.SortStableFunc(orders, func(a, b broker.Order) int { return a.Settled.Compare(b.Settled) })
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "MINUTE\tACCOUNT\tSIDE\tSYMBOL\tQUANTITY\tPRICE\tFEES\tREALISED\tWHY\t")
	for _, o := range orders {
		realised := "-"
		if o.Side == broker.Sell {
			realised = o.Realised.String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t\n", o.Settled.In(loc).Format("15:04"),
			o.Account, o.Side, o.Symbol, o.Quantity, o.FillPrice, o.Fees, realised, o.Note)
	}
	return table.Flush()
}
