package from

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
)

// TestThePythonOfTheGuide is parsed by Python. APScheduler itself is not needed.
func TestThePythonOfTheGuide(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindAllStringSubmatch(guide(t, "apscheduler"), -1)
	require.Len(t, blocks, 1)
	python, err := needs.LookPath("python3")
	needs.Met(t, err)
	file := filepath.Join(t.TempDir(), "before.py")
	require.NoError(t, os.WriteFile(file, []byte(blocks[0][1]), 0o600))
	out, err := exec.Command(python, "-m", "py_compile", file).CombinedOutput()
	require.NoError(t, err, string(out))
}
