// Brokersandbox is a broker to practise on: a process of its own, for examples/realtrading.
// Logins expire, ten changes a second are taken, answers are lost or late, and who
// comes with an older term than was seen is refused.
//
//	go run ./examples/realtrading/brokersandbox
//
// It also tells the time. Unless it is -live, its time begins before the open of a
// trading day and goes faster than ours, and the services that trade there take their
// clock from it. Books and clock are in one SQLite file, and a sandbox that is started
// again on the file goes on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/report"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/sandbox"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/serving"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/internal/scaled"
)

// nse is what the sandbox trades at: the National Stock Exchange of India.
var nse = exchange.MustGet("XNSE")

func main() {
	opts, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = run(ctx, opts, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "brokersandbox:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	listen   string
	file     string
	accounts string
	secret   string
	from     string
	speed    int
	live     bool
	prices   int64
	rules    sandbox.Rules
	faults   sandbox.Faults
}

const fromLayout = "2006-01-02T15:04"

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{rules: sandbox.DefaultRules, faults: sandbox.DefaultFaults}
	flags := flag.NewFlagSet("brokersandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main says what is wrong
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8900", "the `address` to serve at")
	flags.StringVar(&o.file, "db", "sandbox.db", "the SQLite `file` of books and clock")
	flags.StringVar(&o.accounts, "accounts", "alice,bob,carol,dave", "the accounts, separated by commas")
	flags.StringVar(&o.secret, "secret", "sandbox", "what a login needs")
	flags.StringVar(&o.from, "from", "2026-11-23T08:50", "the local `time` at which a new file begins")
	flags.IntVar(&o.speed, "speed", 20, "how many times faster than ours the time of a new file goes")
	flags.BoolVar(&o.live, "live", false, "a new file goes by the real clock, and -from and -speed do not matter")
	flags.Int64Var(&o.prices, "seed", 3, "the seed of the made-up prices")
	flags.DurationVar(&o.rules.Login, "login", o.rules.Login, "how long a login lasts")
	flags.IntVar(&o.rules.ChangesPerSecond, "rate", o.rules.ChangesPerSecond, "how many changes a second are taken")
	flags.Float64Var(&o.faults.Lost, "lost", o.faults.Lost, "the share of the answers that are lost")
	flags.Float64Var(&o.faults.Slow, "slow", o.faults.Slow, "the share of the answers that are too slow")
	flags.Float64Var(&o.faults.Late, "late", o.faults.Late, "the share of the changes that are made after their answer")
	flags.Int64Var(&o.faults.Seed, "faults", o.faults.Seed, "the seed that decides which they are")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		flags.Usage()
	}
	if err != nil {
		return o, err
	}
	return o, o.check(flags.Args())
}

func (o options) check(rest []string) error {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", rest[0]))
	}
	if _, err := time.Parse(fromLayout, o.from); err != nil {
		errs = append(errs, fmt.Errorf("-from %q: want the form 2026-11-23T08:50", o.from))
	}
	if o.speed < 1 {
		errs = append(errs, fmt.Errorf("-speed %d: want at least 1", o.speed))
	}
	if o.rules.ChangesPerSecond < 1 {
		errs = append(errs, fmt.Errorf("-rate %d: want at least 1", o.rules.ChangesPerSecond))
	}
	if o.rules.Login < time.Minute {
		errs = append(errs, fmt.Errorf("-login %v: want at least a minute", o.rules.Login))
	}
	if f := o.faults; min(f.Lost, f.Slow, f.Late) < 0 || f.Lost+f.Slow+f.Late > 1 {
		errs = append(errs, errors.New("-lost, -slow and -late are shares of 1 together"))
	}
	return errors.Join(errs...)
}

// begin is the clock of a new file.
func (o options) begin() (scaled.Clock, error) {
	now := clockwork.NewRealClock().Now()
	if o.live {
		return scaled.Clock{Epoch: now, Start: now, Factor: 1}, nil
	}
	from, err := time.ParseInLocation(fromLayout, o.from, nse.Location())
	return scaled.Clock{Epoch: now, Start: from, Factor: o.speed}, err
}

func run(ctx context.Context, opts options, out io.Writer) error {
	db, err := broker.OpenFile(opts.file)
	if err != nil {
		return err
	}
	defer db.Close()
	first, err := opts.begin()
	if err != nil {
		return err
	}
	clock, err := sandbox.ResumeClock(ctx, db, first)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: report.Stamp(clock, nse.Location())}))
	s, err := sandbox.Open(ctx, sandbox.Config{
		DB: db, Clock: clock, Calendar: nse, Source: market.Walk{Seed: opts.prices, Calendar: nse},
		Accounts: strings.Split(opts.accounts, ","), Secret: opts.secret, Rules: opts.rules, Faults: opts.faults, Log: log,
	})
	if err != nil {
		return err
	}
	defer s.Close()
	listener, err := net.Listen("tcp", opts.listen)
	if err != nil {
		return err
	}
	log.Info("the broker is open", "address", listener.Addr(), "speed", clock.Factor)
	return serving.While(ctx, listener, s.Handler(), s.Run)
}
