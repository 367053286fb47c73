// Package needs leaves out tests of what a machine has not got, such as the programs
// of a server, and keeps a list of them. It imports nothing of this repository.
package needs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
)

const (
	// Variable names the environment variable that says what becomes of a test whose
	// server is absent: it fails if that is All, and is left out if it is empty. With
	// None every server counts as absent.
	Variable = "TRADECLOCK_TEST_SERVERS"
	All      = "all"
	None     = "none"

	// ListVariable names the environment variable with the file to which what is left
	// out is appended, a line each: go test shows nothing of a package that passes.
	ListVariable = "TRADECLOCK_TEST_LEFT_OUT"
)

// TB is what is used of a testing.TB.
type TB interface {
	Helper()
	Name() string
	Skip(args ...any)
	Fatal(args ...any)
}

// LookPath finds a program of a server, unless Variable is None.
func LookPath(program string) (string, error) {
	if os.Getenv(Variable) == None {
		return "", &exec.Error{Name: program, Err: exec.ErrNotFound}
	}
	return exec.LookPath(program)
}

// Met goes on if err, with which a server was started, is nil. It skips the test if a
// program or a right is missing, and fails it for whatever else is wrong.
func Met(t TB, err error) {
	t.Helper()
	if err != nil && LeftOut(t, t.Name(), err) {
		t.Skip(err)
	}
}

// LeftOut lists a part of a test as left out for want of a program or a right, and
// reports whether it is: false means that err is nil. The test fails if err is another,
// or if nothing may be left out.
func LeftOut(t TB, part string, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	missing := errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrPermission)
	if !missing || os.Getenv(Variable) == All {
		t.Fatal(err)
	}
	if listErr := list(part, err); listErr != nil {
		t.Fatal(listErr)
	}
	return true
}

func list(part string, why error) error {
	path := os.Getenv(ListVariable)
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s: %v\n", part, why)
	return errors.Join(err, file.Close())
}
