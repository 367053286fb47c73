package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/store"
)

func (a *app) simulateCommand() *cli.Command {
	return &cli.Command{
		Name: "simulate", Usage: "play the days to come, and see what overlaps, is late or does not run", ArgsUsage: "[FROM]",
		Description: "Example: tradeclock simulate tomorrow --days 90 --takes buy_orders=40s,analysis=25m\n\n" +
			"Nothing is written, and no task is called: each run takes as long as --takes says, or as long as the task's " +
			"successful runs of the last thirty days took in the middle. Each account that is enrolled takes part, or as " +
			"many as --accounts says.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "days", Value: 365, Usage: "how many days"},
			&cli.StringSliceFlag{Name: "takes", Usage: "how long a run takes, as in `TASK=DURATION`"},
			&cli.IntFlag{Name: "accounts", Usage: "how many accounts; else those that are enrolled"},
			&cli.IntFlag{Name: "max-concurrent", Usage: "how many runs may go on at once, as the service has it; else any number"},
			&cli.StringSliceFlag{Name: "start-limit", Usage: "a limit that rows name, as in `NAME=STARTS/DURATION`"},
			&cli.StringFlag{Name: "schedules", Usage: "the rows of a `FILE`, as export writes it, in place of the stored ones"},
		},
		Action: a.simulate,
	}
}

// The most that is simulated: what runs is kept in memory for some days.
const (
	mostDays     = 3660
	mostAccounts = 1000
)

func (a *app) simulate(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	plan, err := a.simulationOf(ctx, cmd, s)
	if err != nil {
		return err
	}
	played, err := plan.play(ctx)
	if err != nil {
		return err
	}
	if cmd.String("output") != "table" {
		return list(a, cmd, s.simulatedListing(played.tasks))
	}
	fmt.Fprintf(a.out, "%v to %v, %s, %s: %s at most at once%s\n\n", plan.first, plan.first.AddDays(plan.days-1), s.loc,
		counted(len(plan.accounts), "account"), counted(played.peak, "run"), s.peakAt(played))
	if err := list(a, cmd, s.simulatedListing(played.tasks)); err != nil {
		return err
	}
	if len(played.causes) > 0 {
		fmt.Fprintln(a.out)
		return list(a, cmd, s.causesListing(played.causes))
	}
	return nil
}

func (s *service) peakAt(p *played) string {
	if p.peak == 0 {
		return ""
	}
	return ", first on " + s.dateTime(p.peakAt)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// simulationOf reads what the flags, the rows and the history say.
func (a *app) simulationOf(ctx context.Context, cmd *cli.Command, s *service) (*simulation, error) {
	sim := &simulation{service: s, days: cmd.Int("days"), places: cmd.Int("max-concurrent")}
	if sim.days < 1 || sim.days > mostDays {
		return nil, fmt.Errorf("--days: %d is not between 1 and %d", sim.days, mostDays)
	}
	if sim.places < 0 {
		return nil, fmt.Errorf("--max-concurrent: %d is negative", sim.places)
	}
	var err error
	if sim.first, err = s.dateArg(cmd, 0); err != nil {
		return nil, err
	}
	if sim.rows, err = a.rowsToSimulate(ctx, cmd, s); err != nil {
		return nil, err
	}
	if sim.limits, err = startLimitsOf(cmd.StringSlice("start-limit")); err != nil {
		return nil, err
	}
	if sim.accounts, err = s.accountsToSimulate(ctx, cmd.Int("accounts")); err != nil {
		return nil, err
	}
	sim.takes, err = s.takes(ctx, sim.rows, cmd.StringSlice("takes"))
	return sim, err
}

func (a *app) rowsToSimulate(ctx context.Context, cmd *cli.Command, s *service) ([]store.Schedule, error) {
	if file := cmd.String("schedules"); file != "" {
		return a.readRows(file)
	}
	return a.schedules(ctx, s)
}

// accountsToSimulate are the enrolled ones, and made-up ones where more are asked for.
func (s *service) accountsToSimulate(ctx context.Context, asked int) (accounts []string, err error) {
	if asked < 0 || asked > mostAccounts {
		return nil, fmt.Errorf("--accounts: %d is not between 1 and %d", asked, mostAccounts)
	}
	most := asked
	if asked == 0 {
		most = mostAccounts
	}
	found, err := s.store.Enrolments(ctx, store.EnrolmentQuery{Scheduler: s.name, Limit: most + 1})
	if err != nil {
		return nil, err
	}
	if asked == 0 && len(found) > most {
		return nil, fmt.Errorf("more than %d accounts are enrolled: say how many by --accounts", most)
	}
	for _, e := range found[:min(len(found), most)] {
		if e.Withdrawn.IsZero() || !e.Returned.IsZero() {
			accounts = append(accounts, e.Account)
		}
	}
	for i := 1; len(accounts) < max(asked, 1); i++ {
		if name := fmt.Sprintf("simulated %d", i); !slices.Contains(accounts, name) {
			accounts = append(accounts, name)
		}
	}
	return accounts, nil
}

// startLimitsOf reads limits as in orders=10/1s.
func startLimitsOf(texts []string) (limits []store.StartLimit, err error) {
	for _, text := range texts {
		name, rate, ok := strings.Cut(text, "=")
		starts, per, both := strings.Cut(rate, "/")
		l := store.StartLimit{Name: name}
		if l.Starts, err = strconv.Atoi(starts); !ok || !both || err != nil {
			return nil, fmt.Errorf("--start-limit: %q is not as in orders=10/1s", text)
		}
		if l.Per, err = time.ParseDuration(per); err != nil {
			return nil, fmt.Errorf("--start-limit: %q is not as in orders=10/1s: %w", text, err)
		}
		limits = append(limits, l)
	}
	return limits, nil
}

// takes says how long the runs of each task take.
func (s *service) takes(ctx context.Context, rows []store.Schedule, texts []string) (map[string]time.Duration, error) {
	takes := make(map[string]time.Duration)
	for _, row := range rows {
		if _, known := takes[row.Task]; known {
			continue
		}
		middle, err := s.middle(ctx, row.Task)
		if err != nil {
			return nil, err
		}
		takes[row.Task] = middle
	}
	for _, text := range texts {
		task, taken, _ := strings.Cut(text, "=")
		if _, known := takes[task]; !known {
			return nil, fmt.Errorf("--takes: no row has the task %q", task)
		}
		d, err := time.ParseDuration(taken)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("--takes: %q is not as in buy_orders=40s", text)
		}
		takes[task] = d
	}
	return takes, nil
}

// middle is the median of how long the task's last runs took that succeeded, or zero.
func (s *service) middle(ctx context.Context, task string) (time.Duration, error) {
	runs, err := s.view.Runs(ctx, store.Query{
		Task: task, Outcomes: []store.Outcome{store.Succeeded}, From: s.today().AddDays(-30), NewestFirst: true, Limit: pageSize,
	})
	if err != nil || len(runs) == 0 {
		return 0, err
	}
	var took []time.Duration
	for _, run := range runs {
		took = append(took, run.Finished.Sub(run.Started))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func (s *service) simulatedListing(tasks []*simulated) listing[*simulated] {
	return listing[*simulated]{
		items:  tasks,
		header: []string{"TASK", "TAKES", "SUCCEEDED", "TIMED OUT", "MISSED", "SKIPPED", "WORST DELAY", "AT ONCE"},
		line: func(t *simulated) []string {
			return []string{
				t.Task, said.Duration(t.Takes), strconv.Itoa(t.Succeeded), strconv.Itoa(t.TimedOut), strconv.Itoa(t.Missed), strconv.Itoa(t.Skipped),
				said.Duration(t.WorstDelay), strconv.Itoa(t.AtOnce),
			}
		},
		paint: func(t *simulated, column int) string {
			if column == 3 && t.TimedOut > 0 || column == 4 && t.Missed > 0 {
				return red
			}
			return ""
		},
		none: "There are no schedules.",
	}
}

func (s *service) causesListing(causes []*cause) listing[*cause] {
	return listing[*cause]{
		items:  causes,
		header: []string{"TASK", "OUTCOME", "TIMES", "FIRST", "WHY, THE FIRST TIME"},
		line: func(w *cause) []string {
			return []string{w.Task, w.Outcome.String(), strconv.Itoa(w.Times), s.dateTime(w.First), w.Reason}
		},
	}
}

// quiet is a logger for what nobody is to read.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
