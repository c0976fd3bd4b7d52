package main

import (
	"context"
	"net/http"

	"github.com/go-invitations/invitations"
)

// workspacesOf returns the personal workspace of a person and those of their teams.
func (a *app) workspacesOf(ctx context.Context, u account) ([]workspace, error) {
	list, err := a.svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: u.ID, Limit: 100})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(list.Organizations))
	for i, o := range list.Organizations {
		ids[i] = o.ID
	}
	names, err := a.teamNames(ctx, ids...)
	if err != nil {
		return nil, err
	}
	all := []workspace{{Name: "Personal", Balance: list.Personal}}
	for _, o := range list.Organizations {
		all = append(all, workspace{ID: o.ID, Name: names[o.ID], Role: o.Role, Balance: o.Balance, policy: a.svc.Policy()})
	}
	return all, nil
}

// showHome leads to the workspace that the session has chosen.
func (a *app) showHome(v *visit) error {
	a.redirect(v, v.Current.Home(), "")
	return nil
}

// switchWorkspace makes another workspace the one of the session.
func (a *app) switchWorkspace(v *visit) error {
	for _, w := range v.Workspaces {
		if w.ID == v.r.PostFormValue("workspace") {
			a.sessions.Put(v.r.Context(), keyWorkspace, w.ID)
			a.redirect(v, w.Home(), "You are working in "+w.Name+" now.")
			return nil
		}
	}
	return invitations.ErrNotFound
}

// showPersonal shows what a person has outside of teams.
func (a *app) showPersonal(v *visit) error {
	return a.show(v, http.StatusOK, "personal", "Personal", v.Workspaces[0].Balance)
}

// addTeam creates a team.
func (a *app) addTeam(v *visit) error {
	id, err := a.createTeam(v.r.Context(), v.User.ID, v.r.PostFormValue("name"))
	if err != nil {
		return a.finish(v, "/personal", "", err)
	}
	a.sessions.Put(v.r.Context(), keyWorkspace, id)
	return a.finish(v, "/teams/"+id+"/invitations", "The team is ready. Invite your colleagues.", nil)
}
