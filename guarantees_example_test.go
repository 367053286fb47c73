package tradeclock_test

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// The code in docs/guarantees.md is that of this file: see
// TestGuaranteesShowCodeThatCompiles.

// order is what a run is to buy.
type order struct {
	Symbol string
	Shares int
}

// broker is what sending orders needs of one.
type broker interface {
	// Placed returns the keys of the day's orders, whatever became of them.
	Placed(ctx context.Context) (map[string]bool, error)
	Place(ctx context.Context, term int64, key string, o order) error
}

// sendOrders places those orders of a run that the broker does not have. It may
// be called again for the same run, wherever the first call was cut off.
func sendOrders(ctx context.Context, at broker, run tradeclock.Run, orders []order) error {
	placed, err := at.Placed(ctx)
	if err != nil {
		return err
	}
	for _, o := range orders {
		key := orderKey(run.ID, o.Symbol)
		if placed[key] {
			continue
		}
		if err := at.Place(ctx, run.Term, key, o); err != nil {
			return fmt.Errorf("%s: %w", o.Symbol, err)
		}
	}
	return nil
}

// orderKey names one order of a run for ever, in 20 characters out of a-z and 2-7.
func orderKey(runID, symbol string) string {
	sum := sha256.Sum256([]byte(runID + "/" + symbol))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:20])
}

// fence refuses what comes under a term that another has followed. It is one for
// all replicas: in the service that all orders go through, or a row of a table.
type fence struct {
	mu   sync.Mutex
	term int64 // the latest seen
}

func (f *fence) admit(term int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if term < f.term {
		return fmt.Errorf("term %d has followed term %d", f.term, term)
	}
	f.term = term
	return nil
}

// flakyBroker is a broker behind a fence, which loses the answer to its second order.
type flakyBroker struct {
	fence
	placed map[string]bool
	calls  int
}

func (b *flakyBroker) Placed(context.Context) (map[string]bool, error) { return b.placed, nil }

func (b *flakyBroker) Place(_ context.Context, term int64, key string, o order) error {
	if err := b.admit(term); err != nil {
		return err
	}
	fmt.Println("placed", o.Symbol, "under term", term)
	b.placed[key] = true
	if b.calls++; b.calls == 2 {
		return errors.New("the connection broke")
	}
	return nil
}

// An order has a key that is the same whenever its run is made, and the run's term
// keeps out a process that does not know yet that another has taken over.
func ExampleRun() {
	ctx := context.Background()
	at := &flakyBroker{placed: make(map[string]bool)}
	orders := []order{{"INFY", 10}, {"TCS", 5}, {"ITC", 40}}
	run := tradeclock.Run{ID: store.RunID("paper", "42", "buy_orders", "2026-11-23"), Term: 7}
	fmt.Println(run.ID, orderKey(run.ID, "INFY"))

	fmt.Println(sendOrders(ctx, at, run, orders))
	again := run
	again.Term = 8 // another process has taken over
	fmt.Println(sendOrders(ctx, at, again, orders))
	fmt.Println(sendOrders(ctx, at, run, append(orders, order{"SBIN", 20})))
	// Output:
	// rj43nvcn6ghynsbvntsagi6zba w7g6vhdmetbzuqnmt3dy
	// placed INFY under term 7
	// placed TCS under term 7
	// TCS: the connection broke
	// placed ITC under term 8
	// <nil>
	// SBIN: term 8 has followed term 7
}

// The run of a daily task, and one that a person triggers in its place, have one
// ID if it is derived from the session.
func ExampleRunID() {
	daily := tradeclock.Run{Scheduler: "paper", Account: "42", Task: "buy_orders", Slot: "2026-11-23",
		Session: calendar.Date{Year: 2026, Month: time.November, Day: 23}}
	manual := daily
	manual.Slot = "2026-11-23T10:15:00+05:30 manual 1"
	for _, run := range []tradeclock.Run{daily, manual} {
		fmt.Println(store.RunID(run.Scheduler, run.Account, run.Task, run.Session.String()))
	}
	// Output:
	// rj43nvcn6ghynsbvntsagi6zba
	// rj43nvcn6ghynsbvntsagi6zba
}

// cutOff lists the runs of which the ledger knows no more than that they were claimed.
func cutOff(ctx context.Context, ledger store.History, since calendar.Date) ([]tradeclock.Run, error) {
	return ledger.Runs(ctx, store.Query{
		Scheduler: "paper", From: since,
		Outcomes: []tradeclock.Outcome{tradeclock.Interrupted},
	})
}

// A process dies after it has claimed a run. The next one does not run it again,
// and leaves it for a person to look into.
func ExampleHistory() {
	ctx, clock := context.Background(), monday()
	st := memstore.New(clock)
	today := calendar.DateOf(clock.Now())
	term, err := st.Lead(ctx, "paper", "the process that dies", time.Second, time.Time{})
	if err != nil {
		panic(err)
	}
	claimed := tradeclock.Run{Scheduler: "paper", Account: "42", Task: "buy_orders", Slot: today.String(), Session: today, Due: clock.Now(), Token: "its token"}
	if _, err := st.Claim(ctx, term, []tradeclock.Run{claimed}); err != nil {
		panic(err)
	}
	clock.Advance(time.Minute)

	scheduler, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Clock: clock, Ledger: st, Logger: slog.New(slog.DiscardHandler),
		Executor: tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
			fmt.Println("run", run.Task)
			return nil
		}),
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:00")}),
	})
	if err != nil {
		panic(err)
	}
	defer scheduler.Close(ctx)
	runUntil(scheduler, clock, "09:05:00")
	runs, err := cutOff(ctx, st, today)
	for _, run := range runs {
		fmt.Printf("%s of %s: %v, %s\n", run.Task, run.Account, run.Outcome, run.Reason)
	}
	fmt.Println(err)
	_, err = scheduler.Trigger(ctx, tradeclock.TriggerRequest{Task: "buy_orders", Account: "42", Actor: "ann", ForToday: true})
	fmt.Println(errors.Is(err, tradeclock.ErrSlotTaken))
	// Output:
	// buy_orders of 42: interrupted, its scheduler stopped before it was settled, in term 1
	// <nil>
	// true
}
