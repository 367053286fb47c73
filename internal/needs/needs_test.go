package needs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
)

// told is a test that keeps what it was told, and goes on.
type told struct{ skipped, failed bool }

func (*told) Helper()        {}
func (*told) Name() string   { return "TestOrders" }
func (t *told) Skip(...any)  { t.skipped = true }
func (t *told) Fatal(...any) { t.failed = true }

func TestMet(t *testing.T) {
	t.Setenv(needs.Variable, needs.None)
	_, absent := needs.LookPath("sh")
	tests := []struct {
		name, mode      string
		err             error
		skipped, failed bool
	}{
		{"it runs", "", nil, false, false},
		{"a program is absent", "", fmt.Errorf("start a server: %w", absent), true, false},
		{"a right is missing", "", fs.ErrPermission, true, false},
		{"something else is wrong", "", errors.New("no room on the disk"), false, true},
		{"nothing may be left out", needs.All, absent, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "list")
			t.Setenv(needs.Variable, test.mode)
			t.Setenv(needs.ListVariable, list)
			var got told
			needs.Met(&got, test.err)
			assert.Equal(t, test.failed, got.failed)
			if test.failed {
				return
			}
			assert.Equal(t, test.skipped, got.skipped)
			if !test.skipped {
				assert.NoFileExists(t, list)
				return
			}
			text, err := os.ReadFile(list)
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("TestOrders: %v\n", test.err), string(text))
		})
	}
}
