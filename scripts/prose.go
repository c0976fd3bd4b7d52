// Prose counts words in the English of this repository: in the comments of the library, and in
// the prose of README.md. It fails if a text has too many vague words, or too few that bind.
//
//	go run ./scripts/prose.go
package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The limits are for 1,000 words of a text: fewer vague words than maxVague, more binding words
// than minBinding.
const maxVague, minBinding = 3.0, 3.0

var (
	vague   = []string{"who", "whoever", "what", "whatever"} // a noun says it better
	binding = []string{"must", "should"}                     // a contract says these
)

func main() {
	failed := false
	fmt.Printf("%-10s %6s  %s  %s\n", "prose of", "words", strings.Join(vague, "/"), strings.Join(binding, "/"))
	for _, name := range []string{".", "pgstore", "memstore", "sqlitestore", "mail", "storetest", "README.md"} {
		read := comments
		if name == "README.md" {
			read = markdown
		}
		text, err := read(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "prose:", err)
			os.Exit(1)
		}
		c := count(text)
		verdict := "ok"
		if c.vaguePerThousand() >= maxVague || c.bindingPerThousand() <= minBinding {
			verdict, failed = "FAIL", true
		}
		fmt.Printf("%-10s %6d  %21.1f  %11.1f  %s\n", name, c.words, c.vaguePerThousand(), c.bindingPerThousand(), verdict)
	}
	if failed {
		fmt.Fprintf(os.Stderr, "prose: of 1,000 words, fewer than %g may be of %q (use a noun),\n"+
			"and more than %g must be of %q (say how callers and implementers are bound)\n", maxVague, vague, minBinding, binding)
		os.Exit(1)
	}
}

// comments returns the comments of a folder's Go files, without tests, directives and code.
func comments(dir string) (string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		for _, group := range file.Comments {
			for line := range strings.Lines(group.Text()) { // Text leaves directives out
				if !strings.HasPrefix(line, "\t") { // gofmt indents code in comments by a tab
					text.WriteString(line)
				}
			}
		}
	}
	return text.String(), nil
}

var linkTarget = regexp.MustCompile(`\]\([^)]*\)`)

// markdown returns the prose of a file, without blocks of code and targets of links.
func markdown(name string) (string, error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	code := false
	for line := range strings.Lines(string(source)) {
		if strings.HasPrefix(line, "```") {
			code = !code
		} else if !code {
			text.WriteString(linkTarget.ReplaceAllString(line, "]"))
		}
	}
	return text.String(), nil
}

type counts struct{ words, vague, binding int }

func (c counts) vaguePerThousand() float64 { return float64(c.vague) * 1000 / float64(max(c.words, 1)) }
func (c counts) bindingPerThousand() float64 {
	return float64(c.binding) * 1000 / float64(max(c.words, 1))
}

// count counts the words of a text: runs of letters, in lower case. So "who's" holds a "who".
func count(text string) counts {
	var c counts
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		c.words++
		if slices.Contains(vague, word) {
			c.vague++
		}
		if slices.Contains(binding, word) {
			c.binding++
		}
	}
	return c
}
