package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-invitations/invitations"
)

var memberPageChecks = []check{
	{"Members", pagesMembers},
	{"MembersWithTheirViewer", pagesMembersViewer},
	{"MembersWithQuotas", pagesMembersQuotas},
	{"Workspaces", pagesWorkspaces},
	{"WorkspacesOfOthers", pagesWorkspacesOfOthers},
}

// betweens are IDs that stand among the texts: before all, between some, behind all.
var betweens = []string{"\x20", "A\u0308", "Z", "a\u0309", "az", "zz", "\U0010ffff"}

func (w *world) members(q invitations.MemberQuery) invitations.Page[invitations.Membership] {
	w.Helper()
	page, err := w.store.Members(w.ctx, q)
	w.ok(err)
	return page
}

// workspaces are what [invitations.Store.Workspaces] returns.
type workspaces struct {
	Personal    *invitations.QuotaRecord
	Memberships []invitations.Membership
}

func (w *world) workspaces(q invitations.WorkspaceQuery) workspaces {
	w.Helper()
	personal, memberships, err := w.store.Workspaces(w.ctx, q)
	w.ok(err)
	return workspaces{personal, memberships}
}

func pagesMembers(w *world) {
	roles := []invitations.Role{"owner", "viewer", "Viewer"}
	var all, others invitations.Changes
	var sorted []invitations.Membership
	for i, text := range texts {
		all.Members = append(all.Members, member("acme", text, roles[i%3]))
		others.Members = append(others.Members, member("zeta", text, roles[(i+1)%3]))
	}
	others.Members = append(others.Members, member("zeta", "only there", "viewer"))
	w.change("acme", all)
	w.change("zeta", others)
	for _, m := range all.Members {
		sorted = append(sorted, invitations.Membership{Member: m})
	}
	slices.SortFunc(sorted, func(a, b invitations.Membership) int { return strings.Compare(a.UserID, b.UserID) }) // as bytes
	for _, role := range []invitations.Role{"", "owner", "viewer", "Viewer", "none"} {
		var want []invitations.Membership
		for _, m := range sorted {
			if role == "" || m.Role == role {
				want = append(want, m)
			}
		}
		for _, limit := range []int{1, 5, 14, len(texts), 1000} {
			var got []invitations.Membership
			q := invitations.MemberQuery{Organization: "acme", Role: role, Limit: limit}
			for {
				page := w.members(q)
				got = append(got, page.Items...)
				if len(page.Items) < limit || len(got) > len(want) {
					break
				}
				q.After = page.Items[limit-1].UserID
			}
			w.equal(fmt.Sprintf("role %q, %d a page", role, limit), got, want)
		}
		for _, after := range append(slices.Clone(betweens), texts...) {
			first := slices.IndexFunc(want, func(m invitations.Membership) bool { return m.UserID > after })
			if first < 0 {
				first = len(want)
			}
			page := w.members(invitations.MemberQuery{Organization: "acme", Role: role, After: after, Limit: 2})
			w.equal(fmt.Sprintf("role %q, after %q", role, after), page.Items, want[first:min(first+2, len(want))])
		}
	}
}

func pagesMembersViewer(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{RemovedMembers: []string{"bob"}})
	bob := member("acme", "bob", "admin")
	for _, c := range []struct {
		organization, viewer string
		want                 *invitations.Member
	}{
		{"acme", "bob", &bob},
		{"zeta", "bob", nil},
		{"acme", "eve", nil}, // removed
		{"acme", "nobody", nil},
		{"acme", "", nil},
		{"none", "bob", nil},
	} {
		page := w.members(invitations.MemberQuery{Organization: c.organization, Viewer: c.viewer, Limit: 1})
		w.equal("viewer", page.Viewer, c.want)
		if n := len(page.Items); (c.organization == "none") != (n == 0) {
			w.Errorf("%s: got %d members", c.organization, n)
		}
	}
	page := w.members(invitations.MemberQuery{Organization: "acme", Viewer: "bob", Role: "none", After: "zzz", Limit: 5})
	w.equal("an empty page", page, invitations.Page[invitations.Membership]{Viewer: &bob})
}

// pagesMembersQuotas gives some members of two organizations quotas of their own.
func pagesMembersQuotas(w *world) {
	var all []invitations.Membership
	for _, organization := range []string{"zeta", "acme"} {
		all = nil
		shared := quota(organization, "", int64(len(organization)+500), invitations.PeriodMonth, 1)
		c := invitations.Changes{Quotas: []invitations.QuotaRecord{
			shared, quota(organization, "not a member", 1, invitations.PeriodDay, 1),
		}}
		for i, user := range texts {
			m := invitations.Membership{Member: member(organization, user, []invitations.Role{"owner", "viewer", "viewer"}[i%3])}
			own := quota(organization, user, int64(i), invitations.PeriodDay, 1)
			switch {
			case organization == "zeta", i%4 == 1:
				own.Limit += 100
			case i%4 == 2:
				own.Quota = invitations.Quota{}
			case i%4 == 3:
				own.UserID = ""
			}
			if own.UserID != "" {
				m.Own = &own
				c.Quotas = append(c.Quotas, own)
			}
			c.Members = append(c.Members, m.Member)
			all = append(all, m)
		}
		w.change(organization, c)
		for i := range all {
			if own := all[i].Own; own != nil && all[i].Role == "owner" && own.Limit > 40 {
				*own = used(*own, 2, 3)
				shared.Used += 2
				w.consume(consumption(organization, own.UserID, 2, 3))
			}
		}
		shared = used(shared, shared.Used, 3)
		for i := range all {
			all[i].Shared = &shared
		}
		w.ok(w.store.SetPersonalQuota(w.ctx, texts[0], invitations.Quota{Limit: 77, Period: invitations.PeriodDay}))
	}
	slices.SortFunc(all, func(a, b invitations.Membership) int { return strings.Compare(a.UserID, b.UserID) })
	for _, role := range []invitations.Role{"", "viewer", "none"} {
		for _, quotas := range []bool{true, false} {
			var want []invitations.Membership
			for _, m := range all {
				if !quotas {
					m.Own, m.Shared = nil, nil
				}
				if role == "" || m.Role == role {
					want = append(want, m)
				}
			}
			for _, limit := range []int{1, 10, 1000} {
				var got []invitations.Membership
				q := invitations.MemberQuery{Organization: "acme", Viewer: texts[1], Role: role, Quotas: quotas, Limit: limit}
				for {
					page := w.members(q)
					got = append(got, page.Items...)
					w.equal("viewer", deref(w, "the viewer", page.Viewer).UserID, texts[1])
					if len(page.Items) < limit || len(got) > len(want) {
						break
					}
					q.After = page.Items[limit-1].UserID
				}
				w.equal(fmt.Sprintf("role %q, %d a page, quotas: %v", role, limit, quotas), got, want)
			}
		}
	}
	w.change("beta", everything("beta"))
	w.change("beta", invitations.Changes{RemovedMembers: []string{"bob"}})
	w.change("gamma", invitations.Changes{Members: []invitations.Member{member("gamma", "bob", "owner")}})
	shared := quota("beta", "", 1000, invitations.PeriodMonth, 1)
	w.equal("no quota of their own", w.members(invitations.MemberQuery{Organization: "beta", Quotas: true, Limit: 9}).Items, []invitations.Membership{
		{Member: member("beta", "ada", "owner"), Shared: &shared},
	})
	w.equal("no quota at all", w.members(invitations.MemberQuery{Organization: "gamma", Quotas: true, Limit: 9}).Items, []invitations.Membership{
		{Member: member("gamma", "bob", "owner")},
	})
}

func pagesWorkspaces(w *world) {
	var want []invitations.Membership
	for i, text := range texts {
		m := invitations.Membership{Member: member(text, "ada", []invitations.Role{"owner", "viewer"}[i%2])}
		changes := invitations.Changes{Members: []invitations.Member{m.Member, member(text, "bob", "admin")}}
		if i%3 != 0 {
			q := quota(text, "", int64(i), invitations.PeriodMonth, 1)
			m.Shared = &q
			changes.Quotas = append(changes.Quotas, q)
		}
		if i%4 == 1 {
			q := quota(text, "ada", int64(i), invitations.PeriodDay, 1)
			if i%8 == 1 {
				q.Quota = invitations.Quota{}
			}
			m.Own = &q
			changes.Quotas = append(changes.Quotas, q)
		}
		w.change(text, changes)
		want = append(want, m)
	}
	w.change("only bob's", invitations.Changes{Members: []invitations.Member{member("only bob's", "bob", "owner")}})
	slices.SortFunc(want, func(a, b invitations.Membership) int { return strings.Compare(a.Organization, b.Organization) })
	for _, limit := range []int{1, 5, 14, len(texts), 1000} {
		var got []invitations.Membership
		q := invitations.WorkspaceQuery{UserID: "ada", Limit: limit}
		for {
			page := w.workspaces(q)
			got = append(got, page.Memberships...)
			if len(page.Memberships) < limit || len(got) > len(want) {
				break
			}
			q.After = page.Memberships[limit-1].Organization
		}
		w.equal(fmt.Sprintf("%d a page", limit), got, want)
	}
	for _, after := range append(slices.Clone(betweens), texts...) {
		first := slices.IndexFunc(want, func(m invitations.Membership) bool { return m.Organization > after })
		if first < 0 {
			first = len(want)
		}
		page := w.workspaces(invitations.WorkspaceQuery{UserID: "ada", After: after, Limit: 2})
		w.equal(fmt.Sprintf("after %q", after), page.Memberships, want[first:min(first+2, len(want))])
	}
}

func pagesWorkspacesOfOthers(w *world) {
	w.twins()
	w.setQuotas("acme", quota("acme", "ada", 3, invitations.PeriodDay, 2))
	w.change("zeta", invitations.Changes{RemovedMembers: []string{"ada"}})
	for _, user := range []string{"ada", "Ada"} {
		w.ok(w.store.SetPersonalQuota(w.ctx, user, invitations.Quota{Limit: int64(user[0]), Period: invitations.PeriodDay}))
	}
	w.consume(consumption("acme", "ada", 2, 0))
	w.consume(consumption("", "ada", 4, 0))

	shared := used(quota("acme", "", 1000, invitations.PeriodMonth, 1), 2, 0)
	own := used(quota("acme", "ada", 3, invitations.PeriodDay, 2), 2, 0)
	personal := used(invitations.QuotaRecord{UserID: "ada", Quota: invitations.Quota{Limit: 'a', Period: invitations.PeriodDay}}, 4, 0)
	w.equal("of ada, a former member of zeta", w.workspaces(invitations.WorkspaceQuery{UserID: "ada", Limit: 9}), workspaces{
		Personal: &personal, Memberships: []invitations.Membership{{Member: member("acme", "ada", "owner"), Own: &own, Shared: &shared}},
	})
	w.equal("no memberships", w.workspaces(invitations.WorkspaceQuery{UserID: "ada", Limit: 0}), workspaces{Personal: &personal})

	bobs := func(organization string, shared invitations.QuotaRecord) invitations.Membership {
		own := quota(organization, "bob", 0, invitations.PeriodEndless, 1)
		return invitations.Membership{Member: member(organization, "bob", "admin"), Own: &own, Shared: &shared}
	}
	w.equal("of bob", w.workspaces(invitations.WorkspaceQuery{UserID: "bob", Limit: 9}), workspaces{
		Memberships: []invitations.Membership{bobs("acme", shared), bobs("zeta", quota("zeta", "", 1000, invitations.PeriodMonth, 1))},
	})
	for _, user := range []string{"eve", "nobody", "BOB"} { // eve has a quota in both, and is a member of none
		w.equal("of "+user, w.workspaces(invitations.WorkspaceQuery{UserID: user, Limit: 9}), workspaces{})
	}
}
