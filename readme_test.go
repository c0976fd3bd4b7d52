package invitations_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documents returns the text of README.md and of the pages in docs, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	documents := map[string]string{}
	for _, path := range append(paths, "README.md") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		documents[path] = string(text)
	}
	return documents
}

// fences returns the fenced blocks of a Markdown document in one language.
func fences(document, language string) []string {
	var blocks []string
	var block strings.Builder
	inside, wanted := false, false
	for line := range strings.Lines(document) {
		info, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && !inside:
			inside, wanted = true, info == language
			block.Reset()
		case isFence:
			if wanted {
				blocks = append(blocks, block.String())
			}
			inside, wanted = false, false
		default:
			block.WriteString(line)
		}
	}
	return blocks
}

// runningCode returns the code of all tests and examples, except this file, unindented.
func runningCode(t *testing.T) string {
	t.Helper()
	code := "\n"
	for _, pattern := range []string{
		"*_test.go", "mail/*_test.go", "memstore/*_test.go", "pgstore/*_test.go", "sqlitestore/*_test.go",
		"internal/sqliteorms/*_test.go", "examples/*/*.go",
	} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths, pattern)
		for _, path := range paths {
			if path == "readme_test.go" {
				continue
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			code += unindent(string(text))
		}
	}
	return code
}

// unindent returns text without empty lines and without the white space around its lines.
func unindent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// checkSnippet returns an error unless the lines of snippet follow each other in code.
func checkSnippet(code, snippet string) error {
	if !strings.Contains(code, "\n"+unindent(snippet)) {
		return fmt.Errorf("is in no test and no example:\n%s", snippet)
	}
	return nil
}

func TestDocuments_SnippetsRun(t *testing.T) {
	t.Parallel()
	code := runningCode(t)
	snippets := 0
	for path, document := range documents(t) {
		for _, snippet := range append(fences(document, "go"), fences(document, "sql")...) {
			if strings.HasPrefix(snippet, "package main\n") {
				continue // a whole program: TestREADME_QuickStart
			}
			require.NoError(t, checkSnippet(code, snippet), path)
			snippets++
		}
	}
	require.GreaterOrEqual(t, snippets, 30)
}

// TestDocuments_UnknownSnippet is the control of TestDocuments_SnippetsRun.
func TestDocuments_UnknownSnippet(t *testing.T) {
	t.Parallel()
	code := runningCode(t)
	known := "```go\nlink, err := svc.CreateLink(ctx, invitations.User(\"ada\"), invitations.CreateLinkParams{\n```\n"
	require.NoError(t, checkSnippet(code, fences(known, "go")[0]))
	for name, unknown := range map[string]string{
		"in no file":         "```go\nsvc.CreateLinks(ctx)\n```\n",
		"a part of a line":   "```go\nerr := svc.CreateLink(ctx, invitations.User(\"ada\"), invitations.CreateLinkParams{\n```\n",
		"other order":        "```go\n})\nlink, err := svc.CreateLink(ctx, invitations.User(\"ada\"), invitations.CreateLinkParams{\n```\n",
		"SQL in no file":     "```sql\ndrop table team_members\n```\n",
		"only in this file":  "```go\nsnippets++\n```\n",
		"only in a document": "```go\ntoken := sent.Token.Reveal() // mail https://app.example.com/invite/ followed by the token\n```\n",
	} {
		snippets := append(fences(unknown, "go"), fences(unknown, "sql")...)
		require.Len(t, snippets, 1, name)
		require.Error(t, checkSnippet(code, snippets[0]), name)
	}
}

func TestREADME_QuickStart(t *testing.T) {
	t.Parallel()
	readme := documents(t)["README.md"]
	lines := strings.Split(readme, "\n")
	require.LessOrEqual(t, len(lines), 300)
	require.Contains(t, lines[:25], "```go", "the first code is in sight")
	program := fences(readme, "go")[0]
	require.True(t, strings.HasPrefix(program, "package main\n"))
	require.LessOrEqual(t, strings.Count(program, "\n"), 50)
	_, output, found := strings.Cut(readme, "It prints:\n")
	require.True(t, found)

	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o600))
	printed, err := exec.CommandContext(t.Context(), "go", "run", file).CombinedOutput()
	require.NoError(t, err, string(printed))
	require.Equal(t, fences(output, "")[0], string(printed))
}

var (
	markdownLink  = regexp.MustCompile("\\[(`?)([^]`]+)`?\\]\\(([^)]+)\\)")
	pictureSource = regexp.MustCompile(`<img src="([^"]+)"`)
)

// checkLinks returns an error unless the relative links of a document lead to files, to headings
// of these and, if the text of a link names an example, to the file of this example. The pictures
// of the document must exist.
func checkLinks(path, document string) error {
	for _, picture := range pictureSource.FindAllStringSubmatch(document, -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), picture[1])); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, link := range markdownLink.FindAllStringSubmatch(document, -1) {
		text, target := link[2], link[3]
		if strings.Contains(target, "://") {
			continue
		}
		file, anchor, _ := strings.Cut(target, "#")
		file = filepath.Join(filepath.Dir(path), file)
		if file == filepath.Dir(path) {
			file = path // an anchor of the document itself
		}
		info, err := os.Stat(file)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if info.IsDir() {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if strings.HasPrefix(text, "Example") && !strings.Contains(string(content), "\nfunc "+text+"() {\n") {
			return fmt.Errorf("%s: %s has no %s", path, file, text)
		}
		if anchor != "" && !strings.Contains(headings(string(content)), "\n"+anchor+"\n") {
			return fmt.Errorf("%s: %s has no heading %s", path, file, anchor)
		}
	}
	return nil
}

// headings returns the anchors that GitHub gives to the headings of a document, one a line.
func headings(document string) string {
	anchors := "\n"
	for line := range strings.Lines(document) {
		if title, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); isHeading && line[0] == '#' {
			title = strings.ToLower(strings.TrimSpace(title))
			title = strings.NewReplacer(",", "", ":", "", "`", "", " ", "-").Replace(title)
			anchors += title + "\n"
		}
	}
	return anchors
}

func TestDocuments_Links(t *testing.T) {
	t.Parallel()
	for path, document := range documents(t) {
		require.NoError(t, checkLinks(path, document))
	}
}

// TestDocuments_BrokenLink is the control of TestDocuments_Links.
func TestDocuments_BrokenLink(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkLinks("docs/errors.md", "[`ExampleError`](../example_errors_test.go), [a](#in-an-api)\n# In an API\n"+
		"[b](members.md#members-seats-and-roles) [c](https://nowhere.example)"+
		`[<img src="pictures/members.png" alt="d">](pictures/members.png)`))
	for _, broken := range []string{
		"[a](nowhere.md)", "[a](members.md#nowhere)", "[a](#nowhere)", "[a](example_errors_test.go)",
		"[`ExampleError`](../example_keys_test.go)", "[`ExampleErr`](../example_errors_test.go)",
		`[<img src="pictures/members.png" alt="a">](pictures/nowhere.png)`, `[<img src="pictures/nowhere.png" alt="a">](errors.md)`,
	} {
		require.Error(t, checkLinks("docs/errors.md", broken), broken)
	}
}
