package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

func (p *planter) expression(n ast.Expr) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		p.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.SUB && p.info.Types[n].Value == nil {
			p.sign(n.X)
		}
	case *ast.BasicLit:
		if name := p.typeName(p.info.TypeOf(n)); n.Kind == token.INT && name != "" {
			p.around(n, "one more", "mutantMore(%d, "+name+"(", "))")
		}
	case *ast.Ident:
		if isLiteral(n, "true", "false") && p.info.Uses[n] == types.Universe.Lookup(n.Name) {
			p.around(n, "negated", "(mutantIs(%d) != ", ")")
		}
	case *ast.CompositeLit:
		if _, isStruct := p.info.TypeOf(n).Underlying().(*types.Struct); isStruct {
			for _, element := range n.Elts {
				if field, ok := element.(*ast.KeyValueExpr); ok {
					p.zero(field.Value, p.info.Uses[field.Key.(*ast.Ident)].Type())
				}
			}
		}
	}
}

func (p *planter) binary(n *ast.BinaryExpr) {
	if p.info.Types[n].Value != nil {
		return
	}
	switch n.Op {
	case token.LAND, token.LOR:
		for _, side := range []ast.Expr{n.X, n.Y} {
			if same, ok := side.(*ast.BinaryExpr); ok && same.Op == n.Op {
				continue // its sides are left out
			}
			if n.Op == token.LAND {
				p.around(side, "left out", "(mutantIs(%d) || ", ")")
			} else {
				p.around(side, "left out", "(!mutantIs(%d) && (", "))")
			}
		}
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		p.around(n, "other bound", fmt.Sprintf("mutantCompare(%%d, %q, ", n.Op), ")")
		p.replace(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), ",")
	case token.ADD, token.SUB:
		p.sign(n.Y)
	}
}

// sign has a number taken away that is added, or added that is taken away.
func (p *planter) sign(n ast.Expr) {
	t := p.info.TypeOf(n)
	name := p.typeName(t)
	if b, ok := t.Underlying().(*types.Basic); ok && b.Info()&types.IsNumeric != 0 && name != "" {
		p.around(n, "other sign", "mutantMinus(%d, "+name+"(", "))")
	}
}

// call plants in a call of what compares instants, or moves them. What make is called
// with is left alone: capacities are hints.
func (p *planter) call(n *ast.CallExpr) ast.Visitor {
	name := calledName(n)
	switch name {
	case "make":
		return nil
	case "Round":
		ast.Walk(p, n.Fun)
		return nil
	}
	f, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) != 1 || p.info.Selections[f] == nil {
		return p
	}
	switch {
	case (name == "Before" || name == "After") && types.Identical(p.info.TypeOf(f.X), p.info.TypeOf(n.Args[0])):
		p.around(n, "other bound", "mutant"+name+"(%d, ", "")
		p.replace(f.X.End(), n.Args[0].Pos(), ", ")
	case name == "Add" && p.typeName(p.info.TypeOf(n.Args[0])) == "time.Duration":
		p.sign(n.Args[0])
	}
	return p
}
