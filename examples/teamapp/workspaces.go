package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-invitations/invitations"
)

// serveWorkspaces adds the routes that lead from one workspace to another.
func (a *app) serveWorkspaces(mux *http.ServeMux) {
	mux.Handle("GET /{$}", a.signedIn(a.showHome))
	mux.Handle("POST /workspace", a.signedIn(a.switchWorkspace))
	mux.Handle("GET /personal", a.signedIn(a.showPersonal))
	mux.Handle("POST /teams", a.signedIn(a.addTeam))
}

// A workspace is a context in which a person works.
type workspace struct {
	ID, Name string // the personal one has no ID
	Role     invitations.Role
	Balance  invitations.Balance
	policy   *invitations.Policy
}

// Path returns the path of the pages of a workspace.
func (w workspace) Path() string {
	if w.ID == "" {
		return "/personal"
	}
	return "/teams/" + w.ID
}

// Home returns the path of the first page of a workspace.
func (w workspace) Home() string {
	switch {
	case w.ID == "":
		return w.Path()
	case w.Can("invitation:list"):
		return w.Path() + "/invitations"
	default:
		return w.Path() + "/members"
	}
}

// Can reports whether the person has a permission, so that a page can leave out what the library
// would refuse. It allows nothing: the library decides at every call.
func (w workspace) Can(permission invitations.Permission) bool {
	return w.policy != nil && w.policy.Allows(w.Role, permission)
}

// Grants reports whether the person may give a role, or act on a member who has it.
func (w workspace) Grants(role invitations.Role) bool { return w.policy.CanGrant(w.Role, role) }

// Workspace returns the workspace as the library knows it.
func (w workspace) Workspace() invitations.Workspace {
	if w.ID == "" {
		return invitations.Personal()
	}
	return invitations.InOrganization(w.ID)
}

// roles returns the roles that the person can give, that with the fewest rights first.
func (w workspace) roles() []invitations.Role {
	grantable := func(actor invitations.Role) []invitations.Role {
		return slices.DeleteFunc(w.policy.Roles(), func(r invitations.Role) bool { return !w.policy.CanGrant(actor, r) })
	}
	all := grantable(w.Role)
	slices.SortStableFunc(all, func(a, b invitations.Role) int { return len(grantable(a)) - len(grantable(b)) })
	return all
}

// canOffer reports whether the person can resend or edit an invitation for a role. A role that
// the policy no longer has counts as the owner's.
func (w workspace) canOffer(role invitations.Role) bool {
	if !w.policy.Has(role) {
		role = invitations.RoleOwner
	}
	return w.policy.CanGrant(w.Role, role)
}

// workspacesOf returns the personal workspace of a person and those of their teams.
func (a *app) workspacesOf(ctx context.Context, u account) ([]workspace, error) {
	all, p := []workspace{{Name: "Personal"}}, invitations.WorkspacesParams{UserID: u.ID, Limit: 100}
	for {
		list, err := a.svc.Workspaces(ctx, p)
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
		all[0].Balance = list.Personal
		for _, o := range list.Organizations {
			all = append(all, workspace{ID: o.ID, Name: names[o.ID], Role: o.Role, Balance: o.Balance, policy: a.svc.Policy()})
		}
		if p.Cursor = list.NextCursor; p.Cursor == "" {
			return all, nil
		}
	}
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
