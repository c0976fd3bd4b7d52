package invitations

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSetQuota(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor Actor
		user  string
	}{
		"admin sets a developer's":      {User(adam), dora},
		"admin sets another admin's":    {User(adam), vera},
		"admin sets their own":          {User(adam), adam},
		"owner sets an admin's":         {User(olga), adam},
		"owner sets their own":          {User(olga), olga},
		"owner sets an unknown role's":  {User(olga), bill},
		"System sets an owner's":        {System(), olga},
		"System sets an unknown role's": {System(), bill},
		"System sets the shared one":    {System(), ""},
	} {
		for _, q := range []Quota{fiveADay, {0, PeriodMonth}, {maxAmount, PeriodEndless}, {}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := withRole(withRole(withOwners(1), bill, ghost), vera, RoleAdmin)
				f.Quotas = map[string]QuotaRecord{
					c.user: {Organization: acme, UserID: c.user, Quota: Quota{1, PeriodDay}, Version: 3, PeriodStart: noon, Used: 1},
				}
				set, changes, err := decide(t, atNoon(), f, quotaChange{c.actor, acme, c.user, q})
				require.NoError(t, err)
				require.Equal(t, q, set)
				require.Equal(t, Changes{
					Quotas: []QuotaRecord{{Organization: acme, UserID: c.user, Quota: q, Version: 10}}, // the facts are at version 9
					Events: []Event{{
						Organization: acme, Type: EventQuotaChanged, At: noon, Actor: c.actor.user, Subject: c.user, Quota: q,
					}},
				}, changes, "the store keeps the amount used")
			})
		}
	}
}

func TestSetQuota_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts Facts
		actor Actor
		user  string
		want  error
	}{
		"admin sets an owner's":             {withOwners(1), User(adam), olga, ErrPermissionDenied},
		"admin sets an unknown role's":      {withRole(withOwners(1), bill, ghost), User(adam), bill, ErrPermissionDenied},
		"developer sets a viewer's":         {withOwners(1), User(dora), vera, ErrPermissionDenied},
		"viewer sets their own":             {withOwners(1), User(vera), vera, ErrPermissionDenied},
		"stranger sets a developer's":       {withOwners(1), User(nina), dora, ErrPermissionDenied},
		"zero actor sets a developer's":     {withOwners(1), Actor{}, dora, ErrPermissionDenied},
		"admin sets a stranger's":           {withOwners(1), User(adam), nina, ErrNotFound},
		"System sets a stranger's":          {withOwners(1), System(), nina, ErrNotFound},
		"owner sets the shared one":         {withOwners(1), User(olga), "", ErrPermissionDenied},
		"admin sets the shared one":         {withOwners(1), User(adam), "", ErrPermissionDenied},
		"zero actor sets the shared one":    {withOwners(1), Actor{}, "", ErrPermissionDenied},
		"empty ID is a member":              {withRole(withOwners(1), "", RoleOwner), User(""), "", ErrPermissionDenied},
		"System, no organization":           {Facts{}, System(), "", ErrNotFound},
		"System, no organization, a member": {Facts{}, System(), dora, ErrNotFound},
		"user, no organization":             {Facts{}, User(olga), "", ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, refusal(t, atNoon(), c.facts, quotaChange{c.actor, acme, c.user, fiveADay}))
		})
	}
}

// quotaPolicy has roles that can send, with and without the permission to set quotas.
func quotaPolicy(t require.TestingT) *Policy {
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner:     allPermissions,
		RoleDeveloper: {PermissionMemberList},
		"inviter":     {PermissionMemberList, PermissionInvitationCreate, PermissionInvitationResend},
		"supplier": {
			PermissionMemberList, PermissionInvitationCreate, PermissionInvitationResend, PermissionQuotaUpdate,
		},
	})
	require.NoError(t, err)
	return policy
}

// Every act on an invitation that grants a quota needs the permission to set quotas.
func TestClass12_GrantingAQuotaNeedsItsPermission(t *testing.T) {
	t.Parallel()
	r := rulesOf(quotaPolicy(t))
	// creationLike returns the creation by actor of the invitation of f.
	creationLike := func(f Facts, actor Actor) creation {
		return varied(creationOf(f.Invitation.Kind), by(actor), granting(f.Invitation.Role), func(c *creation) {
			c.draft.Quota = f.Invitation.Quota
		})
	}
	for name, perform := range map[string]actorTest{
		"invite": func(t require.TestingT, f Facts, actor Actor) error {
			c := creationLike(f, actor)
			f.Invitation = nil
			return createErr(t, r, f, c)
		},
		"invite again": func(t require.TestingT, f Facts, actor Actor) error {
			c := creationLike(f, actor)
			existing := madeOf(c)
			f.Invitation = &existing
			return createErr(t, r, f, c)
		},
		"invite all": func(t require.TestingT, f Facts, actor Actor) error {
			results, _, err := decide(t, r, f, bulk{actor, acme, []bulkRow{{creation: creationLike(f, actor)}}})
			require.NoError(t, err)
			return results[0].err
		},
		"resend": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, r, f, resendBy(actor))
		},
		"edit": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, r, f, editBy(actor, edit{message: new("Hello")}))
		},
		"pending token": func(t require.TestingT, f Facts, actor Actor) error {
			return refusal(t, r, f, pendingTokenAct{actor})
		},
	} {
		for _, kind := range bothKinds {
			for _, q := range []Quota{{}, fiveADay, {0, PeriodDay}} {
				record := changed(recordOf(kind), func(r *Record) { r.Quota, r.SentBy = q, olga })
				var want error
				if q != (Quota{}) {
					want = ErrPermissionDenied
				}
				f := withRole(factsOf(record), adam, "inviter")
				require.Equal(t, want, perform(t, f, User(adam)), "%s %s by an inviter: %v", name, kind, q)
				f = withRole(f, adam, "supplier")
				require.NoError(t, perform(t, f, User(adam)), "%s %s by a supplier: %v", name, kind, q)
				require.NoError(t, perform(t, f, System()), "%s %s by System: %v", name, kind, q)
			}
		}
		record := changed(emailRecord(), func(r *Record) { r.Quota, r.SentBy, r.Role = fiveADay, olga, RoleOwner })
		f := withRole(factsOf(record), adam, "inviter")
		require.Equal(t, ErrRoleNotAssignable, perform(t, f, User(adam)), "%s: the role is refused first", name)
	}
}

// A sender who could no longer grant the quota is not entitled to the invitation.
func TestClass15_SenderMustBeEntitledToTheQuota(t *testing.T) {
	t.Parallel()
	r := rulesOf(quotaPolicy(t))
	for _, q := range []Quota{{}, fiveADay} {
		for sender, entitled := range map[Role]bool{"inviter": q == Quota{}, "supplier": true, RoleOwner: true, RoleDeveloper: false} {
			f := withRole(factsOf(changed(emailRecord(), func(r *Record) { r.Quota = q })), adam, sender)
			var want error = ErrSenderNotEntitled
			if entitled {
				want = nil
			}
			require.Equal(t, want, refusal(t, r, f, lookupAct{token}), "%s %v", sender, q)
			require.Equal(t, want, refusal(t, r, f, acceptance{token, verifiedNina}), "%s %v", sender, q)
		}
	}
	f := factsOf(changed(emailRecord(), func(r *Record) { r.Quota, r.SentBy = fiveADay, "" }))
	require.NoError(t, refusal(t, r, f, acceptance{token, verifiedNina}), "System is entitled to every quota")
}

// The quota of an earlier membership remains, even the zero Quota. Only an email invitation
// that was sent after it was set replaces it. A link does not, because its user could choose
// the better of two.
func TestAccept_Quota(t *testing.T) {
	t.Parallel()
	ninas := func(q Quota, version int64) map[string]QuotaRecord {
		return map[string]QuotaRecord{nina: {Organization: acme, UserID: nina, Quota: q, Version: version, PeriodStart: noon, Used: 3}}
	}
	shared := map[string]QuotaRecord{"": {Organization: acme, Quota: Quota{9, PeriodDay}, Version: 9}}
	doras := map[string]QuotaRecord{dora: {Organization: acme, UserID: dora, Quota: fiveADay, Version: 9}}
	nineAMonth, onlyEmail := Quota{9, PeriodMonth}, []Kind{KindEmail}
	for name, c := range map[string]struct {
		granted Quota // by an invitation that was sent at version 4
		quotas  map[string]QuotaRecord
		set     []Kind // the kinds of invitations that set the granted quota
	}{
		"none":                                {Quota{}, nil, nil},
		"none, another set before":            {Quota{}, ninas(nineAMonth, 2), nil},
		"a quota":                             {fiveADay, nil, bothKinds},
		"a quota of 0":                        {Quota{0, PeriodDay}, nil, bothKinds},
		"a quota, a shared one set after":     {fiveADay, shared, bothKinds},
		"a quota, another member's set after": {fiveADay, doras, bothKinds},
		"a quota, another set before":         {fiveADay, ninas(nineAMonth, 3), onlyEmail},
		"a quota, another removed before":     {fiveADay, ninas(Quota{}, 3), onlyEmail},
		"a quota, another set in the sending": {fiveADay, ninas(nineAMonth, 4), nil},
		"a quota, another set after":          {fiveADay, ninas(nineAMonth, 5), nil},
		"a quota, another removed after":      {fiveADay, ninas(Quota{}, 5), nil},
		"a quota, the same set after":         {fiveADay, ninas(fiveADay, 9), nil},
		"a quota, the same set before":        {fiveADay, ninas(fiveADay, 1), onlyEmail},
		"a quota of 0, a greater one before":  {Quota{0, PeriodDay}, ninas(fiveADay, 1), onlyEmail},
	} {
		for _, kind := range bothKinds {
			for _, sender := range []string{adam, ""} {
				t.Run(name+"/"+string(kind)+"/sent by "+sender, func(t *testing.T) {
					t.Parallel()
					f := factsOf(changed(recordOf(kind), func(r *Record) { r.Quota, r.SentBy = c.granted, sender }))
					f.Quotas = c.quotas
					member, changes, err := accept(t, f, verifiedNina)
					require.NoError(t, err)
					require.Equal(t, []Member{member}, changes.Members)
					require.Equal(t, c.granted, changes.Invitations[0].Quota)
					if !slices.Contains(c.set, kind) {
						require.Empty(t, changes.Quotas)
						require.Len(t, changes.Events, 2)
						return
					}
					require.Equal(t, []QuotaRecord{{Organization: acme, UserID: nina, Quota: c.granted, Version: 10}}, changes.Quotas)
					require.Len(t, changes.Events, 3)
					require.Equal(t, Event{
						Organization: acme, Type: EventQuotaChanged, At: noon, Actor: sender, Subject: nina, Quota: c.granted,
					}, changes.Events[2], "the sender set it")
				})
			}
		}
	}
}

// Neither accepting again nor joining again through a link sets the quota again.
func TestAccept_QuotaOnce(t *testing.T) {
	t.Parallel()
	f := factsOf(changed(linkRecord(), func(r *Record) { r.Quota = fiveADay }))
	member, changes, err := accept(t, f, verifiedNina)
	require.NoError(t, err)
	f.Version, f.Invitation = 10, &changes.Invitations[0]
	f.Quotas = map[string]QuotaRecord{nina: changes.Quotas[0]}
	f.Members[nina] = member
	_, changes, err = accept(t, f, verifiedNina)
	require.NoError(t, err)
	require.Zero(t, changes)

	delete(f.Members, nina)
	_, changes, err = accept(t, f, verifiedNina)
	require.NoError(t, err)
	require.Empty(t, changes.Quotas)
}
