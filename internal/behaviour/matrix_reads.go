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
			continue // it is a read: the rank of whom it is about plays no part
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

// cellsTimeline: what happened to an invitation is for who may list these, what happened in
// the organization for who may list the members too.
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

// shown fails the check if a refusal shows something, or a list not everything.
func (m *matrix) shown(cell string, err error, got, all int) {
	m.Helper()
	if err != nil {
		all = 0
	}
	if got != all {
		m.Errorf("%s: is shown %d, want %d", cell, got, all)
	}
}
