package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
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
	fmt.Fprintf(&b, "Measured on %s, with %s on %d cores (%s), %s.", time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		runtime.Version(), runtime.NumCPU(), fieldOf("/proc/cpuinfo", "model name"), load())
	fmt.Fprintf(&b, "\nVersions: %s; %s; %s.\n", modules(),
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

// fieldOf returns the first value of a name in a file of lines such as "name: value".
func fieldOf(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// load says how busy the machine was before the races.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "load unknown"
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return "with a load of " + minute + " in the minute before"
}

func firstLine(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return program + " is absent"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
