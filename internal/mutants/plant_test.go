package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each kind of mistake is planted where it compiles, and what it does is asked for by its
// number.
func TestPlant(t *testing.T) {
	for _, test := range []struct {
		name, body, planted string
		want                []string
	}{
		{"a condition", "if n > 1 && ok { return true }; return false",
			`if (mutantIs(1) != ((mutantIs(3) || mutantCompare(5, ">", n , mutantMore(6, int(1)))) && (mutantIs(4) || ok))) { if !mutantIs(2) { return (mutantIs(7) != true) } }; return (mutantIs(8) != false)`,
			[]string{"negated n > 1 && ok", "dropped return true", "left out n > 1", "left out ok", "other bound n > 1", "one more 1", "negated true", "negated false"}},
		{"a choice", "return ok || n < 0", `return (mutantIs(1) != ((!mutantIs(2) && (ok)) || (!mutantIs(3) && (mutantCompare(4, "<", n , mutantMore(5, int(0)))))))`,
			[]string{"negated ok || n < 0", "left out ok", "left out n < 0", "other bound n < 0", "one more 0"}},
		{"statements", "n += 2; n--; return ok", `if !mutantIs(1) { n += mutantMinus(3, int(mutantMore(4, int(2)))) }; if !mutantIs(2) { n-- }; return (mutantIs(5) != (ok))`,
			[]string{"dropped n += 2", "dropped n--", "other sign 2", "one more 2", "negated ok"}},
		{"what is left alone", "const two = 2; _ = make([]int, n+1); return ok", `const two = 2; if !mutantIs(1) { _ = make([]int, n+1) }; return (mutantIs(2) != (ok))`,
			[]string{"dropped _ = make([]int, n+1)", "negated ok"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			const before = "package p\n\nfunc f(n int, ok bool) bool {\n"
			fset, text := token.NewFileSet(), before+test.body+"\n}\n"
			file, err := parser.ParseFile(fset, "p.go", text, 0)
			require.NoError(t, err)
			info := newInfo()
			pkg, err := new(types.Config).Check("p", fset, []*ast.File{file}, info)
			require.NoError(t, err)
			next := 1
			p := &planter{fset: fset, info: info, pkg: pkg, file: file, name: "p.go", text: text, next: &next}
			ast.Walk(p, file)
			assert.Equal(t, before+test.planted+"\n}\n", p.apply())
			var planted []string
			for _, m := range p.planted {
				planted = append(planted, m.String())
			}
			for i, want := range test.want {
				require.Greater(t, len(planted), i)
				assert.Equal(t, "p.go:4: "+want+": "+test.body, planted[i])
			}
			assert.Len(t, planted, len(test.want))
		})
	}
}
