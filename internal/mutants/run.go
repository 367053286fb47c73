package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// runner runs a program of tests in the folder of its package.
type runner struct {
	program, dir string
	args         []string
}

func (r runner) run(env string) ([]byte, error) {
	cmd := exec.Command(r.program, r.args...)
	cmd.Dir, cmd.Env = r.dir, append(os.Environ(), env)
	return cmd.CombinedOutput()
}

// reached runs the tests without a mistake, and returns where they come by.
func (r runner) reached(dir string) (map[int]bool, error) {
	list := filepath.Join(dir, "reached")
	if out, err := r.run("MUTANT_REACHED=" + list); err != nil {
		return nil, fmt.Errorf("the tests fail without a mistake: %w\n%s", err, out)
	}
	text, err := os.ReadFile(list)
	reached := make(map[int]bool)
	for _, line := range strings.Fields(string(text)) {
		number, err := strconv.Atoi(line)
		if err != nil {
			return nil, err
		}
		reached[number] = true
	}
	return reached, err
}

// all runs the tests with each mistake that they reach.
func (r runner) all(mutants []mutant, reached map[int]bool, jobs int) {
	var wg sync.WaitGroup
	free := make(chan struct{}, jobs)
	for i := range mutants {
		m := &mutants[i]
		if m.reached = reached[m.number]; !m.reached {
			continue
		}
		free <- struct{}{}
		wg.Go(func() {
			_, err := r.run(fmt.Sprintf("MUTANT=%d", m.number))
			m.noticed = err != nil
			<-free
		})
	}
	wg.Wait()
}
