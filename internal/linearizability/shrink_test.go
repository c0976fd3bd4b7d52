package linearizability

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// A history is what clients saw of an organization, and what the feed showed of it.
type history struct {
	settings
	log        []logged
	operations []operation
}

// patience is how long one history may take. A history that takes longer is undecided.
const patience = 2 * time.Minute

// check asks porcupine for an order of a history that the model explains.
func (h history) check(patience time.Duration) (porcupine.CheckResult, porcupine.LinearizationInfo) {
	all := make([]porcupine.Operation, len(h.operations))
	for i, o := range h.operations {
		all[i] = porcupine.Operation{ClientId: o.Client, Input: o.In, Call: o.Call, Output: o.Out, Return: o.Return}
	}
	return porcupine.CheckOperationsVerbose(newModel(h.settings, h.log).porcupine(), all, patience)
}

// isFault reports whether no order explains a history. It soon gives up.
func (h history) isFault() bool {
	result, _ := h.check(patience / 20)
	return result == porcupine.Illegal
}

// shrink makes a history that no order explains smaller, so that still no order explains it. Each
// step is one that an explained history survives: it ends earlier, or loses an operation that
// had no effect. So what remains is a fault of its own and not the trace of a removed operation.
func (h history) shrink() history {
	var ends []int64
	for _, o := range h.operations {
		if o.Return != never {
			ends = append(ends, o.Return)
		}
	}
	slices.Sort(ends)
	first := sort.Search(len(ends), func(i int) bool { return h.until(ends[i]).isFault() })
	if first < len(ends) {
		h = h.until(ends[first])
	}
	for step := max(1, len(h.operations)/4); ; step /= 2 {
		for i := 0; i < len(h.operations); {
			rest := h.without(i, i+step)
			if len(rest.operations) < len(h.operations) && rest.isFault() {
				h = rest
			} else {
				i += step
			}
		}
		if step <= 1 {
			return h
		}
	}
}

// until returns what was seen of a history at a moment. The outcome of an operation in progress is
// unknown.
func (h history) until(end int64) history {
	var kept []operation
	for _, o := range h.operations {
		switch {
		case o.Call > end:
			continue
		case o.Return > end:
			if _, isRead := reads[o.In.Op]; isRead {
				continue
			}
			o.Return, o.Out = never, answer{Unknown: true}
		}
		kept = append(kept, o)
	}
	// Each operation is one change at most, so later events say nothing.
	log := slices.DeleteFunc(slices.Clone(h.log), func(l logged) bool { return l.Version > int64(len(kept)) })
	return history{h.settings, log, kept}
}

// without removes those operations from one place to another that had no effect.
func (h history) without(from, to int) history {
	var kept []operation
	for i, o := range h.operations {
		_, isRead := reads[o.In.Op]
		hasNoEffect := isRead && len(o.Out.Tokens) == 0 || o.Out.Code != ""
		if i < from || i >= to || !hasNoEffect {
			kept = append(kept, o)
		}
	}
	return history{h.settings, h.log, kept}
}

// literal returns a test of a history, to be pasted into this package.
func (h history) literal() string {
	var b strings.Builder
	fmt.Fprintf(&b, "func TestFound(t *testing.T) {\n\trequireLinearizable(t, history{%s, []logged{\n", goValue(reflect.ValueOf(h.settings)))
	for _, l := range h.log {
		fmt.Fprintf(&b, "\t\t%s,\n", strings.TrimPrefix(goValue(reflect.ValueOf(l)), "logged"))
	}
	b.WriteString("\t}, []operation{\n")
	for _, o := range h.operations {
		fmt.Fprintf(&b, "\t\t%s,\n", strings.TrimPrefix(goValue(reflect.ValueOf(o)), "operation"))
	}
	b.WriteString("\t}})\n}\n")
	return b.String()
}

// goValue returns Go source for a value. It leaves out fields that are zero.
func goValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		if x < 0 && x > -time.Second {
			return strconv.FormatInt(int64(x), 10)
		}
		return fmt.Sprintf("span(%q)", x)
	case int64:
		if x == never {
			return "never"
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		var fields []string
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				fields = append(fields, v.Type().Field(i).Name+": "+goValue(v.Field(i)))
			}
		}
		return typeName(v.Type()) + "{" + strings.Join(fields, ", ") + "}"
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = goValue(v.Index(i))
		}
		return typeName(v.Type()) + "{" + strings.Join(items, ", ") + "}"
	case reflect.String:
		if text := v.String(); !strings.Contains(text, "`") && strings.ContainsAny(text, "\"") && !strings.Contains(text, "\n") {
			return "`" + text + "`"
		}
		return strconv.Quote(v.String())
	default:
		return fmt.Sprint(v.Interface())
	}
}

func typeName(t reflect.Type) string { return strings.ReplaceAll(t.String(), "linearizability.", "") }

// span is for histories that literal returned.
func span(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d
}

// requireLinearizable fails the test unless there is an order of a history that the model explains.
// It is for histories that literal returned.
func requireLinearizable(t *testing.T, h history) {
	t.Helper()
	if result, info := h.check(patience); result != porcupine.Ok {
		t.Fatalf("%s\n%s", result, h.unexplained(info))
	}
}

// unexplained returns what the model expected after the longest order that it explains, for the
// operations that could come next.
func (h history) unexplained(info porcupine.LinearizationInfo) string {
	var longest []int
	for _, order := range info.PartialLinearizations()[0] {
		if len(order) > len(longest) {
			longest = order
		}
	}
	m := newModel(h.settings, h.log)
	states, done := []*state{(&state{}).clone()}, map[int]bool{}
	for _, i := range longest {
		var next []*state
		for _, before := range states {
			next = append(next, m.step(before, h.operations[i].In, h.operations[i].Out)...)
		}
		states, done[i] = next, true
	}
	var open []operation
	first := int64(never)
	for i, o := range h.operations {
		if !done[i] {
			open = append(open, o)
			first = min(first, o.Return)
		}
	}
	slices.SortFunc(open, func(a, b operation) int { return cmp.Compare(a.Return, b.Return) })
	var b strings.Builder
	fmt.Fprintf(&b, "an order of %d operations is explained, of %d\n", len(longest), len(h.operations))
	for _, before := range states {
		fmt.Fprintf(&b, "after them:\n%s\nthe feed has %v\n", before, m.log[before.version+1])
		for _, o := range open {
			if o.Call > first || o.Out.Unknown {
				continue
			}
			fmt.Fprintf(&b, "%s\n", goValue(reflect.ValueOf(o)))
			t := &turn{model: m, call: o.In, now: epoch.Add(o.In.At), state: before.clone()}
			do, ok := reads[o.In.Op]
			if !ok {
				do, ok = changes[o.In.Op]
			}
			if !ok {
				continue
			}
			do(t)
			fmt.Fprintf(&b, "  the model: refusals %v, answer %q %q %v, events %v\n", t.refusals, t.body, t.alternatives, t.rows, t.news)
		}
	}
	return b.String()
}
