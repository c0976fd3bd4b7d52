package pgstore_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// formatSQL breaks a statement into lines and indents its subqueries, so that it can be read.
// It changes only white space.
func formatSQL(sql string) string {
	tokens := sqlTokens(sql)
	nodes, _ := sqlNodes(tokens)
	var f sqlFormatter
	f.query(nodes, 0)
	return f.String()
}

func TestFormatSQL(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.TrimSpace(`
with found as (
	select e.version, pg_catalog.count(*) over (order by e.version) as n
	from "a schema".events e
	where e.email = '(not a group), select'
		and e.ordinal in (1, 2)
	limit $1::bigint
),
last as (select 1)
update t
set n = 1
from found
where exists (select from last)
returning n
for no key update`), formatSQL(`with found as (select e.version, pg_catalog.count(*) over (order by e.version) as n
		from "a schema".events e where e.email = '(not a group), select' and e.ordinal in (1, 2)
		limit $1::bigint), last as (select 1)
		update t set n = 1 from found where exists (select from last) returning n for no key update`))
}

const (
	sqlTab      = 4
	sqlWidth    = 120
	sqlSubquery = 60 // a subquery up to this length stays in its line
)

// sqlClauses begin a line.
var sqlClauses = [][]string{
	{"select"}, {"from"}, {"left", "join"}, {"cross", "join"}, {"join"}, {"where"}, {"group", "by"}, {"having"},
	{"order", "by"}, {"limit"}, {"for", "no", "key", "update"},
	{"insert"}, {"values"}, {"on", "conflict"}, {"update"}, {"set"}, {"delete", "from"}, {"returning"},
}

// A sqlToken is a word or a parenthesis, and says whether white space stood before it.
type sqlToken struct {
	text  string
	space bool
}

func sqlTokens(sql string) []sqlToken {
	var tokens []sqlToken
	var quote rune
	space, open := false, false // open: the last token goes on
	for _, r := range sql {
		switch {
		case quote == 0 && unicode.IsSpace(r):
			space, open = true, false
			continue
		case quote == 0 && (r == '(' || r == ')'):
			tokens = append(tokens, sqlToken{string(r), space})
			open = false
		case open:
			tokens[len(tokens)-1].text += string(r)
		default:
			tokens = append(tokens, sqlToken{string(r), space})
			open = true
		}
		space = false
		switch {
		case r != '\'' && r != '"':
		case quote == 0:
			quote = r
		case quote == r:
			quote = 0
		}
	}
	return tokens
}

// A sqlNode is a token, or with an opening parenthesis all up to the closing one.
type sqlNode struct {
	sqlToken
	group []sqlNode
}

// sqlNodes returns the nodes up to a closing parenthesis, and the tokens behind it.
func sqlNodes(tokens []sqlToken) (nodes []sqlNode, rest []sqlToken) {
	for len(tokens) > 0 {
		token := tokens[0]
		tokens = tokens[1:]
		switch token.text {
		case ")":
			return nodes, tokens
		case "(":
			var group []sqlNode
			group, tokens = sqlNodes(tokens)
			nodes = append(nodes, sqlNode{token, group})
		default:
			nodes = append(nodes, sqlNode{token, nil})
		}
	}
	return nodes, nil
}

func (n sqlNode) isQuery() bool {
	return len(n.group) > 0 && slices.Contains([]string{"select", "insert", "update", "delete", "with"}, n.group[0].text)
}

func (n sqlNode) length() int {
	if n.text != "(" {
		return len(n.text)
	}
	length := len("()")
	for _, inner := range n.group {
		length += inner.length() + 1
	}
	return length
}

type sqlFormatter struct {
	strings.Builder
	depth  int // of the line
	column int
}

func (f *sqlFormatter) write(text string) {
	f.WriteString(text)
	f.column += len(text)
}

func (f *sqlFormatter) newLine(depth int) {
	f.WriteString("\n" + strings.Repeat("\t", depth))
	f.depth, f.column = depth, sqlTab*depth
}

// query writes a statement or subquery, with a line for each clause and condition.
func (f *sqlFormatter) query(nodes []sqlNode, depth int) {
	clause, last := "", "" // the first word of the clause, and the last word
	for i := 0; i < len(nodes); i++ {
		words := clauseAt(nodes[i:])
		if words > 0 {
			// These stay in the line of the word before: "select from", "do update", "update set".
			if i > 0 && last != "select" && last != "do" && last != "update" {
				f.newLine(depth)
			} else if i > 0 {
				f.write(" ")
			}
			clause = nodes[i].text
		} else if nodes[i].text == "and" && clause == "where" {
			f.newLine(depth + 1)
		} else if last == "," && clause == "" { // between the queries of a "with"
			f.newLine(depth)
		} else if i > 0 {
			f.separate(last, nodes[i:], depth)
		}
		f.node(nodes[i], depth)
		for ; words > 1; words-- {
			i++
			f.write(" " + nodes[i].text)
		}
		last = nodes[i].text
	}
}

// clauseAt returns how many words begin a clause at the first of nodes, 0 if none do.
func clauseAt(nodes []sqlNode) int {
	isWord := func(n sqlNode, word string) bool { return n.text == word }
	for _, words := range sqlClauses {
		if len(nodes) >= len(words) && slices.EqualFunc(nodes[:len(words)], words, isWord) {
			return len(words)
		}
	}
	return 0
}

// separate writes the white space before the first of nodes, which is a new line if it does
// not fit, or behind a comma, if what follows up to the next comma does not fit.
func (f *sqlFormatter) separate(last string, nodes []sqlNode, depth int) {
	if !nodes[0].space {
		return
	}
	need := nodes[0].length()
	if strings.HasSuffix(last, ",") {
		need = 0
		for i, n := range nodes {
			if clauseAt(nodes[i:]) > 0 {
				break
			}
			if need += n.length() + 1; strings.HasSuffix(n.text, ",") {
				break
			}
		}
	}
	if f.column+1+min(need, sqlWidth/2) > sqlWidth {
		f.newLine(depth + 1)
	} else {
		f.write(" ")
	}
}

func (f *sqlFormatter) node(n sqlNode, depth int) {
	f.write(n.text)
	if n.text != "(" {
		return
	}
	if line := f.depth; n.isQuery() && n.length() > sqlSubquery {
		f.newLine(line + 1)
		f.query(n.group, line+1)
		f.newLine(line)
	} else {
		last := ""
		for i := range n.group {
			if i > 0 {
				f.separate(last, n.group[i:], depth)
			}
			f.node(n.group[i], depth)
			last = n.group[i].text
		}
	}
	f.write(")")
}
