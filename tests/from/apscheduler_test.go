package from

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestThePythonOfTheGuide is parsed, where there is a Python: APScheduler itself is not needed.
func TestThePythonOfTheGuide(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindAllStringSubmatch(guide(t, "apscheduler"), -1)
	require.Len(t, blocks, 1)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to parse it with")
	}
	file := filepath.Join(t.TempDir(), "before.py")
	require.NoError(t, os.WriteFile(file, []byte(blocks[0][1]), 0o600))
	out, err := exec.Command(python, "-m", "py_compile", file).CombinedOutput()
	require.NoError(t, err, string(out))
}
