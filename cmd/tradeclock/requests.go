package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
)

func (a *app) triggerCommand() *cli.Command {
	return &cli.Command{
		Name: "trigger", Usage: "have the service run a task now", ArgsUsage: "TASK",
		Description: "Example: tradeclock trigger buy_orders --account 42 --today --actor ana\n\n" +
			"Without --today or --session the run stands for no occurrence of the schedule.",
		Flags: append(askFlags(),
			&cli.StringFlag{Name: "account", Usage: "the `ACCOUNT` that it is for; that without a name if it is not said"},
			&cli.BoolFlag{Name: "today", Usage: "it stands for the run of today, which must not have started"},
			&cli.StringFlag{Name: "session", Usage: "it stands for the run of the session of a `DATE`, which was missed or skipped"},
			&cli.BoolFlag{Name: "force", Usage: "on a day that is none of the task's, too"},
		),
		Action: a.trigger,
	}
}

func (a *app) cancelCommand() *cli.Command {
	return &cli.Command{
		Name: "cancel", Usage: "have the service end what runs", ArgsUsage: "[TASK]",
		Description: "Example: tradeclock cancel analysis --account 42 --reason \"stuck\" --actor ana\n\n" +
			"What is due next starts as ever: for that see halt. Without a task all that runs of the account is ended.",
		Flags: append(askFlags(),
			&cli.StringFlag{Name: "account", Usage: "what runs for this `ACCOUNT`"},
			&cli.BoolFlag{Name: "all", Usage: "what runs for any account"},
			&cli.StringFlag{Name: "slot", Usage: "the run of this `SLOT` alone"},
		),
		Action: a.cancel,
	}
}

func (a *app) requestsCommand() *cli.Command {
	return &cli.Command{
		Name: "requests", Usage: "what people asked of the service, and what it answered",
		Description: "Example: tradeclock requests --open",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "open", Usage: "those that wait for an answer"}, limitFlag(request.DefaultLimit)},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			s, err := open(ctx, cmd, reads)
			if err != nil {
				return err
			}
			defer s.close()
			found, err := s.store.Requests(ctx, request.Query{Scheduler: s.name, Open: cmd.Bool("open"), Limit: cmd.Int("limit")})
			if err != nil {
				return err
			}
			return list(a, cmd, listing[request.Request]{
				items:  found,
				header: []string{"ASKED", "BY", "WHAT", "TASK", "ACCOUNT", "ANSWER", "TEXT"},
				line: func(r request.Request) []string {
					answer := string(r.Answer)
					if r.Open() {
						answer = "open"
					}
					return []string{s.dateTime(r.At), r.Actor, string(r.Kind), r.Task, r.Account, answer, r.Text}
				},
				none: "There are no such requests.",
			})
		},
	}
}

func askFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "reason", Usage: "why, for those who read it later"},
		&cli.StringFlag{Name: "actor", Usage: "who asks", Sources: cli.EnvVars("TRADECLOCK_ACTOR")},
		&cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Usage: "how long to wait for the answer"},
		&cli.DurationFlag{Name: "expires", Value: request.DefaultExpiry, Usage: "how long the service may take to begin with it, as when it is down"},
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
	}
}

func (a *app) trigger(ctx context.Context, cmd *cli.Command) error {
	r := request.Request{
		Kind: request.Trigger, Task: cmd.Args().First(), Account: cmd.String("account"), ForToday: cmd.Bool("today"), Force: cmd.Bool("force"),
	}
	if r.Task == "" {
		return errors.New("which task? Name one")
	}
	if text := cmd.String("session"); text != "" {
		date, err := calendar.ParseDate(text)
		if err != nil {
			return fmt.Errorf("--session: %w", err)
		}
		r.Session = date
	}
	s, err := open(ctx, cmd, writes)
	if err != nil {
		return err
	}
	defer s.close()
	return a.request(ctx, cmd, s, r, fmt.Sprintf("Run %s of %s now?", r.Task, nameOf(r.Account)))
}

func (a *app) cancel(ctx context.Context, cmd *cli.Command) error {
	r := request.Request{Kind: request.Cancel, Task: cmd.Args().First(), Account: cmd.String("account"), Slot: cmd.String("slot")}
	switch {
	case r.Account == "" && !cmd.Bool("all"):
		return errors.New("for whom? Name an account by --account, or say --all")
	case cmd.String("reason") == "":
		return errors.New("a cancellation says why: --reason is required")
	}
	what := "all that runs"
	if r.Task != "" {
		what = "what runs of " + r.Task
	}
	of := nameOf(r.Account)
	if r.Account == "" {
		of = "all accounts"
	}
	s, err := open(ctx, cmd, writes)
	if err != nil {
		return err
	}
	defer s.close()
	return a.request(ctx, cmd, s, r, fmt.Sprintf("End %s of %s?", what, of))
}

func nameOf(account string) string {
	if account == "" {
		return "the account without a name"
	}
	return "account " + account
}

// request asks the active process of the service, and waits for its answer.
func (a *app) request(ctx context.Context, cmd *cli.Command, s *service, r request.Request, question string) error {
	if cmd.String("actor") == "" {
		return errors.New("a request says by whom: --actor is required")
	}
	if yes, err := a.ask(cmd, question); err != nil || !yes {
		return err
	}
	return a.answered(ctx, cmd, s, r)
}

// answered stores a request, and tells the answer.
func (a *app) answered(ctx context.Context, cmd *cli.Command, s *service, r request.Request) error {
	r.Scheduler, r.Actor, r.Reason = s.name, cmd.String("actor"), cmd.String("reason")
	if cmd.IsSet("expires") {
		r.Expires = s.now().Add(cmd.Duration("expires"))
	}
	asked, err := s.store.Ask(ctx, r)
	if err != nil {
		return refused(fmt.Errorf("nothing was asked: %w", err))
	}
	answered, err := s.awaitAnswer(ctx, asked, cmd.Duration("wait"))
	if err != nil {
		return err
	}
	switch answered.Answer {
	case request.Done:
		fmt.Fprintf(a.out, "Done: %s.\n", plain(answered.Text))
		return nil
	case request.Refused:
		return exit(exitFailed, "refused: %s", answered.Text)
	case request.Expired:
		return exit(exitNoAnswer, "it has expired: %s", answered.Text)
	}
	return exit(exitNoAnswer, "nobody has answered yet: the request holds until %s, and tradeclock requests shows what becomes of it",
		s.dateTime(asked.Expires))
}

// awaitAnswer reads a request again until it is answered, or for so long.
func (s *service) awaitAnswer(ctx context.Context, asked request.Request, wait time.Duration) (request.Request, error) {
	given := s.clock.After(wait)
	for {
		found, err := s.store.Requests(ctx, request.Query{Scheduler: s.name, ID: asked.ID})
		if err != nil {
			return asked, err
		}
		if len(found) == 1 && !found[0].Open() {
			return found[0], nil
		}
		select {
		case <-ctx.Done():
			return asked, context.Cause(ctx)
		case <-given:
			return asked, nil
		case <-s.clock.After(200 * time.Millisecond):
		}
	}
}
