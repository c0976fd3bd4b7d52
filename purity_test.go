package invitations_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rules are pure functions, although they stand in the files of the service's methods.
// This test reads the source: a decision must not use a context, the service, the keys, a
// store, the clock, randomness or other state, and neither must the functions that it calls.

// pureImports are the packages that decisions may use, with the only functions and variables
// that they may use; nil means all. Methods, types and constants are free.
var pureImports = map[string][]string{
	"cmp": nil, "crypto/subtle": nil, "errors": nil, "maps": nil, "math": nil, "math/bits": nil, "slices": nil, "strconv": nil, "strings": nil,
	"unicode": nil, "unicode/utf8": nil, "golang.org/x/net/idna": nil,
	"time":                   {"Date", "Unix", "UTC"},
	"github.com/google/uuid": {"Nil"},
}

// impureTypes are the types of the package that hold state.
var impureTypes = []string{"Service", "Store", "Keyring", "Config"}

// decisionNames are methods that are decisions without having rules or facts.
var decisionNames = []string{"needs", "decide", "Decide", "Count"}

// A typedSource is the source of a package with its types.
type typedSource struct {
	pkg       *types.Package
	info      *types.Info
	functions map[*types.Func]*ast.FuncDecl
	reasons   map[*types.Func]string // of the functions that were looked at
}

// newImporter returns an importer of the packages that the core imports.
func newImporter(t *testing.T, set *token.FileSet) types.Importer {
	t.Helper()
	exports := map[string]string{} // by import path, the file with the compiled declarations
	for _, line := range goList(t, "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}") {
		path, export, _ := strings.Cut(line, "\t")
		exports[path] = export
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	return importer.ForCompiler(set, "gc", open)
}

// checkTypes returns the files of a package with their types.
func checkTypes(t *testing.T, set *token.FileSet, imports types.Importer, files map[string]*ast.File) *typedSource {
	t.Helper()
	s := &typedSource{
		info:      &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}},
		functions: map[*types.Func]*ast.FuncDecl{}, reasons: map[*types.Func]string{},
	}
	all := slices.Collect(maps.Values(files))
	var err error
	s.pkg, err = (&types.Config{Importer: imports}).Check("checked", set, all, s.info)
	require.NoError(t, err)
	for _, file := range all {
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				s.functions[s.info.Defs[f.Name].(*types.Func)] = f
			}
		}
	}
	return s
}

// typeName returns the name of a type of the package, or of a pointer to one.
func (s *typedSource) typeName(t types.Type) string {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() == s.pkg {
		return named.Obj().Name()
	}
	return ""
}

// isDecision reports whether f is part of the rules: it has rules or facts, or is a method
// with the name of a decision.
func (s *typedSource) isDecision(f *types.Func) bool {
	receiver := f.Signature().Recv()
	if receiver != nil && (s.typeName(receiver.Type()) == "rules" || slices.Contains(decisionNames, f.Name())) {
		return true
	}
	for parameter := range f.Signature().Params().Variables() {
		if name := s.typeName(parameter.Type()); name == "rules" || name == "Facts" {
			return true
		}
	}
	return false
}

// decisions returns the names of all decisions, and the reasons why some are not pure.
func (s *typedSource) decisions() (names []string, impure map[string]string) {
	impure = map[string]string{}
	for f := range s.functions {
		if !s.isDecision(f) {
			continue
		}
		name := f.Name()
		if receiver := f.Signature().Recv(); receiver != nil {
			name = s.typeName(receiver.Type()) + "." + name
		}
		names = append(names, name)
		if reason := s.impurity(f); reason != "" {
			impure[name] = reason
		}
	}
	slices.Sort(names)
	return names, impure
}

// impurity returns the reason why a function is not pure, or "".
func (s *typedSource) impurity(f *types.Func) (reason string) {
	if known, ok := s.reasons[f]; ok {
		return known
	}
	s.reasons[f] = "" // a recursive call adds no reason
	defer func() { s.reasons[f] = reason }()
	ast.Inspect(s.functions[f], func(n ast.Node) bool {
		if reason != "" {
			return false
		}
		switch n := n.(type) {
		case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
			reason = "concurrency"
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				reason = "concurrency"
			}
		case *ast.Ident:
			if object := s.info.Uses[n]; object != nil && object != f.Origin() {
				reason = s.impureUse(object)
			}
		}
		return reason == ""
	})
	return reason
}

// impureUse returns the reason why a function that uses object is not pure, or "".
func (s *typedSource) impureUse(object types.Object) string {
	if _, isPackage := object.(*types.PkgName); isPackage || object.Pkg() == nil {
		return "" // the object after the dot has a use of its own
	}
	if object.Pkg() != s.pkg {
		return impureImport(object)
	}
	switch object := object.(type) {
	case *types.TypeName:
		if slices.Contains(impureTypes, object.Name()) {
			return object.Name()
		}
	case *types.Var:
		_, isFunction := object.Type().Underlying().(*types.Signature)
		isGlobal := object.Parent() == s.pkg.Scope()
		isError := s.typeName(object.Type()) == "Error" || types.Identical(object.Type(), types.Universe.Lookup("error").Type())
		switch name := s.typeName(object.Type()); {
		case slices.Contains(impureTypes, name):
			return name
		case isGlobal && !isError:
			return "variable " + object.Name()
		case object.IsField() && isFunction:
			return "function in field " + object.Name()
		}
	case *types.Func:
		if _, ok := s.functions[object.Origin()]; !ok {
			return "interface method " + object.Name()
		}
		if reason := s.impurity(object.Origin()); reason != "" {
			return object.Name() + ": " + reason
		}
	}
	return ""
}

// impureImport is impureUse for an object of another package.
func impureImport(object types.Object) string {
	path := object.Pkg().Path()
	free, ok := pureImports[path]
	if !ok {
		return path
	}
	isGlobal := object.Parent() == object.Pkg().Scope()
	switch object.(type) {
	case *types.Func, *types.Var:
		if isGlobal && free != nil && !slices.Contains(free, object.Name()) {
			return path + "." + object.Name()
		}
	}
	return ""
}

func TestRules_ArePure(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	names, impure := checkTypes(t, set, newImporter(t, set), parseCore(t, set)).decisions()
	require.Empty(t, impure)
	for _, name := range []string{
		"acceptance.needs", "acceptance.decide", "acceptance.nextStep", "bulk.decide", "founding.decide", "quotaChange.decide",
		"addition.decide", "limitsChange.decide", "deletion.decide", "erasure.needs", "erasure.eraseUser", "metadataChange.decide",
		"claim.find", "claim.needs", "rules.may", "rules.in", "rules.join", "rules.sweep", "Consumption.Decide", "StatisticsQuery.Count",
	} {
		require.Contains(t, names, name, "the test looks at the wrong functions")
	}
	require.Greater(t, len(names), 60)
}

// The check finds every kind of impurity, also in a function that is called.
func TestRules_ArePure_Control(t *testing.T) {
	t.Parallel()
	const declarations = `package control
import ("context"; "crypto/rand"; "os"; "sync"; "time"; "github.com/google/uuid")
var (_ = rand.Read; _ = os.Getenv; _ sync.Mutex; _ = time.Now; _ uuid.UUID; _ context.Context)
type (
	Service struct { config Config; store Store; keys *Keyring }
	Config struct { Clock func() time.Time }
	Store interface { View(context.Context) error }
	Keyring struct{}
	Error struct{}
	Facts struct { Version int64 }
	rules struct { now time.Time; clock func() time.Time; store Store; keys *Keyring }
	act struct { svc *Service; other interface { decide(rules) } }
	list[T any] struct { items []T }
)
var (
	ErrSome = &Error{}
	errOther error
	state int
)
func (s *Service) now() time.Time { return s.config.Clock() }
func (k *Keyring) sign() string { return "" }
func indirect() time.Time { return further() }
func further() time.Time { return time.Now() }
func generic[T any](T) time.Time { return further() }
func forever(n int) time.Time { if n == 0 { return time.Now() }; return forever(n-1) }
func harmless(n int) int { if n == 0 { return 0 }; return harmless(n-1) }
`
	set := token.NewFileSet()
	imports := newImporter(t, set)
	for name, c := range map[string]struct{ function, want string }{
		"pure":                 {`func (r rules) f(f Facts, at time.Time) (*Error, error) { _ = harmless(3); _ = r.now.Add(time.Hour).After(at); return ErrSome, errOther }`, ""},
		"pure closure":         {`func (r rules) f() { g := func(n int) int { return n }; _ = g(1) }`, ""},
		"pure parameter":       {`func (r rules) f(g func(int) bool) { _ = g(1) }`, ""},
		"pure UUID":            {`func (r rules) f(id uuid.UUID) bool { return id == uuid.Nil && id.Version() == 7 }`, ""},
		"pure generic":         {`func (l list[T]) needs(g func(T) bool) int { return len(l.items) }`, ""},
		"not a decision":       {`func f() time.Time { return time.Now() }`, ""},
		"context":              {`func (r rules) f(ctx context.Context) {}`, "context"},
		"service":              {`func (r rules) f(s *Service) {}`, "Service"},
		"service in a field":   {`func (a act) decide(r rules) { _ = a.svc }`, "Service"},
		"config":               {`func (r rules) f(c Config) {}`, "Config"},
		"keys":                 {`func (r rules) f(k *Keyring) {}`, "Keyring"},
		"keys in a field":      {`func (r rules) f() { _ = r.keys.sign() }`, "Keyring"},
		"store":                {`func (r rules) f(s Store) {}`, "Store"},
		"store in a field":     {`func (r rules) f() { _ = r.store }`, "Store"},
		"interface method":     {`func (a act) decide(r rules) { a.other.decide(r) }`, "interface method decide"},
		"function in a field":  {`func (r rules) f() { _ = r.clock() }`, "function in field clock"},
		"clock":                {`func (r rules) f() { _ = time.Now() }`, "time.Now"},
		"clock as a value":     {`func (r rules) f() { g := time.Now; _ = g }`, "time.Now"},
		"clock by Since":       {`func (r rules) f() { _ = time.Since(r.now) }`, "time.Since"},
		"local zone":           {`func (r rules) f() { _ = r.now.In(time.Local) }`, "time.Local"},
		"clock, by a call":     {`func (r rules) f() { _ = indirect() }`, "indirect: further: time.Now"},
		"clock, generic":       {`func (r rules) f() { _ = generic(1) }`, "generic: further: time.Now"},
		"clock, recursive":     {`func (r rules) f() { _ = forever(3) }`, "forever: time.Now"},
		"clock in a closure":   {`func (r rules) f() { g := func() { _ = time.Now() }; g() }`, "time.Now"},
		"randomness":           {`func (r rules) f(b []byte) { _, _ = rand.Read(b) }`, "crypto/rand"},
		"random UUID":          {`func (r rules) f() { _ = uuid.New() }`, "github.com/google/uuid.New"},
		"environment":          {`func (r rules) f() { _ = os.Getenv("X") }`, "os"},
		"lock":                 {`func (r rules) f(m *sync.Mutex) {}`, "sync"},
		"variable":             {`func (r rules) f() { state++ }`, "variable state"},
		"goroutine":            {`func (r rules) f() { go func() {}() }`, "concurrency"},
		"channel":              {`func (r rules) f(c chan int) {}`, "concurrency"},
		"needs":                {`func (a act) needs() { _ = time.Now() }`, "time.Now"},
		"decide":               {`func (a act) decide() { _ = time.Now() }`, "time.Now"},
		"rules as a parameter": {`func f(r *rules) { _ = time.Now() }`, "time.Now"},
		"facts as a parameter": {`func f(x Facts) { _ = time.Now() }`, "time.Now"},
	} {
		file, err := parser.ParseFile(set, "control.go", declarations+c.function, parser.SkipObjectResolution)
		require.NoError(t, err, name)
		_, impure := checkTypes(t, set, imports, map[string]*ast.File{"control.go": file}).decisions()
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		require.Equal(t, want, slices.Collect(maps.Values(impure)), fmt.Sprint(name, ": ", impure))
	}
}

// goList returns the lines that go list prints for the package.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, append(args, ".")...)...).Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// parseCore returns the files of the package without its tests, by name.
func parseCore(t *testing.T, set *token.FileSet) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		files[name], err = parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
	}
	return files
}

// The package needs no database driver, web server or test library.
func TestImports_AreFew(t *testing.T) {
	t.Parallel()
	deps := goList(t, "-deps")
	require.Contains(t, deps, "github.com/google/uuid")
	for _, dep := range deps {
		require.NotEqual(t, "net/http", dep)
		require.NotEqual(t, "database/sql", dep)
		for _, prefix := range []string{
			"github.com/jackc", "github.com/stretchr", "github.com/matryer", "pgregory.net",
			"github.com/go-invitations/invitations/",
		} {
			require.False(t, strings.HasPrefix(dep, prefix), dep)
		}
	}
	modules := goList(t, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}")
	modules = slices.DeleteFunc(modules, func(module string) bool { return module == "" })
	slices.Sort(modules)
	require.Equal(t, []string{"github.com/google/uuid", "golang.org/x/crypto", "golang.org/x/net", "golang.org/x/text"},
		slices.Compact(modules))
}

// The only source of randomness is the operating system.
func TestClass21_NoOtherRandomness(t *testing.T) {
	t.Parallel()
	imports := goList(t, "-f", `{{join .Imports "\n"}}`)
	require.Contains(t, imports, "crypto/rand")
	require.NotContains(t, imports, "math/rand")
	require.NotContains(t, imports, "math/rand/v2")
}

// Secrets are compared in constant time. The test reads the source and measures nothing.
func TestClass43_ConstantTime(t *testing.T) {
	t.Parallel()
	constant := map[string][]string{} // by the comparison, the functions that use it
	for file, parsed := range parseCore(t, token.NewFileSet()) {
		for _, declaration := range parsed.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					call := types.ExprString(n.Fun)
					if call == "hmac.Equal" || call == "subtle.ConstantTimeCompare" {
						constant[call] = append(constant[call], f.Name.Name)
					}
					early := strings.HasSuffix(call, ".Equal") || strings.HasSuffix(call, ".Compare") || call == "reflect.DeepEqual"
					if early && call != "hmac.Equal" {
						for _, argument := range n.Args {
							requireNoSecret(t, argument, file, f.Name.Name)
						}
					}
				case *ast.BinaryExpr:
					if n.Op != token.EQL && n.Op != token.NEQ {
						return true
					}
					// A comparison with zero asks only whether the secret exists.
					if !isZero(n.X) && !isZero(n.Y) {
						requireNoSecret(t, n.X, file, f.Name.Name)
						requireNoSecret(t, n.Y, file, f.Name.Name)
					}
				}
				return true
			})
		}
	}
	require.Equal(t, map[string][]string{"hmac.Equal": {"verifyMAC"}, "subtle.ConstantTimeCompare": {"find"}}, constant)
}

// isZero reports whether e is nil, a literal, or an empty composite literal.
func isZero(e ast.Expr) bool {
	text := types.ExprString(e)
	_, literal := e.(*ast.BasicLit)
	return literal || text == "nil" || strings.HasSuffix(strings.Trim(text, "()"), "{}")
}

// requireNoSecret fails if e contains a nonce, a MAC or a secret, except in a length.
func requireNoSecret(t *testing.T, e ast.Expr, file, function string) {
	t.Helper()
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "len" {
			return false
		}
		if name, ok := n.(*ast.Ident); ok {
			require.NotContains(t, []string{"nonce", "mac", "sum", "secret"}, strings.ToLower(name.Name),
				"%s: %s compares %s not in constant time", file, function, types.ExprString(e))
		}
		return true
	})
}
