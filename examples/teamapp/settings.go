package main

import (
	"database/sql"
	"net/http"
	"strings"

	"github.com/go-invitations/invitations"
)

func (a *app) serveSettings(mux *http.ServeMux) {
	mux.Handle("GET /teams/{team}/settings", a.team(func(v *visit) error {
		return a.showSettings(v, http.StatusOK, settingsForm{Name: v.Team.Name})
	}))
	mux.Handle("POST /teams/{team}/name", a.team(a.renameTeam))
	mux.Handle("POST /teams/{team}/owner", a.action(a.transferTeam))
	mux.Handle("POST /teams/{team}/delete", a.team(a.deleteTeam))
}

// A settingsForm is the input of those settings that are texts.
type settingsForm struct{ Name, NameProblem, Typed, TypedProblem string }

type settingsPage struct {
	invitations.Overview
	Form   settingsForm
	Roles  []invitations.Role
	Others invitations.List[invitations.TeamMember] // members to choose an owner from
	Names  nameBook
}

// showSettings shows the limits of a team to every member, and the rest to those who manage it.
func (a *app) showSettings(v *visit, status int, form settingsForm) error {
	ctx, body := v.r.Context(), settingsPage{Form: form, Roles: a.svc.Policy().Roles()}
	var err error
	if body.Overview, err = a.svc.Overview(ctx, v.actor(), v.Team.ID); err != nil {
		return err
	}
	if v.Team.Can(invitations.PermissionOrganizationManage) {
		body.Others, err = a.svc.Members(ctx, v.actor(), invitations.MembersParams{
			Organization: v.Team.ID, Limit: 100, Cursor: v.r.URL.Query().Get("cursor"),
		})
		if err != nil {
			return err
		}
		var ids []string
		for _, m := range body.Others.Items {
			ids = append(ids, m.UserID)
		}
		if body.Names, err = a.namesOf(ctx, ids...); err != nil {
			return err
		}
		body.Names.order(body.Others.Items)
	}
	return a.show(v, status, "settings", "Settings", body)
}

// renameTeam changes the name, which is the app's own. The permission is checked in the same
// transaction.
func (a *app) renameTeam(v *visit) error {
	ctx, form := v.r.Context(), settingsForm{Name: v.r.PostFormValue("name")}
	name, err := checkName(form.Name)
	if problem, ok := refusal(err); ok {
		form.NameProblem = problem
		return a.showSettings(v, http.StatusUnprocessableEntity, form)
	}
	err = a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
		if _, err := svc.Authorize(ctx, v.Team.ID, v.User.ID, invitations.PermissionOrganizationManage); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `update organizations set name = $1 where id = $2`, name, v.Team.ID)
		return err
	})
	return a.finish(v, v.Team.Path()+"/settings", "The team is called "+name+" now.", err)
}

// transferTeam makes another member the owner in place of the person who asks for it.
func (a *app) transferTeam(v *visit) (string, string, error) {
	ctx, to := v.r.Context(), v.r.PostFormValue("to")
	_, err := a.svc.TransferOwnership(ctx, v.actor(), invitations.TransferOwnershipParams{
		Organization: v.Team.ID, From: v.User.ID, To: to, Role: invitations.Role(v.r.PostFormValue("role")),
	})
	if err != nil {
		return v.Team.Path() + "/settings", "", err
	}
	names, err := a.namesOf(ctx, to)
	return v.Team.Path() + "/members", names.Of(to) + " owns the team now.", err
}

// deleteTeam ends a team for good, and deletes the app's own rows of it in the same transaction.
func (a *app) deleteTeam(v *visit) error {
	ctx, typed := v.r.Context(), v.r.PostFormValue("typed")
	if strings.Join(strings.Fields(typed), " ") != v.Team.Name {
		return a.showSettings(v, http.StatusUnprocessableEntity, settingsForm{
			Name: v.Team.Name, Typed: typed, TypedProblem: "This is not the name of the team.",
		})
	}
	err := a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
		if err := svc.DeleteOrganization(ctx, v.actor(), v.Team.ID); err != nil {
			return err
		}
		for _, statement := range []string{
			`delete from api_keys where organization = $1`,
			`delete from outbox where organization = $1 and sent_at = 0`, // those that were sent count for mailsADay
			`delete from organizations where id = $1`,
		} {
			if _, err := tx.ExecContext(ctx, statement, v.Team.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return a.finish(v, v.Team.Path()+"/settings", "", err)
	}
	return a.finish(v, "/personal", "The team "+v.Team.Name+" is deleted.", nil)
}
