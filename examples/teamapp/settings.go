package main

import (
	"database/sql"
	"net/http"
	"strings"

	"github.com/go-invitations/invitations"
)

func (a *app) serveSettings(mux *http.ServeMux) {
	mux.Handle("GET /teams/{team}/settings", a.team(func(v *visit) error {
		return a.showSettings(v, http.StatusOK, emptyForm("name"))
	}))
	mux.Handle("POST /teams/{team}/name", a.team(a.renameTeam))
	mux.Handle("POST /teams/{team}/owner", a.action(a.transferTeam))
	mux.Handle("POST /teams/{team}/delete", a.team(a.deleteTeam))
}

type settingsPage struct {
	invitations.Overview
	Form   form // to rename or to delete
	Roles  []invitations.Role
	Others invitations.List[invitations.TeamMember] // members to choose an owner from
	Names  nameBook
}

// showSettings shows the limits of a team to every member, and the rest to those who manage it.
func (a *app) showSettings(v *visit, status int, f form) error {
	if !f.Has("name") {
		f.Set("name", v.Team.Name)
	}
	ctx, body := v.r.Context(), settingsPage{Form: f, Roles: a.svc.Policy().Roles()}
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
	return a.submit(v, "name", func(f form) (string, string, error) {
		name, err := checkName(f.Get("name"))
		if err == nil {
			err = a.change(v.r.Context(), func(tx *sql.Tx, svc *invitations.Service) error {
				if _, err := svc.Authorize(v.r.Context(), v.Team.ID, v.User.ID, invitations.PermissionOrganizationManage); err != nil {
					return err
				}
				_, err := tx.ExecContext(v.r.Context(), `update organizations set name = $1 where id = $2`, name, v.Team.ID)
				return err
			})
		}
		return v.Team.Path() + "/settings", "The team is called " + name + " now.", err
	}, func(f form) error { return a.showSettings(v, http.StatusUnprocessableEntity, f) })
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
	return a.submit(v, "delete", func(f form) (string, string, error) {
		if strings.Join(strings.Fields(f.Get("typed")), " ") != v.Team.Name {
			return "", "", &invitations.InvalidError{Field: "typed", Code: "unknown_value", Reason: "must be the name of the team"}
		}
		ctx := v.r.Context()
		err := a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
			if err := svc.DeleteOrganization(ctx, v.actor(), v.Team.ID); err != nil {
				return err
			}
			for _, statement := range []string{
				`delete from api_keys where organization = $1`,
				`delete from outbox where organization = $1 and sent_at = 0`, // those that were sent count for mailsADay
			} {
				if _, err := tx.ExecContext(ctx, statement, v.Team.ID); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, `update organizations set name = '', deleted_at = $1 where id = $2`, v.Now.UnixMicro(), v.Team.ID)
			return err
		})
		return "/personal", "The team " + v.Team.Name + " is deleted.", err
	}, func(f form) error { return a.showSettings(v, http.StatusUnprocessableEntity, f) })
}
