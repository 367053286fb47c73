package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// mutant is a small mistake in one place.
type mutant struct {
	number int
	file   string
	line   int
	what   string // it is, with the line in which it is

	reached, noticed bool // by a test
}

func (m mutant) String() string { return fmt.Sprintf("%s:%d: %s", m.file, m.line, m.what) }

// edit replaces a piece of a file's text, or adds to it between two characters.
type edit struct {
	from, to int
	text     string
}

// planter plants in one file. What it plants asks at run time whether it is the one that
// is to act: so all are compiled at once.
type planter struct {
	fset    *token.FileSet
	info    *types.Info
	pkg     *types.Package
	file    *ast.File
	name    string
	text    string
	without map[int]bool // mutants that do not compile
	next    *int
	planted []mutant
	before  []edit // in the order of the walk: of an outer node first
	after   []edit
	results []*types.Tuple // of the functions around the node
}

// around encloses a node in a mistake, whose text before it has %d for its number.
func (p *planter) around(n ast.Node, what, before, after string) {
	number := *p.next
	*p.next++
	if p.without[number] {
		return
	}
	begins := p.fset.Position(n.Pos())
	at, end := begins.Offset, p.fset.Position(n.End()).Offset
	piece, _, _ := strings.Cut(p.text[at:end], "\n")
	line, _, _ := strings.Cut(p.text[at-begins.Column+1:], "\n")
	p.planted = append(p.planted, mutant{
		number: number, file: p.name, line: begins.Line,
		what: fmt.Sprintf("%s %s: %s", what, piece, strings.TrimSpace(line)),
	})
	p.before = append(p.before, edit{at, at, fmt.Sprintf(before, number)})
	p.after = append(p.after, edit{end, end, after})
}

func (p *planter) replace(from, to token.Pos, text string) {
	if !p.without[*p.next-1] {
		p.after = append(p.after, edit{p.fset.Position(from).Offset, p.fset.Position(to).Offset, text})
	}
}

// apply makes the edits. At one place, what closes a node comes before what opens
// another, and what closes an inner one before what closes an outer.
func (p *planter) apply() string {
	slices.Reverse(p.after)
	edits := append(p.after, p.before...)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		out.WriteString(p.text[at:e.from] + e.text)
		at = e.to
	}
	return out.String() + p.text[at:]
}

// typeName is how the file names a type, or empty if it cannot.
func (p *planter) typeName(t types.Type) string {
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		return ""
	}
	known := true
	name := types.TypeString(t, func(pkg *types.Package) string {
		if pkg == p.pkg {
			return ""
		}
		for _, spec := range p.file.Imports {
			if spec.Path.Value == fmt.Sprintf("%q", pkg.Path()) && spec.Name == nil {
				return pkg.Name()
			}
		}
		known = false
		return ""
	})
	if !known {
		return ""
	}
	return name
}

func (p *planter) negate(e ast.Expr) {
	if e != nil && !isLiteral(e, "true", "false") {
		p.around(e, "negated", "(mutantIs(%d) != (", "))")
	}
}

// zero leaves a value out.
func (p *planter) zero(e ast.Expr, t types.Type) {
	name := p.typeName(t)
	if _, isFunc := e.(*ast.FuncLit); isFunc || name == "" || isLiteral(e, "nil", "0", `""`, "true", "false") {
		return
	}
	if b, ok := t.Underlying().(*types.Basic); ok && b.Info()&types.IsBoolean != 0 {
		p.negate(e)
		return
	}
	p.around(e, "left out", "mutantZero["+name+"](%d, ", ")")
}

func isLiteral(e ast.Expr, texts ...string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return slices.Contains(texts, e.Name)
	case *ast.BasicLit:
		return slices.Contains(texts, e.Value)
	case *ast.CompositeLit:
		return len(e.Elts) == 0
	}
	return false
}

// Visit plants in a node, and walks on.
func (p *planter) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.GenDecl:
		if n.Tok == token.CONST || n.Tok == token.TYPE {
			return nil
		}
	case *ast.ArrayType:
		return nil // its length is a constant
	case *ast.FuncDecl:
		if n.Body == nil {
			return nil
		}
		p.function(n.Body, p.info.Defs[n.Name].Type())
		return nil
	case *ast.FuncLit:
		p.function(n.Body, p.info.TypeOf(n))
		return nil
	case *ast.CallExpr:
		return p.call(n)
	case ast.Expr:
		p.expression(n)
	case ast.Stmt:
		p.statement(n)
	}
	return p
}

func (p *planter) function(body *ast.BlockStmt, t types.Type) {
	p.results = append(p.results, t.(*types.Signature).Results())
	ast.Walk(p, body)
	p.results = p.results[:len(p.results)-1]
}

func (p *planter) statement(n ast.Stmt) {
	switch n := n.(type) {
	case *ast.BlockStmt:
		p.drop(n.List, false)
	case *ast.CaseClause:
		p.drop(n.Body, false)
	case *ast.CommClause:
		p.drop(n.Body, false)
	case *ast.IfStmt:
		p.negate(n.Cond)
		p.drop(n.Body.List, n.Else == nil)
	case *ast.ForStmt:
		p.negate(n.Cond)
	case *ast.SwitchStmt:
		for _, clause := range n.Body.List {
			for _, e := range clause.(*ast.CaseClause).List {
				if n.Tag == nil {
					p.negate(e)
				}
			}
		}
	case *ast.AssignStmt:
		if n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN {
			p.sign(n.Rhs[0])
		}
	case *ast.ReturnStmt:
		results := p.results[len(p.results)-1]
		if len(n.Results) == results.Len() {
			for i, e := range n.Results {
				p.zero(e, results.At(i).Type())
			}
		}
	}
}

// drop leaves out statements of a block, one at a time. A return is left out where the
// function goes on without it.
func (p *planter) drop(list []ast.Stmt, returns bool) {
	for _, n := range list {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			if !returns {
				continue
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE || returns {
				continue
			}
		case *ast.ExprStmt:
			if call, ok := n.X.(*ast.CallExpr); returns || ok && slices.Contains([]string{"panic", "Lock", "Unlock", "RLock", "RUnlock"}, calledName(call)) {
				continue
			}
		case *ast.DeferStmt:
			if returns || strings.HasSuffix(calledName(n.Call), "nlock") {
				continue
			}
		case *ast.IncDecStmt, *ast.BranchStmt, *ast.SendStmt, *ast.GoStmt:
			if returns {
				continue
			}
		default:
			continue
		}
		p.around(n, "dropped", "if !mutantIs(%d) { ", " }")
	}
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
