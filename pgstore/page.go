package pgstore

import (
	"slices"
	"strings"
)

// A keyset is the order of the rows of a page, and the place where the page starts.
type keyset struct {
	columns    []string // all ascending, or all descending
	after      []string // the values of columns after which the page starts; nil: with the first row
	descending bool
}

// A branch is a part of a page: the first rows, in an order, that satisfy a condition.
type branch struct{ from, where, order string }

// A pin is a column that must have a value.
type pin struct{ column, value string }

// branch returns the branch of the rows that satisfy a condition and have the values of pins. It
// reads the index on the columns of pins, followed by those of k.
//
// Its condition on pins is a range, so the rows are in this order in no other index. With an
// equation, the planner might read an index on the columns of k alone. Where the values are rare,
// this would take a million rows to find a few.
func (k keyset) branch(from, where string, pins ...pin) branch {
	first, last, beyond := " >= ", " <= ", " > "
	if k.descending {
		first, last, beyond = " <= ", " >= ", " < "
	}
	var columns, values []string
	for _, p := range pins {
		columns, values = append(columns, p.column), append(values, p.value)
	}
	if len(pins) > 0 {
		where += " and " + row(columns) + last + row(values)
		if k.after == nil {
			where += " and " + row(columns) + first + row(values)
		}
	}
	columns = append(columns, k.columns...)
	if k.after != nil {
		where += " and " + row(columns) + beyond + row(append(values, k.after...))
	}
	return branch{from, where, k.order(columns)}
}

// order returns the order of the columns, which may be others than those of k.
func (k keyset) order(columns []string) string {
	if k.descending {
		return strings.Join(columns, " desc, ") + " desc"
	}
	return strings.Join(columns, ", ")
}

// row returns the expressions as one that can be compared.
func row(expressions []string) string {
	if len(expressions) == 1 {
		return expressions[0]
	}
	return "(" + strings.Join(expressions, ", ") + ")"
}

// selectPage appends the select of a page of rows with this alias, in an order, or in any order if
// that is empty. Each branch stops at the limit, so that the cost does not grow with the number of
// rows.
func (t *table[R]) selectPage(st *statement, alias string, row *R, branches []branch, order, limit string) {
	st.text("select ")
	t.selectRow(st, alias, row)
	if len(branches) == 1 {
		b := branches[0]
		st.text(" from ", b.from, " where ", b.where, " order by ", b.order, " limit ", limit)
		return
	}
	st.text(" from (")
	for i, b := range branches {
		if i > 0 {
			st.text(" union all ")
		}
		st.text("(select ")
		t.appendList(st, alias)
		st.text(" from ", b.from, " where ", b.where, " order by ", b.order, " limit ", limit, ")")
	}
	st.text(") as ", alias)
	if order != "" {
		st.text(" order by ", order)
	}
	st.text(" limit ", limit)
}

// appendRow appends a row to a page of at most limit rows. Rows are large, and doubling their room
// would leave as much garbage as the page has rows: the room becomes four times as large. At
// first there is room for 16 rows at most, because most pages with a large limit have few rows.
func appendRow[R any](rows *[]R, row *R, limit int) {
	const small = 16
	if n := len(*rows); n == cap(*rows) {
		room := max(n+1, min(max(small, 4*n), limit))
		*rows = slices.Grow(*rows, room-n)
	}
	*rows = append(*rows, *row)
}
