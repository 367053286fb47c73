package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/examples/internal/report"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

const eraseLine = "\r\x1b[K"

// screen shows the replay: log lines, and on a terminal a line beneath them that
// is kept up to date.
type screen struct {
	log   *slog.Logger
	clock tradeclock.Clock

	mu       sync.Mutex
	out      io.Writer
	terminal bool
	width    int
	status   string
}

func newScreen(out io.Writer, clock tradeclock.Clock) *screen {
	s := &screen{out: out, clock: clock}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		s.terminal = true
		s.width, _, _ = term.GetSize(int(file.Fd())) // zero, if it is unknown, cuts nothing
	}
	s.log = slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{ReplaceAttr: report.Stamp(s.clock, kolkata)}))
	return s
}

// begin says which day is replayed, and what is left out of its bars.
func (s *screen) begin(d day) {
	s.log.Info("replay", "session", d.String(), "calendar", nse.Name(), "version", nse.Version())
	for _, symbol := range d.outside.Symbols() {
		bars := d.outside[symbol]
		s.log.Warn("bars outside of the trading hours are left out", "symbol", symbol, "bars", len(bars),
			"first", bars[0].Start.In(kolkata).Format("15:04"))
	}
}

// schedulerLog passes on the scheduler's errors. What it says of runs comes through
// Observe.
func (s *screen) schedulerLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelError, ReplaceAttr: report.Stamp(s.clock, kolkata)}))
}

// Write writes log lines above the status line.
func (s *screen) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal {
		return s.out.Write(line)
	}
	if _, err := fmt.Fprintf(s.out, "%s%s%s", eraseLine, line, s.status); err != nil {
		return 0, err
	}
	return len(line), nil
}

// clear removes the status line.
func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = ""
	if s.terminal {
		fmt.Fprint(s.out, eraseLine)
	}
}

// Observe logs the runs that are worth a line: of the monitors', of which there
// are hundreds, the first and those that did not succeed.
func (s *screen) Observe(e tradeclock.Event) {
	switch e := e.(type) {
	case tradeclock.RunStarted:
		if !monitors(e.Run.Task) {
			s.log.Info("started", "task", e.Run.Task, "account", e.Run.Account)
		}
	case tradeclock.RunSettled:
		if !monitors(e.Run.Task) || e.Run.Outcome != tradeclock.Succeeded || e.Run.First {
			s.settled(e.Run)
		}
	case tradeclock.RunMissed:
		s.settled(e.Run)
	case tradeclock.RunSkipped:
		s.settled(e.Run)
	case tradeclock.TermChanged:
		if e.Number == 0 {
			s.log.Warn("the term is lost", "reason", e.Reason)
			return
		}
		s.log.Info("the scheduler is active", "term", e.Number)
	}
}

func monitors(task string) bool {
	return task == trading.TaskSellMonitor || task == trading.TaskPositionMonitor
}

func (s *screen) settled(run tradeclock.Run) {
	attrs := []any{"task", run.Task, "account", run.Account}
	if run.Occurrences() > 1 {
		attrs = append(attrs, "occurrences", run.Occurrences())
	}
	if run.Reason != "" {
		attrs = append(attrs, "reason", run.Reason)
	}
	for _, key := range slices.Sorted(maps.Keys(run.Details)) {
		attrs = append(attrs, key, run.Details[key])
	}
	s.log.Info(run.Outcome.String(), attrs...)
}

// fills logs orders that the market has filled or rejected.
func (s *screen) fills(orders []broker.Order) {
	for _, o := range orders {
		attrs := []any{"account", o.Account, "side", o.Side, "symbol", o.Symbol, "quantity", o.Quantity, "price", o.FillPrice, "for", o.Note}
		if o.Side == broker.Sell {
			attrs = append(attrs, "profit", o.Realised)
		}
		if o.Reason != "" {
			attrs = append(attrs, "reason", o.Reason)
		}
		s.log.Info(string(o.Status), attrs...)
	}
}

// minute shows where the replay is: on a terminal every minute, and else on the
// hour.
func (s *screen) minute(ctx context.Context, scheduler *tradeclock.UnifiedTaskScheduler, b *broker.Broker, accounts []string, session calendar.Date) {
	now := s.clock.Now().In(kolkata)
	if !s.terminal && now.Minute() != 0 {
		return
	}
	var profit money.Amount
	for _, account := range accounts {
		report, err := b.Report(ctx, account, session)
		if err != nil {
			s.log.Error("report", "error", err)
			return
		}
		profit += report.Profit()
	}
	status := scheduler.Status()
	if !s.terminal {
		s.log.Info("clock", "state", status.State, "next", next(status.Next), "profit", profit)
		return
	}
	s.show(fmt.Sprintf("%s  %s  runs: %s  next: %s  profit: %s",
		now.Format("2006-01-02 15:04"), status.State, running(status.Running), next(status.Next), profit))
}

func (s *screen) show(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.width > 0 && len(status) >= s.width {
		status = status[:s.width-1]
	}
	s.status = status
	fmt.Fprint(s.out, eraseLine, status)
}

func running(tasks []store.RunningTask) string {
	if len(tasks) == 0 {
		return "-"
	}
	names := make([]string, len(tasks))
	for i, t := range tasks {
		names[i] = t.Task + "/" + t.Account
	}
	return strings.Join(names, " ")
}

func next(due time.Time) string {
	if due.IsZero() {
		return "-"
	}
	return due.In(kolkata).Format("15:04")
}
