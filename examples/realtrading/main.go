// Realtrading is a trading service that embeds tradeclock and trades at a broker
// over the network: the sandbox in the folder beside this file, a process of its own.
// It does the same seven tasks as papertrading, for as many accounts as it is told to,
// and any number of replicas of it may share a PostgreSQL database: one is active, and
// the others stand by.
//
//	go run ./examples/realtrading/brokersandbox
//	go run ./examples/realtrading
//
// README.md says how to run two of them, kill the active one, and compare the
// broker's book with the ledger afterwards.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// commands are what can be asked for, by the first argument. Without one it is the
// service.
var commands = map[string]func(ctx context.Context, opts options, out io.Writer) error{
	"":      serve,
	"halt":  halt,
	"lift":  lift,
	"audit": compare,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "realtrading:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, stderr io.Writer) error {
	opts, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	return commands[opts.command](ctx, opts, out)
}
