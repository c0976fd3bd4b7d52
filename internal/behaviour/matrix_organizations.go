package behaviour

import (
	"fmt"

	"github.com/go-invitations/invitations"
)

// The cells of the operations on a whole organization, and of additions.

func cellsAddMember(m *matrix, a someone) {
	for _, t := range m.targets(a) {
		for _, role := range m.gifts(a) {
			for _, q := range offered {
				_, err := m.svc.AddMember(m.ctx, a.actor, invitations.AddMemberParams{Organization: "acme", UserID: t.user, Role: role, Quota: q})
				var want invitations.Changes
				if t.role == "" {
					want.Members = []invitations.Member{member("acme", t.user, role)}
					if q != (invitations.Quota{}) {
						want.Quotas = []invitations.QuotaRecord{{Organization: "acme", UserID: t.user, Quota: q}}
					}
				}
				m.judge(fmt.Sprintf("%s adds %s as %s with %v", a.name, t.name, role, q), err, want,
					nobody(a), m.known(role), m.may(a, invitations.PermissionMemberAdd), m.mayGive(a, role), m.mayGiveQuota(a, q),
					rule{t.role != "" && t.role != role, invitations.ErrAlreadyMember})
			}
		}
	}
}

func cellsSetMetadata(m *matrix, a someone) {
	for _, t := range m.targets(a) {
		_, err := m.svc.SetMetadata(m.ctx, a.actor, invitations.SetMetadataParams{
			Organization: "acme", UserID: t.user, Metadata: map[string]string{"team": "red"},
		})
		m.judge(fmt.Sprintf("%s sets the metadata of %s", a.name, t.name), err,
			invitations.Changes{Members: []invitations.Member{member("acme", t.user, t.role)}},
			nobody(a), m.may(a, invitations.PermissionMemberUpdate), isMember(t), m.mayTouch(a, t))
	}
}

func cellsSetLimits(m *matrix, a someone) {
	limits := invitations.Limits{Members: 7, NoLinks: true}
	err := m.svc.SetLimits(m.ctx, a.actor, "acme", limits)
	m.judge(a.name+" sets the limits", err, invitations.Changes{Limits: &limits}, nobody(a), rule{!a.system, invitations.ErrPermissionDenied})
}

func cellsDeleteOrganization(m *matrix, a someone) {
	err := m.svc.DeleteOrganization(m.ctx, a.actor, "acme")
	m.judge(a.name+" deletes the organization", err, invitations.Changes{Deleted: true},
		nobody(a), m.may(a, invitations.PermissionOrganizationManage))
}
