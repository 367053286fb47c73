package tradeclocktest_test

import (
	"context"
	"fmt"
	"testing"
)

// exampleT stands for the testing.T of a test in an example, which has none.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (*exampleT) Helper()                  {}
func (*exampleT) Context() context.Context { return context.Background() }
func (t *exampleT) Cleanup(f func())       { t.cleanups = append(t.cleanups, f) }

// Errorf and FailNow are what a requirement calls that is not met.
func (*exampleT) Errorf(format string, args ...any) { fmt.Printf(format, args...) }
func (*exampleT) FailNow()                          { panic("the example has failed") }

// end calls what a test calls at its end.
func (t *exampleT) end() {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		f := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		f()
	}
}
