package tradeclock_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/tradeclock/tradeclock"

// mayImport is what each package of the module may import of it: arrows point down.
var mayImport = map[string][]string{
	".":                     {"calendar", "rule", "internal/almost", "internal/answer", "internal/engine", "internal/naming", "internal/plan", "internal/quiet", "internal/said", "internal/spelling", "internal/vet", "internal/why", "request", "store"},
	"view":                  {"calendar", "internal/answer", "internal/naming", "internal/engine", "internal/plan", "internal/said", "internal/vet", "rule", "store"},
	"internal/answer":       {"calendar", "internal/engine", "internal/plan", "internal/said", "internal/vet", "internal/naming", "internal/why", "rule", "store"},
	"internal/vet":          {"calendar", "internal/engine", "internal/plan", "internal/said", "internal/naming", "internal/spelling", "rule", "store"},
	"calendar":              {"internal/naming"},
	"rule":                  {"calendar", "internal/naming", "internal/said", "internal/spelling"},
	"request":               {"calendar", "internal/naming"},
	"store":                 {"calendar", "request", "rule", "internal/naming", "internal/said", "internal/why"},
	"exchange":              {"calendar", "internal/spelling"},
	"exchange/internal/gen": {"calendar", "exchange"},
	"monitor":               {"internal/naming", "store"},
	"memstore":              {"calendar", "internal/vet", "request", "rule", "store"},
	"trading":               {".", "calendar", "rule"},
	"tradeclocktest":        {".", "request", "store"},
	"storetest":             {"calendar", "request", "rule", "store"},
	"internal/metrics":      {".", "store"},
	"internal/faces":        {"calendar", "monitor", "rule", "store", "view"},
	"internal/world":        {".", "calendar", "memstore", "request", "rule", "store", "internal/turns"},
	"internal/world/cmd":    {"internal/world"},
	"internal/mutants":      {},
	"internal/world/teeth":  {},
	"internal/almost":       {},
	"internal/engine":       {"calendar", "internal/plan", "internal/said", "internal/why", "rule"},
	"internal/quiet":        {"internal/said", "internal/turns"},
	"internal/naming":       {},
	"internal/plan":         {"calendar", "internal/said", "internal/why", "rule"},
	"internal/planworld":    {"calendar", "rule", "store"},
	"internal/said":         {},
	"internal/spelling":     {},
	"internal/turns":        {},
	"internal/why":          {},
	"internal/zones":        {},
	"internal/needs":        {},
	"internal/scaled":       {},
	"internal/pgtest":       {"internal/needs"},
}

// TestArrowsPointDown holds the imports of every package, without its tests, to what
// docs/architecture.md says.
func TestArrowsPointDown(t *testing.T) {
	imports := importsOfTheModule(t)
	assert.Equal(t, slices.Sorted(maps.Keys(mayImport)), slices.Sorted(maps.Keys(imports)), "each package is in the table")
	for room, found := range imports {
		for _, other := range found {
			assert.Contains(t, mayImport[room], other, "what %s may import", room)
		}
		for _, other := range mayImport[room] {
			assert.Contains(t, found, other, "%s need not be allowed", room)
		}
	}
}

// TestThePageHasTheArrows holds the table of docs/architecture.md to that of this test.
func TestThePageHasTheArrows(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	require.NoError(t, err)
	names := strings.NewReplacer("the root", ".", "the leaves", "internal/almost, internal/naming, internal/said, internal/spelling, internal/why", "`", "", "nothing", "")
	rooms := 0
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.Contains(line, "---") || strings.Contains(cells[1], "room") {
			continue
		}
		room, list := strings.TrimSpace(names.Replace(cells[1])), strings.TrimSpace(names.Replace(cells[4]))
		want := slices.DeleteFunc(strings.Split(list, ", "), func(name string) bool { return name == "" })
		assert.ElementsMatch(t, want, mayImport[room], "what %s may import", room)
		rooms++
	}
	assert.Equal(t, 26, rooms)
}

// importsOfTheModule returns what each package of the module imports of it. Folders with
// a go.mod are other modules.
func importsOfTheModule(t *testing.T) map[string][]string {
	t.Helper()
	imports := make(map[string][]string)
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			inner, err := filepath.Glob(filepath.Join(name, "go.mod"))
			if name != "." && (err != nil || len(inner) > 0 || strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		room := path.Dir(filepath.ToSlash(name))
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		found := imports[room]
		for _, spec := range file.Imports {
			other, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if other == module {
				other = module + "/."
			}
			if within, ok := strings.CutPrefix(other, module+"/"); ok && !slices.Contains(found, within) {
				found = append(found, within)
			}
		}
		imports[room] = found
		return nil
	}))
	return imports
}

// TestFilesAndFunctionsAreShort holds the library to what fits a screen or two.
func TestFilesAndFunctionsAreShort(t *testing.T) {
	const fileLines, functionLines = 450, 60
	for _, path := range sourcePaths(t) {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		line := func(p token.Pos) int { return files.Position(p).Line }
		assert.LessOrEqual(t, line(file.End()), fileLines, path)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				assert.LessOrEqual(t, line(f.End())-line(f.Pos())+1, functionLines, "%s: %s", path, f.Name)
			}
		}
	}
}

// sourcePaths lists the files of all modules, but for tests and what they and the
// benchmarks consist of.
func sourcePaths(t *testing.T) (paths []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (path == "bench" || path == "tests" || strings.HasPrefix(entry.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}
