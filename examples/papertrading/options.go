package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// options is what the command line says.
type options struct {
	file      string
	accounts  []string
	date      calendar.Date // zero: the next one
	speed     float64
	seed      int64
	bars      []string // files; none: made-up bars
	crashAt   string   // a time of the session, or empty
	restartAt string   // a time of the session, or empty
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	var accounts string
	var useBars bool
	flags := flag.NewFlagSet("papertrading", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main says what is wrong
	flags.StringVar(&o.file, "db", "papertrading.db", "the SQLite `file` of ledger and books")
	flags.StringVar(&accounts, "accounts", "alice,bob", "the accounts, separated by commas")
	flags.TextVar(&o.date, "date", calendar.Date{}, "the session to replay, as in 2026-11-23 (default: the one after the last)")
	flags.Float64Var(&o.speed, "speed", 600, "how many times faster than the clock on the wall; 1 is live, 0 as fast as it can")
	flags.Int64Var(&o.seed, "seed", 3, "the seed of the made-up bars")
	flags.BoolVar(&useBars, "bars", false, "replay the bar files MIC-SYMBOL-DATE.csv that are named after the flags")
	flags.StringVar(&o.crashAt, "crash-at", "", "exit hard at this `time` of the session, as in 16:05:30")
	flags.StringVar(&o.restartAt, "restart-at", "", "begin at this `time` of the session, as if the service had been down until then")
	// The files may stand between flags, which the flag package does not know.
	for rest := args; len(rest) > 0; {
		err := flags.Parse(rest)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: papertrading [flags] [-bars FILE...]")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
		}
		if err != nil {
			return o, err
		}
		for rest = flags.Args(); len(rest) > 0 && !strings.HasPrefix(rest[0], "-"); rest = rest[1:] {
			o.bars = append(o.bars, rest[0])
		}
	}
	for account := range strings.SplitSeq(accounts, ",") {
		if account = strings.TrimSpace(account); account != "" {
			o.accounts = append(o.accounts, account)
		}
	}
	return o, o.check(useBars)
}

func (o options) check(useBars bool) error {
	var errs []error
	if len(o.accounts) == 0 {
		errs = append(errs, errors.New("-accounts names none"))
	}
	if o.speed < 0 {
		errs = append(errs, fmt.Errorf("-speed %v is negative", o.speed))
	}
	if useBars && len(o.bars) == 0 {
		errs = append(errs, errors.New("-bars needs files after it"))
	}
	if !useBars && len(o.bars) > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", o.bars[0]))
	}
	for flag, text := range map[string]string{"-crash-at": o.crashAt, "-restart-at": o.restartAt} {
		if _, err := parseTime(text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", flag, err))
		}
	}
	return errors.Join(errs...)
}

// parseTime parses a time of day, 16:05:30 or 16:05. The empty text is none.
func parseTime(text string) (*calendar.WallTime, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse(time.TimeOnly, text)
	if err != nil {
		t, err = time.Parse("15:04", text)
	}
	if err != nil {
		return nil, fmt.Errorf("time %q: want the form 16:05:30", text)
	}
	wall := calendar.Wall(t.Hour(), t.Minute()) + calendar.WallTime(t.Second())
	return &wall, nil
}
