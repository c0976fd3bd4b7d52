//go:build copied

// Package examples_test checks that the examples can be copied out of the repository. It compiles
// each of them in a module of its own, which takes minutes: make examples runs it.
package examples_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const library = "github.com/go-invitations/invitations"

// Each example is copied to a module in a temporary directory, without its tests, which may use
// internal packages. It must compile there with nothing changed but the module's path and the
// replace directives of the library.
func TestCopiedExamples(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyWithoutTests(t, entry.Name(), dir)
			edit := []string{"mod", "edit", "-module=example.com/copied", "-replace=" + library + "=" + root,
				"-replace=" + library + "/sqlitestore=" + filepath.Join(root, "sqlitestore")}
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); errors.Is(err, fs.ErrNotExist) {
				copyFile(t, filepath.Join(root, "go.mod"), filepath.Join(dir, "go.mod"))
				copyFile(t, filepath.Join(root, "go.sum"), filepath.Join(dir, "go.sum"))
				edit = append(edit, "-require="+library+"@v0.0.0")
			}
			run(t, dir, edit...)
			run(t, dir, "vet", "-mod=mod", "./...")
		})
	}
}

func copyWithoutTests(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			err = os.Remove(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs the go command in dir, without a workspace.
func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
