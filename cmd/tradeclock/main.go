// Command tradeclock shows operators the day of a trading service, says why a task did or
// did not run, and stops accounts and edits schedules, on the service's database and from
// outside of its process. Commands that read never write, and none makes or updates tables
// but tradeclock db migrate.
//
// It owns the words and pictures in which people and monitors are answered. It is told flags
// and a database, and answers with text, tables, JSON or CSV, and an exit code. It imports
// the root, its stores and calendars, the rules of cron, and the drivers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"github.com/tradeclock/tradeclock/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		a.terminal = true
		a.width, _, _ = term.GetSize(fd)
	}
	a.asks = term.IsTerminal(int(os.Stdin.Fd()))
	os.Exit(a.run(ctx, os.Args))
}

// The exit codes. Those of health are a monitor's: see health.go.
const (
	exitFailed   = 1 // it was refused, or found what it was to look for
	exitDiffers  = 2 // a dry run would change something
	exitUnknown  = 3 // a flag is wrong, or the database cannot be read
	exitNoAnswer = 4 // the service did not answer in time
	exitConflict = 5 // somebody else has edited meanwhile: nothing was written
)

// exitError is an error with which the program ends with a code of its own.
type exitError struct {
	code int
	err  error // nil says nothing more
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func exit(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// app is where the program reads and writes.
type app struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // out is one
	width    int  // of the terminal, or zero
	asks     bool // somebody is there to answer
}

// run runs a command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	err := a.root().Run(ctx, args)
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(a.err, "tradeclock:", plain(strings.ReplaceAll(text, "\n", "; ")))
	}
	var e *exitError
	var conflict *store.ConflictError
	switch {
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &conflict) || errors.Is(err, store.ErrSchedulesChanged):
		return exitConflict
	}
	return exitUnknown
}

// version is that of the module, as the go command knows it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (a *app) root() *cli.Command {
	root := &cli.Command{
		Name:                  "tradeclock",
		Usage:                 "the day of a trading service: ask, see, stop",
		Version:               version(),
		EnableShellCompletion: true,
		Suggest:               true,
		Writer:                a.out,
		ErrWriter:             a.err,
		Reader:                a.in,
		ExitErrHandler:        func(context.Context, *cli.Command, error) {},
		Flags:                 globalFlags(),
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print the completion script of a shell: bash, zsh, fish or pwsh"
		},
		Commands: []*cli.Command{
			a.planCommand(), a.runsCommand(), a.explainCommand(), a.schedulesCommand(), a.calendarCommand(),
			a.accountsCommand(), a.instancesCommand(), a.healthCommand(), a.haltCommand(), a.liftCommand(), a.haltsCommand(),
			a.triggerCommand(), a.cancelCommand(), a.skipCommand(), a.moveCommand(), a.restoreCommand(), a.overridesCommand(), a.requestsCommand(),
			a.auditCommand(), a.simulateCommand(), a.dbCommand(),
		},
	}
	strict(root)
	return root
}

// strict has a command and those below it say what is wrong with their flags and nothing
// more, and refuse an argument that they would pass over: halt 42 43 is not to stop one
// account alone.
func strict(c *cli.Command) {
	c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return err }
	for _, sub := range c.Commands {
		strict(sub)
	}
	act, most := c.Action, argumentsIn(c.ArgsUsage)
	group := act == nil
	if group {
		act = func(_ context.Context, cmd *cli.Command) error { return cli.ShowSubcommandHelp(cmd) }
	}
	c.Action = func(ctx context.Context, cmd *cli.Command) error {
		switch given := cmd.Args(); {
		case given.Len() > most && group:
			return fmt.Errorf("there is no command %q: see %s --help", given.First(), cmd.FullName())
		case given.Len() > most:
			return fmt.Errorf("%q is one argument too many: see %s --help", given.Get(most), cmd.FullName())
		}
		return act(ctx, cmd)
	}
}

// argumentsIn is how many arguments a command takes, as its help has them: TASK [DATE] are
// two, and ACCOUNT | --all is one.
func argumentsIn(usage string) (n int) {
	for _, word := range strings.Fields(usage) {
		if strings.ToUpper(word) == word && word != "|" {
			n++
		}
	}
	return n
}

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "db", Usage: "the database: sqlite:FILE, or postgres://…", Sources: cli.EnvVars("TRADECLOCK_DB")},
		&cli.StringFlag{Name: "scheduler", Usage: "the scheduler's `NAME`, if the database has several", Sources: cli.EnvVars("TRADECLOCK_SCHEDULER")},
		&cli.StringFlag{Name: "calendar", Usage: "the service's calendar, as in XNSE; else Monday to Friday", Sources: cli.EnvVars("TRADECLOCK_CALENDAR")},
		&cli.StringFlag{Name: "calendars", Usage: "a `FOLDER` with calendar files, on top of the built-in ones", Sources: cli.EnvVars("TRADECLOCK_CALENDARS")},
		&cli.StringFlag{Name: "tz", Usage: "the service's time `ZONE`; else the calendar's, or UTC", Sources: cli.EnvVars("TRADECLOCK_TZ")},
		&cli.StringFlag{Name: "at", Usage: "take this `TIME` for now: 15:04, 2006-01-02T15:04, or an instant"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "table", Usage: "table, json, jsonl or csv"},
		&cli.BoolFlag{Name: "no-color", Usage: "no colours; NO_COLOR says the same"},
	}
}
