package behaviour

import (
	"fmt"

	"github.com/go-invitations/invitations"
)

// The cells of reads, which show everything or are refused.

func cellsQuota(m *matrix, a someone) {
	reads := m.may(a, invitations.PermissionQuotaUpdate)
	for _, t := range m.targets(a) {
		if t.role != "" && t.role != "owner" && t.user != a.user {
			continue // for a read, the rank of the target does not matter
		}
		_, err := m.svc.Quota(m.ctx, a.actor, "acme", t.user)
		m.judge(fmt.Sprintf("%s reads the quota of %s", a.name, t.name), err, invitations.Changes{}, nobody(a), reads, isMember(t))
	}
	_, err := m.svc.Quota(m.ctx, a.actor, "acme", "")
	m.judge(a.name+" reads the shared quota", err, invitations.Changes{}, nobody(a), reads)
}

func cellsGet(m *matrix, a someone) {
	lists := m.may(a, invitations.PermissionInvitationList)
	_, err := m.svc.Invitation(m.ctx, a.actor, "acme", m.sent[0].ID)
	m.judge(a.name+" reads an invitation", err, invitations.Changes{}, nobody(a), lists)
	for name, unknown := range noOne() {
		_, err := m.svc.Invitation(m.ctx, a.actor, "acme", unknown)
		m.judge(a.name+" reads an invitation "+name, err, invitations.Changes{}, nobody(a), lists, rule{true, invitations.ErrNotFound})
	}
}

func cellsList(m *matrix, a someone) {
	page, err := m.svc.Invitations(m.ctx, a.actor, invitations.InvitationsParams{Organization: "acme"})
	m.judge(a.name+" lists invitations", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionInvitationList))
	m.shown(a.name+" lists invitations", err, len(page.Items), len(m.sent))
	page, err = m.svc.Invitations(m.ctx, a.actor, invitations.InvitationsParams{Email: "ann@example.com"})
	m.judge(a.name+" lists the invitations of an address everywhere", err, invitations.Changes{}, nobody(a), rule{!a.system, invitations.ErrInvalid})
	m.shown(a.name+" lists the invitations of an address everywhere", err, len(page.Items), 0)
}

func cellsOverview(m *matrix, a someone) {
	overview, err := m.svc.Overview(m.ctx, a.actor, "acme")
	m.judge(a.name+" reads the overview", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionMemberList))
	m.shown(a.name+" reads the overview", err, overview.Members, 2*len(m.ranks))
}

func cellsUsage(m *matrix, a someone) {
	usage, err := m.svc.Usage(m.ctx, a.actor, invitations.UsageParams{Organization: "acme", Period: invitations.PeriodDay})
	m.judge(a.name+" reads the usage", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionQuotaUpdate))
	m.shown(a.name+" reads the usage", err, len(usage.Members), 0)
}

func cellsAll(m *matrix, a someone) {
	n, err := 0, error(nil)
	for _, err = range m.svc.AllInvitations(m.ctx, a.actor, invitations.InvitationsParams{Organization: "acme"}) {
		if err == nil {
			n++
		}
	}
	m.judge(a.name+" lists all invitations", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionInvitationList))
	m.shown(a.name+" lists all invitations", err, n, len(m.sent))
}

func cellsMembers(m *matrix, a someone) {
	list, err := m.svc.Members(m.ctx, a.actor, invitations.MembersParams{Organization: "acme"})
	m.judge(a.name+" lists members", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionMemberList))
	m.shown(a.name+" lists members", err, len(list.Items), 2*len(m.ranks))
	list, err = m.svc.Members(m.ctx, a.actor, invitations.MembersParams{Organization: "acme", Balances: true})
	m.judge(a.name+" lists members with their balances", err, invitations.Changes{}, nobody(a),
		m.may(a, invitations.PermissionMemberList), m.may(a, invitations.PermissionQuotaUpdate))
	m.shown(a.name+" lists members with their balances", err, len(list.Items), 2*len(m.ranks))
}

func cellsAllMembers(m *matrix, a someone) {
	n, err := 0, error(nil)
	for _, err = range m.svc.AllMembers(m.ctx, a.actor, invitations.MembersParams{Organization: "acme"}) {
		if err == nil {
			n++
		}
	}
	m.judge(a.name+" lists all members", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionMemberList))
	m.shown(a.name+" lists all members", err, n, 2*len(m.ranks))
}

// cellsTimeline: the timeline of an invitation needs the permission to list invitations. That
// of the organization needs the permission to list members too.
func cellsTimeline(m *matrix, a someone) {
	lists := m.may(a, invitations.PermissionInvitationList)
	all, err := m.svc.Timeline(m.ctx, a.actor, invitations.TimelineParams{Organization: "acme"})
	m.judge(a.name+" reads the timeline", err, invitations.Changes{}, nobody(a), lists, m.may(a, invitations.PermissionMemberList))
	m.shown(a.name+" reads the timeline", err, len(all.Items), len(m.sent))
	one, err := m.svc.Timeline(m.ctx, a.actor, invitations.TimelineParams{Organization: "acme", Invitation: m.sent[0].ID})
	m.judge(a.name+" reads the timeline of one", err, invitations.Changes{}, nobody(a), lists)
	m.shown(a.name+" reads the timeline of one", err, len(one.Items), 1)
	for name, unknown := range noOne() {
		none, err := m.svc.Timeline(m.ctx, a.actor, invitations.TimelineParams{Organization: "acme", Invitation: unknown})
		m.judge(a.name+" reads the timeline of one "+name, err, invitations.Changes{}, nobody(a), lists)
		m.shown(a.name+" reads the timeline of one "+name, err, len(none.Items), 0)
	}
}

func cellsAllEvents(m *matrix, a someone) {
	n, err := 0, error(nil)
	for _, err = range m.svc.AllEvents(m.ctx, a.actor, invitations.TimelineParams{Organization: "acme"}) {
		if err == nil {
			n++
		}
	}
	m.judge(a.name+" reads all events", err, invitations.Changes{}, nobody(a),
		m.may(a, invitations.PermissionInvitationList), m.may(a, invitations.PermissionMemberList))
	m.shown(a.name+" reads all events", err, n, len(m.sent))
}

func cellsStatistics(m *matrix, a someone) {
	s, err := m.svc.Statistics(m.ctx, a.actor, invitations.StatisticsParams{Organization: "acme"})
	m.judge(a.name+" reads the statistics", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionInvitationList))
	m.shown(a.name+" reads the statistics", err, s.Total.Created, len(m.sent))
	m.shown(a.name+" reads the statistics of links", err, len(s.ByLink), len(m.sent))
}

// shown fails the check if a refusal shows something, or if a list misses something.
func (m *matrix) shown(cell string, err error, got, all int) {
	m.Helper()
	if err != nil {
		all = 0
	}
	if got != all {
		m.Errorf("%s: is shown %d, want %d", cell, got, all)
	}
}
