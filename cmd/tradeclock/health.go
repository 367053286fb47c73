package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/monitor"
)

func (a *app) instancesCommand() *cli.Command {
	return &cli.Command{
		Name: "instances", Usage: "the service's processes, and which is active", Description: "Example: tradeclock instances",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			s, err := open(ctx, cmd, reads)
			if err != nil {
				return err
			}
			defer s.close()
			_, instances, err := monitor.Monitor{Reader: s.store}.Check(ctx, s.name)
			if err != nil {
				return err
			}
			return list(a, cmd, listing[monitor.Instance]{
				items:  instances,
				header: []string{"INSTANCE", "VERDICT", "STATE", "TERM", "BEAT AGO", "LAST TICK", "NEXT", "RUNNING", "DEGRADED"},
				line: func(i monitor.Instance) []string {
					h := i.Heartbeat
					term := ""
					if h.Term > 0 {
						term = fmt.Sprint(h.Term)
					}
					return []string{
						h.Instance, i.Liveness.String(), h.State.String(), term, h.Age.Round(time.Second).String(), s.dateTime(h.LastTick),
						s.dateTime(h.Next), fmt.Sprint(len(h.Running)), strings.Join(h.Degraded, "; "),
					}
				},
				none: "No instance ever sent a heartbeat.",
			})
		},
	}
}

// verdict is what a monitor is told: the worst of what was found.
type verdict struct {
	Code     int      `json:"code"`
	Status   string   `json:"status"`
	Summary  string   `json:"summary"`
	Findings []string `json:"findings,omitzero"`
	Missed   int      `json:"missed"`
	Degraded int      `json:"degraded"`
}

// The codes of a verdict are those of Nagios plugins.
const (
	healthOK       = 0
	healthWarning  = 1
	healthCritical = 2
	healthUnknown  = 3
)

var statuses = []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

func (v *verdict) find(code int, format string, args ...any) {
	v.Code = max(v.Code, code)
	v.Findings = append(v.Findings, plain(fmt.Sprintf(format, args...)))
}

func (a *app) healthCommand() *cli.Command {
	return &cli.Command{
		Name: "health", Usage: "one line and an exit code, for monitors",
		Description: "Example: tradeclock health --calendar XNSE\n\n" +
			"0 is well; 1 late, degraded, or a calendar that ends within 30 days; 2 nobody who runs tasks, or orders " +
			"missed since the last session began; 3 cannot be told.",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "late", Usage: "a heartbeat that is this old is late", Value: 90 * time.Second},
			&cli.DurationFlag{Name: "dead", Usage: "and dead, if it is this old", Value: 5 * time.Minute},
		},
		Action: a.health,
	}
}

func (a *app) health(ctx context.Context, cmd *cli.Command) error {
	v, err := judge(ctx, cmd)
	if err != nil {
		v = &verdict{Code: healthUnknown, Summary: plain(err.Error())}
	}
	v.Status = statuses[v.Code]
	if cmd.String("output") == "json" {
		if err := a.json(v); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.out, "TRADECLOCK %s - %s | missed=%d degraded=%d\n", v.Status, strings.Join(append([]string{v.Summary}, v.Findings...), "; "), v.Missed, v.Degraded)
	}
	if v.Code == healthOK {
		return nil
	}
	return &exitError{code: v.Code}
}

func judge(ctx context.Context, cmd *cli.Command) (*verdict, error) {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return nil, err
	}
	defer s.close()
	v := new(verdict)
	liveness, instances, err := monitor.Monitor{Reader: s.store, Late: cmd.Duration("late"), Dead: cmd.Duration("dead")}.Check(ctx, s.name)
	if err != nil {
		return nil, err
	}
	term, err := s.term(ctx)
	if err != nil {
		return nil, err
	}
	v.judgeLiveness(s.name, liveness, instances, term)
	v.judgeCoverage(s)
	return v, v.judgeMissed(ctx, s)
}

func (v *verdict) judgeLiveness(name string, liveness monitor.Liveness, instances []monitor.Instance, term tradeclock.TermState) {
	v.Summary = fmt.Sprintf("%s has no active instance", name)
	for _, i := range instances {
		if i.Liveness != liveness {
			continue
		}
		v.Summary = plain(fmt.Sprintf("%s is %v on %s, term %d", name, i.Heartbeat.State, i.Heartbeat.Instance, i.Heartbeat.Term))
		if liveness == monitor.Alive {
			v.Degraded = len(i.Heartbeat.Degraded)
			for _, text := range i.Heartbeat.Degraded {
				v.find(healthWarning, "%s", text)
			}
		}
		break
	}
	switch liveness {
	case monitor.Alive:
		if !term.Held() {
			v.find(healthCritical, "nobody holds the term")
		}
	case monitor.Late:
		v.find(healthWarning, "its heartbeat is late")
	case monitor.Wedged:
		v.find(healthCritical, "it beats and does not tick")
	case monitor.Standby:
		v.find(healthCritical, "instances stand by, and none is active")
	case monitor.Stopped:
		v.find(healthCritical, "it was stopped")
	case monitor.Dead:
		v.find(healthCritical, "no heartbeat for long, or ever")
	}
}

const coverageWarning = 30 // days

func (v *verdict) judgeCoverage(s *service) {
	limited, ok := s.calendar.(calendar.Covered)
	if !ok {
		return
	}
	if _, last := limited.Coverage(); daysTo(s.today(), last) <= coverageWarning {
		v.find(healthWarning, "calendar %s ends on %v", s.calendar.Name(), last)
	}
}

// judgeMissed looks for runs that are delivered at most once, as those of orders are, and
// were missed since the last session began.
func (v *verdict) judgeMissed(ctx context.Context, s *service) error {
	since := s.today()
	for range 14 {
		if session, err := s.calendar.Session(since); err == nil && session.Open() {
			break
		}
		since = since.AddDays(-1)
	}
	rows, err := s.store.Schedules(ctx)
	if err != nil && rows == nil {
		return err
	}
	orders := make(map[string]bool)
	for _, row := range rows {
		orders[row.Task] = orders[row.Task] || row.Delivery == tradeclock.AtMostOnce
	}
	missed, err := s.view.Runs(ctx, tradeclock.Query{From: since, Outcomes: []tradeclock.Outcome{tradeclock.Missed}, NewestFirst: true, Limit: pageSize})
	if err != nil {
		return err
	}
	tasks := make(map[string]bool)
	for _, run := range missed {
		if orders[run.Task] {
			v.Missed += run.Occurrences()
			tasks[run.Task] = true
		}
	}
	if v.Missed > 0 {
		var names []string
		for task := range tasks {
			names = append(names, task)
		}
		slices.Sort(names)
		v.find(healthCritical, "%d missed since %v: %s", v.Missed, since, strings.Join(names, ", "))
	}
	return nil
}
