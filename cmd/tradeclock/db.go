package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/sqlstore"
)

func (a *app) dbCommand() *cli.Command {
	return &cli.Command{
		Name: "db", Usage: "the database: check, migrate",
		Commands: []*cli.Command{
			{
				Name: "check", Usage: "whether this program and the database fit each other", Description: "Example: tradeclock db check\n\nIt ends with 3 if they do not.",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "tallies", Usage: "count all runs too, and compare the tallies with them"}},
				Action: a.checkDB,
			},
			{
				Name: "migrate", Usage: "make the tables, or bring them to this version",
				Description: "Example: tradeclock db migrate\n\nThe service does it by itself when it starts. A service of an older version cannot open the database afterwards.",
				Flags:       []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}},
				Action:      a.migrate,
			},
		},
	}
}

func (a *app) checkDB(ctx context.Context, cmd *cli.Command) error {
	s, err := open(ctx, cmd, reads)
	if err != nil {
		return err
	}
	defer s.close()
	states, err := s.store.Schedulers(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, "The database has the tables of this version.")
	for _, state := range states {
		holder := "nobody holds the term"
		if state.Held() {
			holder = fmt.Sprintf("held by %s until %s", state.Term.Holder, s.dateTime(state.Expires))
		}
		fmt.Fprintf(a.out, "%s: term %d, %s; accounted for up to %s\n", plain(state.Term.Scheduler), state.Term.Number, plain(holder), s.dateTime(state.Watermark))
	}
	if cmd.Bool("tallies") {
		return a.checkTallies(ctx, s)
	}
	return nil
}

func (a *app) checkTallies(ctx context.Context, s *service) error {
	differences, err := s.store.CheckTallies(ctx)
	if err != nil {
		return err
	}
	if len(differences) == 0 {
		fmt.Fprintln(a.out, "The tallies agree with the runs.")
		return nil
	}
	d := differences[0]
	of := cmp.Or(d.Told.Key(), d.Counted.Key())
	return fmt.Errorf("%d tallies do not agree with the runs, among them %s %s %v of %s: %d are told, and there are %d",
		len(differences), of.Task, of.Slot, of.Outcome, of.Scheduler, d.Told.Runs, d.Counted.Runs)
}

func (a *app) migrate(ctx context.Context, cmd *cli.Command) error {
	db, err := openDB(cmd.String("db"), writes)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = sqlstore.Open(ctx, db, sqlstore.WithoutMigration())
	switch {
	case err == nil:
		fmt.Fprintln(a.out, "The database has the tables of this version already.")
		return nil
	case !errors.Is(err, sqlstore.ErrOlderSchema):
		return err
	}
	if yes, err := a.ask(cmd, plain(err.Error())+". Bring it up to date?"); err != nil || !yes {
		return err
	}
	if _, err := sqlstore.Open(ctx, db); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "Done.")
	return nil
}
