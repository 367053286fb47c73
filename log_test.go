package tradeclock_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// story is a log as an operator reads it, with the times of the fake clock and without
// the random part of an instance's name.
type story struct {
	bytes.Buffer
	w *world
}

var randomPart = regexp.MustCompile(`/[A-Z2-7]{12}`)

// logger writes into the story what one instance says.
func (st *story) logger(instance string) *slog.Logger {
	handler := slog.NewTextHandler(st, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch {
		case a.Key == slog.TimeKey:
			return slog.String("at", st.w.clock.Now().In(kolkata).Format(time.TimeOnly))
		case a.Key == "scheduler":
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(handler).With("instance", instance)
}

func (st *story) String() string { return randomPart.ReplaceAllString(st.Buffer.String(), "") }

// TestRule33_TheLogTellsTheStory is a morning with a takeover and a stop. Who changes a
// line of it looks at all of testdata/takeover.log, as an operator does, and runs it
// with -update.
func TestRule33_TheLogTellsTheStory(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	log := &story{w: w}
	join := func(name string) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
		cfg := w.config(row("buy", "daily 09:00"), row("watch", "daily 09:01:30", catchUp(time.Minute)), row("report", "daily 09:03"))
		cfg.Instance, cfg.Logger, cfg.DrainTimeout = name, log.logger(name), 10*time.Second
		return w.drive(cfg)
	}
	_, holder := join("one")
	standby, next := join("two")
	holder.Tick()
	next.Tick()
	holder.Until(at("2026-11-23 09:00:00"))
	next.Tick()
	fmt.Fprintln(log, "# one is killed")
	next.Until(at("2026-11-23 09:01:30"))
	w.rec.Do("report", takes(time.Hour))
	next.Until(at("2026-11-23 09:03:00"))
	fmt.Fprintln(log, "# two is stopped")
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = standby.Close(context.Background())
	}()
	for standby.Status().State != tradeclock.StateDraining {
		runtime.Gosched()
	}
	w.advanceUntil(standby, closed)
	told := log.String()

	if *update {
		require.NoError(t, os.WriteFile("testdata/takeover.log", []byte(told), 0o644))
	}
	want, err := os.ReadFile("testdata/takeover.log")
	require.NoError(t, err)
	assert.Equal(t, strings.Split(string(want), "\n"), strings.Split(told, "\n"))
}
