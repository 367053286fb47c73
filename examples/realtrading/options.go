package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/user"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/tradeclock/tradeclock/examples/internal/broker"
)

// options is what the command line says.
type options struct {
	command  string
	db       string // a file, or the URL of a PostgreSQL database
	broker   string
	secret   string
	accounts []string
	listen   string
	cancel   bool   // halt ends what runs too
	account  string // whom halt and lift are for; empty for all
	actor    string
	reason   string
}

const usage = `usage: realtrading [flags]                 trade, or stand by while another replica does
       realtrading halt [flags] REASON     stop new starts, in all replicas: the kill switch
       realtrading lift [flags] [REASON]   go on
       realtrading audit [flags]           compare the broker's book with the ledger
`

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.command, args = args[0], args[1:]
	}
	var accounts string
	flags := flag.NewFlagSet("realtrading", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main says what is wrong
	flags.StringVar(&o.db, "db", "realtrading.db", "the SQLite file of ledger and schedules, or the `URL` of a PostgreSQL database")
	flags.StringVar(&o.broker, "broker", "http://127.0.0.1:8900", "the `URL` of the broker")
	flags.StringVar(&o.secret, "secret", "sandbox", "what the broker wants for a login")
	flags.StringVar(&accounts, "accounts", "alice,bob,carol,dave", "the accounts to trade for, separated by commas")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8901", "where to serve the dashboard and /healthz; each replica has its own `address`")
	flags.StringVar(&o.account, "account", "", "the account that is halted or lifted (default: all)")
	flags.BoolVar(&o.cancel, "cancel", false, "halt ends what runs too")
	flags.StringVar(&o.actor, "actor", userName(), "who asks for it, here and on the dashboard")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, usage)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
	}
	if err != nil {
		return o, err
	}
	o.reason = strings.Join(flags.Args(), " ")
	for account := range strings.SplitSeq(accounts, ",") {
		if account = strings.TrimSpace(account); account != "" {
			o.accounts = append(o.accounts, account)
		}
	}
	return o, o.check()
}

func (o options) check() error {
	var errs []error
	if _, known := commands[o.command]; !known {
		errs = append(errs, fmt.Errorf("unknown command %q: -h lists them", o.command))
	}
	if len(o.accounts) == 0 {
		errs = append(errs, errors.New("-accounts names none"))
	}
	if o.command == "halt" && o.reason == "" {
		errs = append(errs, errors.New("halt needs a reason after its flags"))
	}
	if (o.command == "" || o.command == "audit") && o.reason != "" {
		errs = append(errs, fmt.Errorf("unexpected argument %q", o.reason))
	}
	return errors.Join(errs...)
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return cmp.Or(u.Username, u.Uid)
}

// openDatabase opens what -db names. SQLite serves one replica on one host, PostgreSQL
// any number.
func openDatabase(ctx context.Context, name string) (*sql.DB, error) {
	if !strings.HasPrefix(name, "postgres://") && !strings.HasPrefix(name, "postgresql://") {
		return broker.OpenFile(name)
	}
	db, err := sql.Open("pgx", name)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}
