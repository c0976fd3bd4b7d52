package main

import (
	"time"

	"github.com/go-invitations/invitations"
)

const memberPath = "/teams/{team}/members/{user}"

var teamRoutes = []apiRoute{
	{"GET", "/teams/{team}/members", "role balances limit cursor", 200, (*app).apiMembers},
	{"PUT", memberPath + "/role", "", 200, takes(func(a *app, c apiCall, b struct{ Role invitations.Role }) (any, error) {
		return a.svc.ChangeRole(c.Context(), c.actor(), invitations.ChangeRoleParams{
			Organization: c.team, UserID: c.PathValue("user"), Role: b.Role,
		})
	})},
	{"DELETE", memberPath, "", 200, takes(func(a *app, c apiCall, _ struct{}) (any, error) {
		return a.svc.RemoveMember(c.Context(), c.actor(), c.team, c.PathValue("user"))
	})},
	{"GET", memberPath + "/quota", "", 200, func(a *app, c apiCall) (any, error) {
		return a.svc.Quota(c.Context(), c.actor(), c.team, c.PathValue("user"))
	}},
	{"PUT", memberPath + "/quota", "", 200, takes(func(a *app, c apiCall, quota invitations.Quota) (any, error) {
		return quota, a.svc.SetQuota(c.Context(), c.actor(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(c.team), UserID: c.PathValue("user"), Quota: quota,
		})
	})},
	{"GET", "/teams/{team}/quota", "", 200, func(a *app, c apiCall) (any, error) {
		return a.svc.Quota(c.Context(), c.actor(), c.team, "") // the shared one
	}},
	{"GET", "/teams/{team}/usage", "period at limit cursor", 200, (*app).apiUsage},
	{"POST", "/teams/{team}/calls", "", 200, takes((*app).apiConsume)},
	{"GET", "/teams/{team}/events", "newest_first limit cursor", 200, (*app).apiTimeline},
	{"GET", "/teams/{team}/statistics", "from to", 200, (*app).apiStatistics},
}

func (a *app) apiMembers(c apiCall) (any, error) {
	return a.svc.Members(c.Context(), c.actor(), invitations.MembersParams{
		Organization: c.team, Role: invitations.Role(c.get("role")), Balances: c.get("balances") == "true",
		Limit: c.limit, Cursor: c.get("cursor"),
	})
}

func (a *app) apiUsage(c apiCall) (any, error) {
	at, err := instant(c, "at")
	if err != nil {
		return nil, err
	}
	return a.svc.Usage(c.Context(), c.actor(), invitations.UsageParams{
		Organization: c.team, Period: invitations.Period(c.get("period")), At: at, Limit: c.limit, Cursor: c.get("cursor"),
	})
}

type callBody struct{ Amount int64 }

// apiConsume makes a call that uses the quotas. Consume takes the ID of the person, so the ceiling
// of a key is checked here.
func (a *app) apiConsume(c apiCall, b callBody) (any, error) {
	if c.key != nil && !a.svc.Policy().Allows(c.key.Role, invitations.PermissionOrganizationUse) {
		return nil, invitations.ErrPermissionDenied
	}
	return a.svc.Consume(c.Context(), invitations.InOrganization(c.team), c.ID, b.Amount)
}

// apiTimeline returns the events of an invitation or, without one in the path, of the team.
func (a *app) apiTimeline(c apiCall) (any, error) {
	return a.svc.Timeline(c.Context(), c.actor(), invitations.TimelineParams{
		Organization: c.team, Invitation: c.id, NewestFirst: c.get("newest_first") == "true", Limit: c.limit, Cursor: c.get("cursor"),
	})
}

func (a *app) apiStatistics(c apiCall) (any, error) {
	from, err := instant(c, "from")
	if err != nil {
		return nil, err
	}
	to, err := instant(c, "to")
	if err != nil {
		return nil, err
	}
	return a.svc.Statistics(c.Context(), c.actor(), invitations.StatisticsParams{Organization: c.team, From: from, To: to})
}

// instant returns a time of the query, or the zero time without one.
func instant(c apiCall, name string) (time.Time, error) {
	if c.get(name) == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, c.get(name))
	if err != nil {
		return t, &invitations.InvalidError{Field: name, Code: "malformed", Reason: "must be a time such as 2026-03-01T12:00:00Z"}
	}
	return t, nil
}

var personRoutes = []apiRoute{
	{"POST", "/calls", "", 200, takes(func(a *app, c apiCall, b callBody) (any, error) {
		return a.svc.Consume(c.Context(), invitations.Personal(), c.ID, b.Amount)
	})},
	{"POST", "/accept", "", 200, takes((*app).apiAccept)},
	{"GET", "/received", "limit cursor", 200, (*app).apiReceived},
	{"POST", "/received/{team}/{id}/accept", "", 200, takes(func(a *app, c apiCall, _ struct{}) (any, error) {
		return a.svc.AcceptReceived(c.Context(), c.team, c.id, c.identity())
	})},
	{"POST", "/received/{team}/{id}/decline", "", 200, takes(func(a *app, c apiCall, _ struct{}) (any, error) {
		return struct{}{}, a.svc.DeclineReceived(c.Context(), c.team, c.id, c.identity())
	})},
}

// apiAccept joins a team by a token. A client can try few, because each of them takes the lock of
// the team that it names.
func (a *app) apiAccept(c apiCall, b struct{ Token string }) (any, error) {
	if !a.limits.allow(c.Request) {
		return nil, errTooMany
	}
	return a.svc.Accept(c.Context(), b.Token, c.identity())
}

func (a *app) apiReceived(c apiCall) (any, error) {
	return a.svc.Received(c.Context(), c.identity(), invitations.ReceivedParams{Limit: c.limit, Cursor: c.get("cursor")})
}
