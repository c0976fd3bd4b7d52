package main

import (
	"context"
	"database/sql"

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

// teamNames returns the names of organizations by ID.
func (a *app) teamNames(ctx context.Context, ids ...string) (map[string]string, error) {
	names := map[string]string{}
	return names, a.db.eachOf(ctx, ids, func(rows *sql.Rows) error {
		var id, name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	}, `select id, name from organizations`)
}
