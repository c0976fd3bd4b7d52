package main

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A bulkPage has the form for a list of people, and what became of the list before.
type bulkPage struct {
	Form     form
	Roles    []invitations.Role
	Outcomes []bulkOutcome
}

// A bulkOutcome is what became of one row. The session keeps it for the next page.
type bulkOutcome struct {
	Input   string
	Invited bool
	Text    string
	Path    string // of the invitation of the row, or of the one in its way
}

func (a *app) showBulk(v *visit) error {
	p := bulkPage{Form: emptyForm("bulk")}
	if kept := a.sessions.PopString(v.r.Context(), keyOutcomes); kept != "" {
		if err := json.Unmarshal([]byte(kept), &p.Outcomes); err != nil {
			return err
		}
	}
	var refused []string // stay in the form, to be corrected
	for _, o := range p.Outcomes {
		if !o.Invited {
			refused = append(refused, o.Input)
		}
	}
	p.Form.Set("rows", strings.Join(refused, "\n"))
	return a.showBulkWith(v, http.StatusOK, p)
}

func (a *app) showBulkWith(v *visit, status int, p bulkPage) error {
	p.Roles = v.Team.roles()
	return a.show(v, status, "bulk", "Invite several people", p)
}

// inviteAll invites the people of a list in one step. Good rows are invited, and the next page
// tells the result of each row.
func (a *app) inviteAll(v *visit) error {
	return a.submit(v, "bulk", func(f form) (string, string, error) {
		ctx, path := v.r.Context(), v.Team.Path()+"/invitations/bulk"
		if err := addFile(v.r, f); err != nil {
			return "", "", err
		}
		people := readRecipients(f.Get("rows"), invitations.Role(f.Get("role")))
		rows := make([]invitations.InviteParams, len(people))
		for i, p := range people {
			rows[i] = invitations.InviteParams{Email: p.email, Role: p.role, Message: f.text("message")}
		}
		outcomes, err := a.inviteRows(ctx, v.actor(), v.Team.ID, rows)
		if err != nil {
			return "", "", err
		}
		invited, shown := 0, make([]bulkOutcome, len(outcomes))
		for i, o := range outcomes {
			id := o.Invitation.ID
			shown[i] = bulkOutcome{Input: people[i].input, Invited: o.Err == nil, Text: "Invited as " + roleName(people[i].role) + "."}
			if o.Err == nil {
				invited++
			} else {
				problem, _ := invitations.ProblemOf(o.Err)
				id = problem.InvitationID
				shown[i].Text, _ = refusalAt(o.Err, v.Now)
			}
			if id != uuid.Nil {
				shown[i].Path = v.Team.Path() + "/invitations/" + id.String()
			}
		}
		kept, err := json.Marshal(shown)
		a.sessions.Put(ctx, keyOutcomes, string(kept))
		return path, fmt.Sprintf("Invited: %d of %s.", invited, plural(int64(len(shown)), "row")), err
	}, func(f form) error { return a.showBulkWith(v, http.StatusUnprocessableEntity, bulkPage{Form: f}) })
}

// errAgain undoes an attempt of inviteRows.
var errAgain = errors.New("some rows are refused")

// inviteRows invites the people of a list, and enqueues their mail in the same transaction. The app
// refuses more rows than the library: those for members, and for people who got too much mail.
// They must take no place from others, so the transaction is undone and begins again without them.
func (a *app) inviteRows(
	ctx context.Context, actor invitations.Actor, team string, rows []invitations.InviteParams,
) ([]invitations.Outcome, error) {
	outcomes, refused := make([]invitations.Outcome, len(rows)), map[int]bool{}
	for {
		var left []invitations.InviteParams
		var places []int // of left in rows
		for i := range rows {
			if !refused[i] {
				left, places = append(left, rows[i]), append(places, i)
			}
		}
		if len(left) == 0 && len(rows) > 0 {
			return outcomes, nil
		}
		var found []int // in rows, to be refused
		err := a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
			results, err := svc.InviteAll(ctx, actor, team, left)
			found = nil
			for n, o := range results {
				outcomes[places[n]] = o
				if o.Err != nil || o.Invitation.Repeated {
					continue
				}
				err := a.notForMember(ctx, tx, svc, o.Invitation.Invitation)
				if err == nil {
					err = a.enqueueInvitation(ctx, tx, mailInvitation, o.Invitation.Invitation)
				}
				switch {
				case errors.Is(err, errMember), errors.Is(err, errMailLimit):
					outcomes[places[n]], found = invitations.Outcome{Err: err}, append(found, places[n])
				case err != nil:
					return err
				}
			}
			if len(found) > 0 {
				return errAgain
			}
			return err
		})
		if !errors.Is(err, errAgain) {
			a.wakeUp()
			return outcomes, err
		}
		for _, i := range found {
			refused[i] = true
		}
	}
}

// addFile adds the uploaded file to the rows of a form.
func addFile(r *http.Request, f form) error {
	file, _, err := r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	text := strings.TrimPrefix(string(content), "\ufeff") // spreadsheets mark UTF-8 with it
	f.Set("rows", strings.TrimSpace(f.Get("rows")+"\n"+strings.ToValidUTF8(text, "\ufffd")))
	return err
}

// A recipient is a person to invite.
type recipient struct {
	input string // as it was typed
	email string
	role  invitations.Role
}

// readRecipients reads a list. A line has an address, "Name <address>", several of them, or the
// cells "address,role" of a table. A line with a cell "email" names the columns of the lines after
// it. Semicolons and tabs are like commas. The library refuses what is none of these.
func readRecipients(text string, role invitations.Role) (all []recipient) {
	emailColumn, roleColumn := 0, 1
	for line := range strings.Lines(text) {
		if len(all) > 100 { // the library refuses them
			break
		}
		input := strings.TrimFunc(line, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
		line = strings.NewReplacer(";", ",", "\t", ",").Replace(input)
		if addresses, err := mail.ParseAddressList(line); err == nil {
			for _, address := range addresses {
				if len(addresses) > 1 {
					input = address.Address
				}
				all = append(all, recipient{input, address.Address, role})
			}
			continue
		}
		reader := csv.NewReader(strings.NewReader(line))
		reader.LazyQuotes, reader.TrimLeadingSpace = true, true
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			continue // an empty line
		}
		isNamed := func(name string) func(string) bool {
			return func(cell string) bool { return strings.EqualFold(strings.TrimSpace(cell), name) }
		}
		if column := slices.IndexFunc(cells, isNamed("email")); column >= 0 {
			emailColumn, roleColumn = column, slices.IndexFunc(cells, isNamed("role"))
			continue
		}
		p := recipient{input: input, role: role}
		if emailColumn < len(cells) {
			p.email = strings.TrimSpace(cells[emailColumn])
		}
		if roleColumn >= 0 && roleColumn < len(cells) && cells[roleColumn] != "" {
			p.role = invitations.Role(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(cells[roleColumn])), " ", "_"))
		}
		all = append(all, p)
	}
	return all
}
