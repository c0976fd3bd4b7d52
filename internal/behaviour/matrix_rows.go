package behaviour

import (
	"fmt"
	"slices"

	"github.com/go-invitations/invitations"
)

// matrixRows are the operations whose result depends on the role of the actor.
var matrixRows = []struct {
	method string
	cells  func(m *matrix, a someone)
}{
	{"ChangeRole", cellsChangeRole},
	{"RemoveMember", cellsRemoveMember},
	{"Leave", cellsLeave},
	{"AddMember", cellsAddMember},
	{"SetMetadata", cellsSetMetadata},
	{"SetLimits", cellsSetLimits},
	{"DeleteOrganization", cellsDeleteOrganization},
	{"Overview", cellsOverview},
	{"Usage", cellsUsage},
	{"TransferOwnership", cellsTransfer},
	{"Invite", cellsInvite},
	{"CreateLink", cellsCreateLink},
	{"InviteAll", cellsInviteAll},
	{"Edit", cellsEdit},
	{"Resend", cellsResend},
	{"Revoke", cellsRevoke},
	{"PendingToken", cellsSent},
	{"SetQuota", cellsSetQuota},
	{"Consume", cellsConsume},
	{"Invitation", cellsGet},
	{"Invitations", cellsList},
	{"AllInvitations", cellsAll},
	{"Timeline", cellsTimeline},
	{"AllEvents", cellsAllEvents},
	{"Statistics", cellsStatistics},
	{"Members", cellsMembers},
	{"AllMembers", cellsAllMembers},
	{"Quota", cellsQuota},
	{"Remaining", cellsRemaining},
	{"Authorize", cellsAuthorize},
}

// nobody is the rule for the zero Actor, which comes before all others.
func nobody(a someone) rule { return rule{!a.system && a.user == "", invitations.ErrInvalid} }

// may is the rule for actors without a permission.
func (m *matrix) may(a someone, permission invitations.Permission) rule {
	return rule{!m.holds(a, permission), invitations.ErrPermissionDenied}
}

func (m *matrix) known(role invitations.Role) rule {
	return rule{!m.policy.Has(role), invitations.ErrInvalid}
}

func (m *matrix) mayGive(a someone, role invitations.Role) rule {
	return rule{!m.gives(a, role), invitations.ErrRoleNotAssignable}
}

// mayHandle is the rule for an invitation that exists.
func (m *matrix) mayHandle(a someone, role invitations.Role) rule {
	return rule{!m.reaches(a, rank(m.policy, role)), invitations.ErrRoleNotAssignable}
}

func (m *matrix) mayGiveQuota(a someone, q invitations.Quota) rule {
	return rule{q != (invitations.Quota{}) && !m.holds(a, invitations.PermissionQuotaUpdate), invitations.ErrPermissionDenied}
}

func isMember(t someone) rule { return rule{t.role == "", invitations.ErrNotFound} }

// mayTouch is the rule for actors below their target.
func (m *matrix) mayTouch(a, t someone) rule {
	role := t.role
	if role != "" {
		role = rank(m.policy, role)
	}
	return rule{!m.reaches(a, role), invitations.ErrPermissionDenied}
}

// traces returns the removals that a change of role leaves: one if the user loses a permission.
func (m *matrix) traces(user string, from, to invitations.Role) []string {
	if m.policy.Has(from) && covers(m.policy, to, from) {
		return nil
	}
	return []string{user}
}

func cellsChangeRole(m *matrix, a someone) {
	for _, t := range m.targets(a) {
		for _, role := range m.gifts(a) {
			if t.role == "" && role != m.roles[0] {
				continue // one role is enough for non-members
			}
			_, err := m.svc.ChangeRole(m.ctx, a.actor, invitations.ChangeRoleParams{Organization: "acme", UserID: t.user, Role: role})
			var want invitations.Changes
			if role != t.role {
				want.Members = []invitations.Member{member("acme", t.user, role)}
				want.Removals = m.traces(t.user, t.role, role)
			}
			m.judge(fmt.Sprintf("%s gives %s the role %s", a.name, t.name, role), err, want,
				nobody(a), m.known(role), m.may(a, invitations.PermissionMemberUpdate), isMember(t), m.mayTouch(a, t), m.mayGive(a, role))
		}
	}
}

func cellsRemoveMember(m *matrix, a someone) {
	for _, t := range m.targets(a) {
		_, err := m.svc.RemoveMember(m.ctx, a.actor, "acme", t.user)
		m.judge(fmt.Sprintf("%s removes %s", a.name, t.name), err, invitations.Changes{
			RemovedMembers: []string{t.user}, Removals: []string{t.user},
		}, nobody(a), m.may(a, invitations.PermissionMemberRemove), isMember(t), m.mayTouch(a, t))
	}
}

func cellsLeave(m *matrix, a someone) {
	if a.system {
		return // only users can
	}
	_, err := m.svc.Leave(m.ctx, "acme", a.user)
	m.judge(a.name+" leaves", err, invitations.Changes{RemovedMembers: []string{a.user}}, nobody(a), isMember(a))
}

func cellsTransfer(m *matrix, a someone) {
	lowest := someone{name: standing(m.roles[0]), user: standing(m.roles[0]), role: m.roles[0]}
	owner := someone{name: standing("owner"), user: standing("owner"), role: "owner"}
	nobodyHere := someone{name: "outsider", user: "outsider"}
	transfer := func(from, to someone, role invitations.Role) {
		m.Helper()
		_, err := m.svc.TransferOwnership(m.ctx, a.actor, invitations.TransferOwnershipParams{Organization: "acme", From: from.user, To: to.user, Role: role})
		want := invitations.Changes{Members: []invitations.Member{member("acme", from.user, role)}, Removals: m.traces(from.user, from.role, role)}
		if to.role != "owner" {
			want.Members = append(want.Members, member("acme", to.user, "owner"))
		}
		m.judge(fmt.Sprintf("%s transfers from %s to %s, and the former owner becomes %s", a.name, from.name, to.name, role), err, want,
			nobody(a), rule{from.user == to.user, invitations.ErrInvalid}, rule{role == "owner", invitations.ErrInvalid}, m.known(role),
			m.may(a, invitations.PermissionOrganizationManage), rule{!m.reaches(a, "owner"), invitations.ErrPermissionDenied},
			isMember(from), isMember(to), rule{from.role != "owner", invitations.ErrConflict})
	}
	for _, from := range m.targets(a) {
		transfer(from, lowest, m.roles[0])
	}
	transfer(owner, nobodyHere, m.roles[0])
	for _, role := range m.gifts(a) {
		transfer(owner, lowest, role)
		transfer(owner, someone{name: acting("owner"), user: acting("owner"), role: "owner"}, role)
	}
}

// offered are the quotas of invitations.
var offered = []invitations.Quota{{}, {Limit: 5, Period: invitations.PeriodDay}}

func cellsInvite(m *matrix, a someone) {
	for _, role := range m.gifts(a) {
		for _, q := range offered {
			_, err := m.svc.Invite(m.ctx, a.actor, invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: role, Quota: q})
			m.judge(fmt.Sprintf("%s invites as %s with %v", a.name, role, q), err, m.sending(a, invitations.KindEmail, role, q),
				nobody(a), m.known(role), m.may(a, invitations.PermissionInvitationCreate), m.mayGive(a, role), m.mayGiveQuota(a, q))
		}
	}
}

func cellsCreateLink(m *matrix, a someone) {
	for _, role := range m.gifts(a) {
		for _, q := range offered {
			_, err := m.svc.CreateLink(m.ctx, a.actor, invitations.CreateLinkParams{Organization: "acme", Role: role, Quota: q})
			m.judge(fmt.Sprintf("%s creates a link as %s with %v", a.name, role, q), err, m.sending(a, invitations.KindLink, role, q),
				nobody(a), m.known(role), m.may(a, invitations.PermissionInvitationCreate), m.mayGive(a, role), m.mayGiveQuota(a, q))
		}
	}
}

// cellsInviteAll: each row of a batch ends like a single invitation.
func cellsInviteAll(m *matrix, a someone) {
	var rows []invitations.InviteParams
	var want invitations.Changes
	var refusals []error
	for _, role := range m.gifts(a) {
		for _, q := range offered {
			rows = append(rows, invitations.InviteParams{Email: fmt.Sprintf("p%d@example.com", len(rows)), Role: role, Quota: q})
			refusal := first(m.known(role), m.mayGive(a, role), m.mayGiveQuota(a, q))
			if refusals = append(refusals, refusal); refusal == nil {
				want.Invitations = append(want.Invitations, m.sending(a, invitations.KindEmail, role, q).Invitations...)
			}
		}
	}
	outcomes, err := m.svc.InviteAll(m.ctx, a.actor, "acme", rows)
	m.judge(a.name+" invites a batch", err, want, nobody(a), m.may(a, invitations.PermissionInvitationCreate))
	m.shown(a.name+" invites a batch", err, len(outcomes), len(rows))
	for i, o := range outcomes {
		m.refusal(fmt.Sprintf("%s invites in a batch as %s with %v", a.name, rows[i].Role, rows[i].Quota), o.Err, refusals[i])
	}
}

// cellsEdit: the editor becomes the sender, so the old and the new role and the quota count.
func cellsEdit(m *matrix, a someone) {
	edits := m.may(a, invitations.PermissionInvitationCreate)
	edited := "edited"
	for _, r := range m.offers(a) {
		for _, role := range m.gifts(a) {
			if r.Quota != (invitations.Quota{}) && role != r.Role {
				continue // one role is enough for quotas
			}
			_, err := m.svc.Edit(m.ctx, a.actor, invitations.EditParams{Organization: "acme", ID: r.ID, Role: role, Message: &edited})
			m.judge(fmt.Sprintf("%s edits one as %s with %v to be as %s", a.name, r.Role, r.Quota, role), err, m.sending(a, r.Kind, role, r.Quota),
				nobody(a), m.known(role), edits, m.mayHandle(a, r.Role), m.mayGive(a, role), m.mayGiveQuota(a, r.Quota))
		}
	}
	for name, unknown := range noOne() {
		_, err := m.svc.Edit(m.ctx, a.actor, invitations.EditParams{Organization: "acme", ID: unknown, Message: &edited})
		m.judge(a.name+" edits one "+name, err, invitations.Changes{}, nobody(a), edits, rule{true, invitations.ErrNotFound})
	}
}

// sending returns the changes of an invitation that a sent.
func (m *matrix) sending(a someone, kind invitations.Kind, role invitations.Role, q invitations.Quota) invitations.Changes {
	r := link("acme", 1)
	r.Kind, r.Role, r.Quota, r.SentBy = kind, role, q, a.user
	return invitations.Changes{Invitations: []invitations.Record{r}}
}

// offers returns the invitations with the roles of gifts.
func (m *matrix) offers(a someone) []invitations.Record {
	roles := m.gifts(a)
	return slices.DeleteFunc(slices.Clone(m.sent), func(r invitations.Record) bool { return !slices.Contains(roles, r.Role) })
}

func cellsResend(m *matrix, a someone) {
	resends := m.may(a, invitations.PermissionInvitationResend)
	for _, r := range m.offers(a) {
		_, err := m.svc.Resend(m.ctx, a.actor, invitations.ResendParams{Organization: "acme", ID: r.ID})
		m.judge(fmt.Sprintf("%s resends one as %s with %v", a.name, r.Role, r.Quota), err, m.sending(a, r.Kind, r.Role, r.Quota),
			nobody(a), resends, m.mayHandle(a, r.Role), m.mayGiveQuota(a, r.Quota))
	}
	for name, unknown := range noOne() {
		_, err := m.svc.Resend(m.ctx, a.actor, invitations.ResendParams{Organization: "acme", ID: unknown})
		m.judge(a.name+" resends one "+name, err, invitations.Changes{}, nobody(a), resends, rule{true, invitations.ErrNotFound})
	}
}

// cellsRevoke: a revocation gives nothing to anybody, so the role does not matter.
func cellsRevoke(m *matrix, a someone) {
	revokes := m.may(a, invitations.PermissionInvitationRevoke)
	for _, r := range m.offers(a) {
		if r.Quota != (invitations.Quota{}) {
			continue
		}
		_, err := m.svc.Revoke(m.ctx, a.actor, "acme", r.ID)
		r.State = invitations.StateRevoked
		m.judge(fmt.Sprintf("%s revokes one as %s", a.name, r.Role), err, invitations.Changes{Invitations: []invitations.Record{r}}, nobody(a), revokes)
	}
	for name, unknown := range noOne() {
		_, err := m.svc.Revoke(m.ctx, a.actor, "acme", unknown)
		m.judge(a.name+" revokes one "+name, err, invitations.Changes{}, nobody(a), revokes, rule{true, invitations.ErrNotFound})
	}
}

func cellsSent(m *matrix, a someone) {
	resends := m.may(a, invitations.PermissionInvitationResend)
	for _, r := range m.offers(a) {
		sent, err := m.svc.PendingToken(m.ctx, a.actor, "acme", r.ID)
		cell := fmt.Sprintf("%s asks for the token of one as %s with %v", a.name, r.Role, r.Quota)
		m.judge(cell, err, invitations.Changes{}, nobody(a), resends, m.mayHandle(a, r.Role), m.mayGiveQuota(a, r.Quota),
			rule{!m.policy.Has(r.Role), invitations.ErrRoleUnknown})
		if sent.Token.IsZero() != (err != nil) {
			m.Errorf("%s: got a token with a refusal, or none", cell)
		}
	}
	for name, unknown := range noOne() {
		_, err := m.svc.PendingToken(m.ctx, a.actor, "acme", unknown)
		m.judge(a.name+" asks for the token of one "+name, err, invitations.Changes{}, nobody(a), resends, rule{true, invitations.ErrNotFound})
	}
}

func cellsSetQuota(m *matrix, a someone) {
	some := invitations.Quota{Limit: 5, Period: invitations.PeriodMonth}
	acme := invitations.InOrganization("acme")
	set := func(in invitations.Workspace, user string) error {
		return m.svc.SetQuota(m.ctx, a.actor, invitations.SetQuotaParams{Workspace: in, UserID: user, Quota: some})
	}
	change := func(user string) invitations.Changes {
		return invitations.Changes{Quotas: []invitations.QuotaRecord{{Organization: "acme", UserID: user, Quota: some}}}
	}
	for _, t := range m.targets(a) {
		m.judge(fmt.Sprintf("%s sets the quota of %s", a.name, t.name), set(acme, t.user), change(t.user),
			nobody(a), m.may(a, invitations.PermissionQuotaUpdate), isMember(t), m.mayTouch(a, t))
	}
	hosts := rule{!a.system, invitations.ErrPermissionDenied}
	m.judge(a.name+" sets the shared quota", set(acme, ""), change(""), nobody(a), hosts)
	for _, user := range []string{acting("owner"), "somebody"} {
		m.judge(a.name+" sets the personal quota of "+user, set(invitations.Personal(), user), invitations.Changes{}, nobody(a), hosts)
	}
}

func cellsConsume(m *matrix, a someone) {
	if a.system {
		return // only users can
	}
	_, err := m.svc.Consume(m.ctx, invitations.InOrganization("acme"), a.user, 1)
	m.judge(a.name+" consumes", err, invitations.Changes{}, nobody(a), m.may(a, invitations.PermissionOrganizationUse))
	_, err = m.svc.Consume(m.ctx, invitations.Personal(), a.user, 1)
	m.judge(a.name+" consumes a personal quota", err, invitations.Changes{}, nobody(a))
}

func cellsRemaining(m *matrix, a someone) {
	if a.system {
		return // the host reads with Quota
	}
	_, err := m.svc.Remaining(m.ctx, invitations.InOrganization("acme"), a.user)
	m.judge(a.name+" asks for the balance", err, invitations.Changes{}, nobody(a), rule{a.role == "", invitations.ErrPermissionDenied})
}

func cellsAuthorize(m *matrix, a someone) {
	if a.system {
		return // only users have roles
	}
	for _, permission := range append([]invitations.Permission{hostsOwn, "unheard:of"}, permissions...) {
		_, err := m.svc.Authorize(m.ctx, "acme", a.user, permission)
		misspelt := !m.policy.Allows("owner", permission)
		m.judge(fmt.Sprintf("%s is asked for %s", a.name, permission), err, invitations.Changes{},
			nobody(a), rule{misspelt, invitations.ErrInvalid}, m.may(a, permission))
	}
}
