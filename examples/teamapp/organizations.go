package main

import (
	"context"
	"database/sql"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// The quotas that the product gives: to each user outside of teams, and to each team.
var (
	personalQuota = invitations.Quota{Limit: 20, Period: invitations.PeriodDay}
	teamQuota     = invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth}
)

// createTeam creates an organization with a name, and its shared quota, in one transaction. It
// returns the organization's ID.
func (a *app) createTeam(ctx context.Context, owner, name string) (id string, err error) {
	if name, err = checkName(name); err != nil {
		return "", err
	}
	id = uuid.NewString()
	return id, a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
		if _, err := svc.CreateOrganization(ctx, id, owner); err != nil {
			return err
		}
		if err := svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(id), Quota: teamQuota,
		}); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `insert into organizations (id, name) values ($1, $2)`, id, name)
		return err
	})
}

// checkName returns the name of a person or a team in the form in which it is kept. A name without
// a visible character is refused, because no mail can show it.
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

// teamNames returns the names of organizations by ID.
func (a *app) teamNames(ctx context.Context, ids ...string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := a.db.QueryContext(ctx,
		`select id, name from organizations where id in (`+placeholders(len(args))+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, name string
		if err := rows.Scan(&id, &name); err != nil {
			return nil, err
		}
		names[id] = name
	}
	return names, rows.Err()
}
