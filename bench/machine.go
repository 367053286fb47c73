package main

import (
	"fmt"
	"os/exec"
	"runtime/debug"
	"strings"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

// described are the modules whose versions the report names.
var described = []string{
	"github.com/robfig/cron/v3", "github.com/netresearch/go-cron", "github.com/go-co-op/gocron/v2",
	"github.com/reugn/go-quartz", "github.com/adhocore/gronx", "github.com/hibiken/asynq",
	"github.com/riverqueue/river", "modernc.org/sqlite", "github.com/jackc/pgx/v5",
}

// describeMachine says when and on what the races were run, and against which
// versions.
func describeMachine() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nVersions: %s; %s; %s.\n", rig.Machine(), modules(),
		firstLine("redis-server", "--version"), firstLine("psql", "--version"))
	return b.String()
}

func modules() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	versions := make(map[string]string)
	for _, m := range info.Deps {
		versions[m.Path] = m.Version
	}
	var parts []string
	for _, path := range described {
		parts = append(parts, strings.TrimPrefix(path, "github.com/")+" "+versions[path])
	}
	return strings.Join(parts, ", ")
}

func firstLine(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return program + " is absent"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
