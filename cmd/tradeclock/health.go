package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/internal/faces"
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
		v = faces.CannotTell(err)
	}
	if cmd.String("output") == "json" {
		if err := a.json(v); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(a.out, plain(v.Line()))
	}
	if v.Code == faces.OK {
		return nil
	}
	return &exitError{code: int(v.Code)}
}

func judge(ctx context.Context, cmd *cli.Command) (*faces.Verdict, error) {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return faces.Judging{
		Name: s.name, View: s.view, Schedules: s.store, Directory: s.store, Calendar: s.calendar, Today: s.today(),
		Monitor: monitor.Monitor{Reader: s.store, Late: cmd.Duration("late"), Dead: cmd.Duration("dead")},
	}.Judge(ctx)
}
