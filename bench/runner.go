package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long one bout may take.
const patience = 10 * time.Minute

// runner runs races, round by round.
type runner struct {
	rounds   int
	only     string
	profiles string
	servers  servers
	// start runs one bout to its end.
	start func(ctx context.Context, o order) ([]figure, error)
}

// result is what a contender brought in all rounds.
type result struct {
	contender contender
	n         int
	compared  bool // it ran with the race's n
	rounds    [][]figure
	failure   error // the last one, if it did not do the work
}

// run lets the contenders of a race run in turn, in each round beginning with
// another, so that none always follows the same one.
func (r *runner) run(ctx context.Context, race race) ([]*result, error) {
	if r.profiles != "" {
		if err := os.MkdirAll(r.profiles, 0o755); err != nil {
			return nil, err
		}
	}
	var results, running []*result
	for _, c := range race.contenders {
		if !strings.Contains(c.name, r.only) {
			continue
		}
		res := &result{contender: c, n: race.sizeFor(c), compared: race.sizeFor(c) == race.size}
		results = append(results, res)
		if c.run != nil {
			running = append(running, res)
		}
	}
	for round := range r.rounds {
		for i := range running {
			res := running[(i+round)%len(running)]
			fmt.Fprintf(os.Stderr, "race %d, round %d: %s\n", race.number, round+1, res.contender.name)
			figures, err := r.bout(ctx, race, res.contender, round)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "  ", err)
				res.failure = err
				continue
			}
			res.rounds = append(res.rounds, figures)
		}
	}
	return results, nil
}

// bout prepares what a contender needs, and runs it.
func (r *runner) bout(ctx context.Context, race race, c contender, round int) ([]figure, error) {
	addresses, err := r.servers.addresses(c.needs)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	o := order{Race: race.number, Contender: c.name, N: race.sizeFor(c), Folder: folder, Addresses: addresses}
	if r.profiles != "" {
		name := fmt.Sprintf("race%d-%s-%d.pprof", race.number, strings.Map(fileSafe, c.name), round+1)
		o.Profile = filepath.Join(r.profiles, name)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return r.start(ctx, o)
}

func fileSafe(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

// inChild runs a bout in a process of its own.
func inChild(ctx context.Context, o order) ([]figure, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	input, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var output, messages bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "-bout")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &messages
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLine(messages.String()))
	}
	var figures []figure
	if err := json.Unmarshal(output.Bytes(), &figures); err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	return figures, nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
