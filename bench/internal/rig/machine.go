package rig

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine says when and on what something is measured, and how busy it was.
func Machine() string {
	return fmt.Sprintf("Measured on %s, with %s on %d cores (%s), %s.", time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		runtime.Version(), runtime.NumCPU(), fieldOf("/proc/cpuinfo", "model name"), load())
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

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "load unknown"
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return "with a load of " + minute + " in the minute before"
}
