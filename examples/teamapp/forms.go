package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A form is what a person typed, and what is wrong with it.
type form struct {
	url.Values
	name     string // tells the forms of a page apart
	lifetime time.Duration
	maxUses  int

	Rejected bool
	field    string // with a problem; empty: the whole form
	problem  formProblem
}

// A formProblem is the reason of a refusal. Path is that of the invitation in the way, if any.
type formProblem struct{ ID, Text, Path string }

// newForm returns a form that can invite. It has an ID, so that it invites once if it is sent
// twice.
func newForm(name string, values url.Values) form {
	values.Set("id", uuid.Must(uuid.NewV7()).String())
	return form{Values: values, name: name}
}

// At returns the problem of a field, or nil.
func (f form) At(field string) *formProblem {
	if !f.Rejected || f.field != field {
		return nil
	}
	return &f.problem
}

// text returns the text of a field as the library takes it.
func (f form) text(field string) string {
	return strings.TrimSpace(strings.ReplaceAll(f.Get(field), "\r\n", "\n"))
}

// number returns the number in a field, or 0 if it is empty.
func (f form) number(field string, most int) (int, error) {
	text := f.text(field)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, &invitations.InvalidError{Field: field, Code: "out_of_range", Reason: fmt.Sprintf("must be a number from 1 to %d", most)}
	}
	return n, nil
}

// domains returns the domains that a person typed.
func (f form) domains() []string {
	return strings.FieldsFunc(f.Get("allowed_domains"), func(r rune) bool { return strings.ContainsRune(" ,;@\r\n\t", r) })
}

// id returns the ID that newForm made. The library makes one if there is none.
func (f form) id() uuid.UUID {
	id, _ := uuid.Parse(f.Get("id"))
	return id
}

// checkName returns the name of a person, a team or a key in the form in which it is kept. A name
// without a visible character is refused, because no mail can show it.
func checkName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	visible := func(r rune) bool {
		return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) &&
			!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800'
	}
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > 80 || strings.ContainsFunc(name, unicode.IsControl) ||
		!strings.ContainsFunc(name, visible) {
		return "", &invitations.InvalidError{Field: "name", Code: "out_of_range", Reason: "must have 1 to 80 characters"}
	}
	return name, nil
}

// emptyForm returns a form that nobody has filled in yet. Its values come in pairs with their names.
func emptyForm(name string, pairs ...string) form {
	f := form{Values: url.Values{}, name: name}
	for pair := range slices.Chunk(pairs, 2) {
		f.Set(pair[0], pair[1])
	}
	return f
}

// submit reads a form and does what it asks for. It leads to the path that do returns, unless that
// is empty: then do has answered. After a refusal, again shows the form with what the person typed
// and the reason beside the field.
func (a *app) submit(v *visit, name string, do func(form) (path, notice string, err error), again func(form) error) error {
	f := form{Values: v.r.PostForm, name: name}
	var path, notice string
	days, err := f.number("expires_in", 30)
	if f.lifetime = time.Duration(days) * 24 * time.Hour; err == nil {
		f.maxUses, err = f.number("max_uses", 10_000)
	}
	if err == nil {
		path, notice, err = do(f)
	}
	switch {
	case err == nil && path == "":
		return nil
	case err == nil:
		a.redirect(v, path, notice)
		return nil
	}
	text, ok := refusalAt(err, v.Now)
	if !ok {
		return err
	}
	p, _ := invitations.ProblemOf(err)
	f.Rejected, f.field, f.problem.Text = true, p.Field, text
	switch p.Code {
	case "already_invited":
		f.field, f.problem.Path = "email", v.Team.Path()+"/invitations/"+p.InvitationID.String()
	case "domain_not_allowed":
		f.field = "email"
	case "role_not_assignable":
		f.field = "role"
	case "conflict": // the ID was used with other values
		f = newForm(name, f.Values)
		f.Rejected, f.problem.Text = true, "This form was sent before with other values. Send it again if you want both."
	}
	if !f.Has(f.field) {
		f.field = ""
	} else if p.Detail != "" {
		f.problem.Text = sentence(strings.TrimPrefix(p.Detail, p.Field+" "))
	}
	f.problem.ID = name + "-" + f.field + "-problem"
	return again(f)
}
