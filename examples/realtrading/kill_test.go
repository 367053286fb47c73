package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/audit"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// processes are those of a sandbox, and of replicas on one database.
type processes struct {
	t        *testing.T
	programs string // their folder
	db       string
	broker   string // its address
}

// process is one of them. What it prints is in a file.
type process struct {
	*exec.Cmd
	t    *testing.T
	file string
}

func newProcesses(t *testing.T, db string, sandboxFlags ...string) *processes {
	t.Helper()
	p := &processes{t: t, programs: t.TempDir(), db: db}
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.programs, ".", "./brokersandbox").CombinedOutput()
	require.NoError(t, err, "%s", output)
	books := filepath.Join(t.TempDir(), "sandbox.db")
	broker := p.start("brokersandbox", append([]string{"-listen", "127.0.0.1:0", "-db", books}, sandboxFlags...)...)
	p.broker = "http://" + broker.address()
	return p
}

func (p *processes) start(program string, args ...string) *process {
	p.t.Helper()
	output, err := os.CreateTemp(p.t.TempDir(), program)
	require.NoError(p.t, err)
	defer output.Close()
	cmd := exec.CommandContext(p.t.Context(), filepath.Join(p.programs, program), args...)
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(p.t, cmd.Start())
	p.t.Cleanup(func() {
		cmd.Process.Kill() // of one that has ended it is an error
		cmd.Wait()
	})
	return &process{cmd, p.t, output.Name()}
}

// replica starts a replica of the service.
func (p *processes) replica() *process {
	p.t.Helper()
	return p.start("realtrading", "-db", p.db, "-broker", p.broker, "-listen", "127.0.0.1:0")
}

func (p *process) said() string {
	p.t.Helper()
	text, err := os.ReadFile(p.file)
	require.NoError(p.t, err)
	return string(text)
}

// address waits until the process serves, and returns where.
func (p *process) address() (address string) {
	p.t.Helper()
	printed := regexp.MustCompile(`address=(\S+)`)
	require.Eventually(p.t, func() bool {
		if found := printed.FindStringSubmatch(p.said()); found != nil {
			address = found[1]
		}
		return address != ""
	}, patience, 10*time.Millisecond, "it does not serve")
	return address
}

// health asks a replica how it is.
func (p *process) health() (beat tradeclock.Heartbeat) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address()+"/healthz", nil)
	require.NoError(p.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	require.NoError(p.t, json.NewDecoder(response.Body).Decode(&beat))
	return beat
}

// leads waits until a replica holds the term.
func (p *process) leads() {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return p.health().Term != 0 }, patience, 20*time.Millisecond, "%s", p.file)
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.Process.Signal(s))
}

// stop asks a replica to end, and waits until it has.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	err := p.Wait()
	if err != nil { // on a fast clock it has little time to end, and may say what it left
		require.Contains(p.t, p.said(), "tradeclock: at the end: ", "%v", err)
	}
}

func (p *processes) book() wire.Book {
	p.t.Helper()
	book, err := client.New(p.broker, "", realClock, slog.New(slog.DiscardHandler)).Book(p.t.Context())
	require.NoError(p.t, err)
	return book
}

// untilOrder waits until the broker has an order with a note.
func (p *processes) untilOrder(note string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		for _, o := range p.book().Orders {
			if o.Note == note && !strings.HasPrefix(o.Key, desk.OpeningKey) {
				return true
			}
		}
		return false
	}, patience, 5*time.Millisecond, "no order %q", note)
}

// untilEach waits until every account has a run of a task that is over.
func (p *processes) untilEach(st *sqlstore.Store, task string, accounts int) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		over := 0
		for _, run := range p.runs(st, task) {
			if run.Outcome.Final() {
				over++
			}
		}
		return over == accounts
	}, patience, 50*time.Millisecond, task)
}

func (p *processes) runs(st *sqlstore.Store, task string) []tradeclock.Run {
	p.t.Helper()
	runs, err := st.Runs(p.t.Context(), store.Query{Scheduler: schedulerName, Task: task})
	require.NoError(p.t, err)
	return runs
}

// TestTheHolderIsKilledAndTheNextIsFrozen runs the last minutes of a session with
// replicas that are processes on PostgreSQL. The first is killed while it offers the
// positions, and the second is frozen between two orders and wakes up after the third
// has taken over.
func TestTheHolderIsKilledAndTheNextIsFrozen(t *testing.T) {
	t.Parallel()
	p := newProcesses(t, newSchema(t), "-from", "2026-11-23T15:27", "-speed", "10", "-lost", "0.1", "-slow", "0.05", "-late", "0.1")
	clock, err := waitForClock(t.Context(), options{broker: p.broker})
	require.NoError(t, err)
	st, err := sqlstore.Open(t.Context(), opened(t, p.db), sqlstore.WithClock(clock))
	require.NoError(t, err)
	storeRows(t, st, map[string]string{
		trading.TaskAnalysis: "daily 15:28:50", trading.TaskBuyOrders: "daily 15:29:20", trading.TaskEODCleanup: "daily 15:30:30",
	})

	first := p.replica()
	first.leads()
	second := p.replica()
	p.untilOrder(desk.NoteTarget)
	first.signal(syscall.SIGKILL)
	second.leads()
	third := p.replica()
	p.untilOrder(desk.NoteEvening)
	second.signal(syscall.SIGSTOP)
	third.leads()
	second.signal(syscall.SIGCONT)
	p.untilEach(st, trading.TaskEODCleanup, 4)
	second.stop()
	third.stop()

	runs, book := p.runs(st, ""), p.book()
	result := audit.Compare(runs, book)
	var text strings.Builder
	require.NoError(t, result.Print(&text))
	t.Logf("%s", &text)
	assert.Empty(t, result.Findings)
	assert.GreaterOrEqual(t, book.Term, int64(3))
	p.checkEvening(runs, book)
	p.checkCommand()
}

// checkEvening asserts that each account has at most one evening order of a symbol, that
// a run was cut off between two, and that the ledger says so.
func (p *processes) checkEvening(runs []tradeclock.Run, book wire.Book) {
	p.t.Helper()
	evening := make(map[string]int)
	for _, o := range book.Orders {
		if o.Note == desk.NoteEvening {
			evening[o.Account+" "+o.Symbol]++
			assert.Equal(p.t, broker.StatusWaiting, o.Status, "the cleanup is of today alone")
		}
	}
	assert.NotEmpty(p.t, evening)
	for order, n := range evening {
		assert.Equal(p.t, 1, n, order)
	}
	interrupted := 0
	for _, run := range runs {
		if run.Task == trading.TaskBuyOrders && run.Outcome == tradeclock.Interrupted {
			interrupted++
			assert.NotEmpty(p.t, run.Reason)
		}
	}
	assert.NotZero(p.t, interrupted, "the second was frozen between two orders")
}

// checkCommand asserts that the command says the same as the test.
func (p *processes) checkCommand() {
	p.t.Helper()
	output, err := exec.CommandContext(p.t.Context(), filepath.Join(p.programs, "realtrading"), "audit", "-db", p.db, "-broker", p.broker).CombinedOutput()
	require.NoError(p.t, err, "%s", output)
	assert.Contains(p.t, string(output), "no order twice, none missing without a reason")
}
