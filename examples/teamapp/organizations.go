package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// The quotas that the product gives: to each user outside of teams, and to each team.
var (
	personalQuota = invitations.Quota{Limit: 20, Period: invitations.PeriodDay}
	teamQuota     = invitations.Quota{Limit: 1000, Period: invitations.PeriodMonth}
)

// Each team brings a quota, so a person can create only some. A team that is deleted counts for as
// long as the period of its quota can be.
const (
	maxTeams = 10
	teamDays = 31
)

var errTeamLimit = &invitations.InvalidError{
	Field: "teams", Code: "too_many", Reason: fmt.Sprintf("cannot be more than %d; a deleted one counts for %d days", maxTeams, teamDays),
}

// createTeam creates an organization with a name, and its shared quota, in one transaction. It
// returns the organization's ID.
func (a *app) createTeam(ctx context.Context, owner, name string) (id string, err error) {
	if name, err = checkName(name); err != nil {
		return "", err
	}
	id = uuid.NewString()
	return id, a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
		// One team after the other, so that none is counted too late.
		if _, err := tx.ExecContext(ctx, `update accounts set name = name where id = $1`, owner); err != nil {
			return err
		}
		if err := changeRow(ctx, tx, errTeamLimit, `insert into organizations (id, name, creator, deleted_at) select $1, $2, $3, 0
			where (select count(*) from organizations where creator = $3) < $4`, id, name, owner, maxTeams); err != nil {
			return err
		}
		if _, err := svc.CreateOrganization(ctx, id, owner); err != nil {
			return err
		}
		return svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(id), Quota: teamQuota,
		})
	})
}

// teamNames returns the names of organizations by ID.
func (a *app) teamNames(ctx context.Context, ids ...string) (map[string]string, error) {
	names := map[string]string{}
	return names, a.db.eachOf(ctx, ids, func(rows *sql.Rows) error {
		var id, name string
		err := rows.Scan(&id, &name)
		if name != "" { // a deleted team has none
			names[id] = name
		}
		return err
	}, `select id, name from organizations`)
}
