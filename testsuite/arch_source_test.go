package testsuite_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// source is a package of this module as `go list -json` describes it, with its syntax.
type source struct {
	Dir, ImportPath, Doc               string
	Imports                            []string
	GoFiles, TestGoFiles, XTestGoFiles []string

	name  string // import path inside the module
	files []*ast.File
	set   *token.FileSet
	uses  map[*ast.Ident]types.Object
	scope *types.Scope
}

// load reads every package of this module; that takes well under a second.
func load(t *testing.T) []*source {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=Dir,ImportPath,Doc,Imports,GoFiles,TestGoFiles,XTestGoFiles", module+"/...")
	out, err := list.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, list.Start())
	var all []*source
	for d := json.NewDecoder(out); ; {
		p := &source{set: token.NewFileSet()}
		err := d.Decode(p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		p.name = strings.TrimPrefix(p.ImportPath, module+"/")
		p.parse(t)
		all = append(all, p)
	}
	require.NoError(t, list.Wait())
	require.NotEmpty(t, all)
	return all
}

// parse reads the files that are no tests and finds out what each name in them refers to. Imports stay empty packages:
// the errors of type checking that follow do not matter here.
func (p *source) parse(t *testing.T) {
	t.Helper()
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(p.set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		p.files = append(p.files, f)
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	c := types.Config{Importer: noImports{}, Error: func(error) {}}
	checked, _ := c.Check(p.ImportPath, p.set, p.files, &info)
	for id, o := range info.Defs {
		info.Uses[id] = o
	}
	p.uses, p.scope = info.Uses, checked.Scope()
}

func (p *source) inspect(f func(ast.Node)) {
	for _, file := range p.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if n != nil {
				f(n)
			}
			return true
		})
	}
}

func (p *source) position(n ast.Node) string {
	at := p.set.Position(n.Pos())
	at.Filename = path.Join(p.name, filepath.Base(at.Filename))
	return at.String()
}

// packageLevel reports whether a name is a variable of the package.
func (p *source) packageLevel(id *ast.Ident) bool {
	v, ok := p.uses[id].(*types.Var)
	return ok && v.Parent() == p.scope
}

// from reports whether x is the name of one of these imported packages.
func (p *source) from(x ast.Expr, paths ...string) bool {
	id, ok := x.(*ast.Ident)
	if !ok {
		return false
	}
	name, ok := p.uses[id].(*types.PkgName)
	return ok && slices.Contains(paths, name.Imported().Path())
}

// root is the variable that an assignment to e changes: registry in registry.byName["x"].
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

type noImports struct{}

func (noImports) Import(importPath string) (*types.Package, error) {
	name := path.Base(importPath)
	if strings.HasPrefix(name, "v") && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(importPath)) // math/rand/v2 is package rand
	}
	p := types.NewPackage(importPath, name)
	p.MarkComplete()
	return p, nil
}

var _ types.Importer = noImports{}
