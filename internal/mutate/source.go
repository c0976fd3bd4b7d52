package main

import (
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A source is the package of the library with its types.
type source struct {
	set       *token.FileSet
	text      map[string][]byte // of each file, by path
	info      *types.Info
	pkg       *types.Package
	functions map[*types.Func]*ast.FuncDecl
	edits     map[string][]insertion
	mutants   []*mutant
	function  string // the one that is being changed
}

// An insertion adds text at an offset. Those of one offset come in the order of their places.
type insertion struct {
	offset, place int
	text          string
}

// A mutant is the library without one condition.
type mutant struct {
	file      string
	line      int
	function  string
	kind      string // "if", "case", "&&" or "||"
	condition string // its text
	within    string // the text of the whole condition, if this is an operand

	// The result.
	world      string
	invariants []string // that the exploration found broken
	test       string   // the other test that failed
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d %s: %s %s", m.file, m.line, m.function, m.kind, m.condition)
}

func (m *mutant) killed() bool { return len(m.invariants) > 0 || m.test != "" }

func (m *mutant) result() string {
	switch {
	case len(m.invariants) > 0:
		return "killed in world " + m.world + ": " + strings.Join(m.invariants, "; ")
	case m.test != "":
		return "killed by " + m.test
	}
	return "survived"
}

// parse reads the package in a directory.
func parse(ctx context.Context, dir string) (*source, error) {
	list := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", ".")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	exports := map[string]string{} // by import path, the file with the compiled declarations
	for line := range strings.Lines(string(out)) {
		path, export, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = export
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	text := map[string][]byte{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if text[name], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	set := token.NewFileSet()
	return newSource(set, text, importer.ForCompiler(set, "gc", open))
}

// newSource returns the source of files, by path.
func newSource(set *token.FileSet, text map[string][]byte, imports types.Importer) (*source, error) {
	s := &source{
		set: set, text: text, edits: map[string][]insertion{},
		info:      &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}},
		functions: map[*types.Func]*ast.FuncDecl{},
	}
	var all []*ast.File
	for name := range text {
		file, err := parser.ParseFile(set, name, text[name], parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		all = append(all, file)
	}
	var err error
	if s.pkg, err = (&types.Config{Importer: imports}).Check("invitations", set, all, s.info); err != nil {
		return nil, err
	}
	for _, file := range all {
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				s.functions[s.info.Defs[f.Name].(*types.Func)] = f
			}
		}
	}
	return s, nil
}

// notRules are files with functions that decisions call, but that hold no rule: the form of an
// address, the hash table of a policy, and the texts of errors.
var notRules = []string{"email.go", "roles.go", "errors.go", "invalid.go"}

// decisions returns the decisions and all functions that they call, in the order of the source.
func (s *source) decisions() []*types.Func {
	found := map[*types.Func]bool{}
	var visit func(f *types.Func)
	visit = func(f *types.Func) {
		if s.functions[f] == nil || found[f] {
			return
		}
		found[f] = true
		ast.Inspect(s.functions[f], func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok {
				if called, ok := s.info.Uses[name].(*types.Func); ok {
					visit(called.Origin())
				}
			}
			return true
		})
	}
	for f := range s.functions {
		if s.isDecision(f) {
			visit(f)
		}
	}
	var all []*types.Func
	for f := range found {
		if !slices.Contains(notRules, filepath.Base(s.set.Position(f.Pos()).Filename)) {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b *types.Func) int {
		p, q := s.set.Position(a.Pos()), s.set.Position(b.Pos())
		return cmp.Or(cmp.Compare(p.Filename, q.Filename), cmp.Compare(p.Offset, q.Offset))
	})
	return all
}

// isDecision reports whether f is part of the rules, as in purity_test.go: it has rules or facts,
// or is a method with the name of a decision. What lists the needed facts decides nothing.
func (s *source) isDecision(f *types.Func) bool {
	receiver := f.Signature().Recv()
	switch {
	case strings.HasPrefix(f.Name(), "need"):
		return false
	case receiver != nil && (slices.Contains([]string{"rules", "PurgeQuery"}, s.typeName(receiver.Type())) || slices.Contains([]string{"decide", "Decide", "Count"}, f.Name())):
		return true
	}
	for parameter := range f.Signature().Params().Variables() {
		if name := s.typeName(parameter.Type()); name == "rules" || name == "Facts" {
			return true
		}
	}
	return false
}

func (s *source) typeName(t types.Type) string {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() == s.pkg {
		return named.Obj().Name()
	}
	return ""
}

// mutate marks every condition of the decisions, and returns the mutants in the order of their
// numbers, from 1.
func (s *source) mutate() []*mutant {
	for _, f := range s.decisions() {
		s.function = f.Name()
		if receiver := f.Signature().Recv(); receiver != nil {
			s.function = s.typeName(receiver.Type()) + "." + s.function
		}
		ast.Inspect(s.functions[f].Body, s.visit)
	}
	return s.mutants
}

func (s *source) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		s.wrap(n.Cond, "without", "if", nil)
	case *ast.SwitchStmt:
		for _, clause := range n.Body.List {
			for _, e := range clause.(*ast.CaseClause).List {
				if n.Tag == nil {
					s.wrap(e, "without", "case", nil)
				} else if basic, ok := s.info.Types[n.Tag].Type.Underlying().(*types.Basic); ok && basic.Info()&types.IsString != 0 {
					s.wrap(e, "never", "case", n.Tag)
				}
			}
		}
	case *ast.BinaryExpr:
		if n.Op == token.LAND || n.Op == token.LOR {
			s.operands(n, n)
		}
	}
	return true
}

// operands marks the operands of a chain of one operator.
func (s *source) operands(n, whole *ast.BinaryExpr) {
	wrapper := map[token.Token]string{token.LAND: "with", token.LOR: "without"}[n.Op]
	for _, side := range []ast.Expr{n.X, n.Y} {
		if inner, ok := side.(*ast.BinaryExpr); ok && inner.Op == n.Op {
			continue // its operands are visited later
		}
		s.wrap(side, wrapper, n.Op.String(), whole)
	}
}

// wrap marks one condition.
func (s *source) wrap(e ast.Expr, wrapper, kind string, within ast.Expr) {
	from, to := s.set.Position(e.Pos()), s.set.Position(e.End())
	m := &mutant{file: filepath.Base(from.Filename), line: from.Line, function: s.function, kind: kind, condition: types.ExprString(e)}
	if within != nil {
		m.within = types.ExprString(within)
	}
	s.mutants = append(s.mutants, m)
	number := len(s.mutants)
	s.edits[from.Filename] = append(s.edits[from.Filename],
		insertion{from.Offset, number, fmt.Sprintf("%s(%d, ", wrapper, number)}, // an outer condition begins first
		insertion{to.Offset, -number, ")"})                                      // and ends last
}

// instrumented returns the files with all conditions marked, by path.
func (s *source) instrumented() map[string][]byte {
	files := map[string][]byte{}
	for name, edits := range s.edits {
		slices.SortStableFunc(edits, func(a, b insertion) int {
			return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.place, b.place))
		})
		var out []byte
		at := 0
		for _, e := range edits {
			out = append(append(out, s.text[name][at:e.offset]...), e.text...)
			at = e.offset
		}
		files[name] = append(out, s.text[name][at:]...)
	}
	return files
}

// ruleTests returns the names of the tests that stand in the package itself.
func ruleTests(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if file.Name.Name != "invitations" {
			continue
		}
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names, nil
}
