package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-invitations/invitations"
)

func (a *app) serveMembers(mux *http.ServeMux) {
	mux.Handle("GET /teams/{team}/members", a.team(func(v *visit) error { return a.showMembers(v, http.StatusOK, quotaForm{}) }))
	mux.Handle("POST /teams/{team}/members/{member}/role", a.onMember("The role of %s is changed.", a.changeRole))
	mux.Handle("POST /teams/{team}/members/{member}/quota", a.team(a.setMemberQuota))
	mux.Handle("POST /teams/{team}/members/{member}/remove", a.onMember("%s is no longer a member.", a.removeMember))
	mux.Handle("POST /teams/{team}/leave", a.action(a.leaveTeam))
}

type membersPage struct {
	invitations.List[invitations.TeamMember]
	pager
	Names   nameBook
	Role    invitations.Role // of the filter
	Roles   []invitations.Role
	Query   string // of this page
	refused quotaForm
}

// showMembers shows one page of members. A quota that was refused is shown again with the reason.
func (a *app) showMembers(v *visit, status int, refused quotaForm) error {
	const perPage = 20
	ctx, role, cursor := v.r.Context(), v.r.URL.Query().Get("role"), v.r.URL.Query().Get("cursor")
	members, err := a.svc.Members(ctx, v.actor(), invitations.MembersParams{
		Organization: v.Team.ID, Role: invitations.Role(role), Balances: v.Team.Can(invitations.PermissionQuotaUpdate),
		Limit: perPage, Cursor: cursor,
	})
	if err != nil {
		return err
	}
	body := membersPage{
		List: members, pager: v.pager(v.Team.Path()+"/members", members.NextCursor), Role: invitations.Role(role),
		Roles: a.svc.Policy().Roles(), Query: v.pathWith(""), refused: refused,
	}
	var ids []string
	for _, m := range members.Items {
		ids = append(ids, m.UserID, m.InvitedBy)
	}
	if body.Names, err = a.namesOf(ctx, ids...); err != nil {
		return err
	}
	if cursor == "" && members.NextCursor == "" { // the library orders pages by user ID
		body.Names.order(body.Items)
	}
	return a.show(v, status, "members", "Members", body)
}

// order sorts members by their names, which the library does not know.
func (n nameBook) order(members []invitations.TeamMember) {
	slices.SortFunc(members, func(x, y invitations.TeamMember) int {
		return cmp.Or(
			strings.Compare(strings.ToLower(n.Of(x.UserID)), strings.ToLower(n.Of(y.UserID))),
			strings.Compare(n.Email(x.UserID), n.Email(y.UserID)),
		)
	})
}

// onMember returns the handler of a button about the member in the path.
func (a *app) onMember(notice string, do func(v *visit, user string) error) http.HandlerFunc {
	return a.team(func(v *visit) error { return a.backToMembers(v, notice, do(v, v.r.PathValue("member"))) })
}

// backToMembers leads back to the page of the table that had the button. It shows the notice,
// which contains the member's name, or the reason of a refusal.
func (a *app) backToMembers(v *visit, notice string, err error) error {
	user, back := v.r.PathValue("member"), v.pathWith(v.Team.Path()+"/members")
	if err != nil {
		return a.finish(v, back, "", err)
	}
	names, err := a.namesOf(v.r.Context(), user)
	return a.finish(v, back, fmt.Sprintf(notice, names.Of(user)), err)
}

func (a *app) changeRole(v *visit, user string) error {
	_, err := a.svc.ChangeRole(v.r.Context(), v.actor(), invitations.ChangeRoleParams{
		Organization: v.Team.ID, UserID: user, Role: invitations.Role(v.r.PostFormValue("role")),
	})
	return err
}

func (a *app) removeMember(v *visit, user string) error {
	_, err := a.svc.RemoveMember(v.r.Context(), v.actor(), v.Team.ID, user)
	return err
}

// leaveTeam ends the membership of the person who asks for it.
func (a *app) leaveTeam(v *visit) (string, string, error) {
	if _, err := a.svc.Leave(v.r.Context(), v.Team.ID, v.User.ID); err != nil {
		return v.Team.Path() + "/members", "", err
	}
	return "/personal", "You have left " + v.Team.Name + ".", nil
}

// A quotaForm is the input of a member's quota.
type quotaForm struct {
	user                string
	Kind, Limit, Period string // Kind is limited, counted or none
	Problem             string
}

// Form returns the form with the quota that the member has, or with the one that was refused.
func (p membersPage) Form(m invitations.TeamMember) quotaForm {
	switch {
	case m.UserID == p.refused.user:
		return p.refused
	case m.Balance == nil || m.Balance.Own == nil:
		return quotaForm{Kind: "none", Period: string(invitations.PeriodMonth)}
	case m.Balance.Own.Limit == invitations.NoLimit:
		return quotaForm{Kind: "counted", Period: string(m.Balance.Own.Period)}
	default:
		return quotaForm{Kind: "limited", Limit: fmt.Sprint(m.Balance.Own.Limit), Period: string(m.Balance.Own.Period)}
	}
}

// quota returns the quota of the form.
func (f quotaForm) quota() (invitations.Quota, error) {
	q := invitations.Quota{Limit: invitations.NoLimit, Period: invitations.Period(f.Period)}
	switch f.Kind {
	case "none":
		return invitations.Quota{}, nil
	case "counted":
		return q, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(f.Limit), 10, 64)
	if err != nil || n < 0 {
		return q, &invitations.InvalidError{Field: "calls", Code: "malformed", Reason: "must be a whole number, 0 or more"}
	}
	q.Limit = n
	return q, nil
}

func (a *app) setMemberQuota(v *visit) error {
	user := v.r.PathValue("member")
	form := quotaForm{user: user, Kind: v.r.PostFormValue("kind"), Limit: v.r.PostFormValue("limit"), Period: v.r.PostFormValue("period")}
	quota, err := form.quota()
	if err == nil {
		err = a.svc.SetQuota(v.r.Context(), v.actor(), invitations.SetQuotaParams{
			Workspace: v.Team.Workspace(), UserID: user, Quota: quota,
		})
	}
	if errors.Is(err, invitations.ErrInvalid) {
		form.Problem, _ = refusal(err)
		return a.showMembers(v, http.StatusUnprocessableEntity, form)
	}
	return a.backToMembers(v, "The quota of %s is saved.", err)
}
