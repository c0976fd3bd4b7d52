package invitations_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const guarantees = "docs/guarantees.md"

var (
	// A testWord in a document can only be the name of a test or a check.
	testWord = regexp.MustCompile(`^(Test|Fuzz|Class\d\d_)\w+$`)
	// A testFunction is declared in a test file, and a check is an element of a table of checks or
	// races.
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	checkElement = regexp.MustCompile(`(?:\{"|\bname: +")([A-Z]\w+)", ?(?:\w+\}|\w+: |func|\n)`)
)

// checkGuarantees returns the number of promises in a document. It returns an error unless each
// promise has a mechanism and names tests in its last column, and every Go name in the document is
// in the code. A name that looks like that of a test must be one.
func checkGuarantees(document, code string, tests map[string]bool) (promises int, err error) {
	inTable := false
	for line := range strings.Lines(document) {
		for _, name := range codeName.FindAllStringSubmatch(line, -1) {
			if !strings.Contains(code, name[1]) || testWord.MatchString(name[1]) && !tests[name[1]] {
				return 0, fmt.Errorf("%s is not in the code", name[1])
			}
		}
		row := strings.TrimSpace(line)
		switch {
		case row == "| promise | mechanism | peers | shown by |":
			inTable = true
			continue
		case !strings.HasPrefix(row, "|"):
			inTable = false
		}
		if !inTable || strings.HasPrefix(row, "|---") {
			continue
		}
		columns := strings.Split(strings.Trim(row, "|"), "|")
		if len(columns) != 4 || strings.TrimSpace(columns[0]) == "" || strings.TrimSpace(columns[1]) == "" {
			return 0, fmt.Errorf("not a promise with its mechanism: %s", row)
		}
		for name := range strings.SplitSeq(strings.TrimSpace(columns[3]), ", ") {
			if name = strings.Trim(name, "`"); !tests[name] {
				return 0, fmt.Errorf("%q is no test: %s", name, row)
			}
		}
		promises++
	}
	return promises, nil
}

// testsAndChecks returns the names of all tests in the code, and of the checks of every store.
func testsAndChecks(t *testing.T, code string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, name := range testFunction.FindAllStringSubmatch(code, -1) {
		names[name[1]] = true
	}
	for _, name := range checkElement.FindAllStringSubmatch(goSource(t, "storetest")+goSource(t, "internal/behaviour"), -1) {
		names[name[1]] = true
	}
	return names
}

func TestGuarantees_NamesExist(t *testing.T) {
	t.Parallel()
	document := documents(t)[guarantees]
	code := goSource(t, ".")
	tests := testsAndChecks(t, code)
	promises, err := checkGuarantees(document, code, tests)
	require.NoError(t, err)
	require.GreaterOrEqual(t, promises, 25)
	for name, changed := range map[string]string{
		"a test that does not exist":    strings.Replace(document, "`Class48_LastOwnerOnEveryPath`", "`Class48_NoOwnerAnywhere`", 1),
		"a word that is no test":        strings.Replace(document, "`Class48_LastOwnerOnEveryPath`", "`Organization`", 1),
		"a promise without a test":      strings.Replace(document, "| `Class09_RoleComesFromTheInvitation` |", "| |", 1),
		"a promise without a mechanism": strings.Replace(document, "| `Accept` has no parameter for them. |", "| |", 1),
		"an unknown control":            strings.Replace(document, "| `TestRules_ArePure_Control` |", "| `TestRules_ArePure_NoControl` |", 1),
		"an unknown method":             strings.Replace(document, "`NextStep`", "`Next"+"Leap`", 1), // this file is code too
	} {
		require.NotEqual(t, document, changed, name)
		_, err := checkGuarantees(changed, code, tests)
		require.Error(t, err, name)
	}
}
