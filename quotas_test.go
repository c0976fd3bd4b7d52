package invitations

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

var fiveADay = Quota{Limit: 5, Period: PeriodDay}

func setQuota(t require.TestingT, r rules, f Facts, actor Actor, user string, q Quota) (Quota, Changes, error) {
	return decided(t, f, func(f Facts) (Quota, Changes, error) { return quotaChange{actor, acme, user, q}.decide(r, f) })
}

func TestSetQuota(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		actor Actor
		user  string
	}{
		"an admin, of a developer":     {User(adam), dora},
		"an admin, of another":         {User(adam), vera},
		"an admin, of their own":       {User(adam), adam},
		"an owner, of an admin":        {User(olga), adam},
		"an owner, of their own":       {User(olga), olga},
		"the host, of an owner":        {System(), olga},
		"the host, of all":             {System(), ""},
		"an owner, of a role gone":     {User(olga), bill},
		"the host, of a role gone":     {System(), bill},
		"the host, where nobody is in": {System(), ""},
	} {
		for _, q := range []Quota{fiveADay, {0, PeriodMonth}, {maxAmount, PeriodEndless}, {}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := withRole(withRole(withOwners(1), bill, ghost), vera, RoleAdmin)
				f.Quotas = map[string]QuotaRecord{
					c.user: {Organization: acme, UserID: c.user, Quota: Quota{1, PeriodDay}, Version: 3, PeriodStart: noon, Used: 1},
				}
				set, changes, err := setQuota(t, atNoon(), f, c.actor, c.user, q)
				require.NoError(t, err)
				require.Equal(t, q, set)
				require.Equal(t, Changes{
					Quotas: []QuotaRecord{{Organization: acme, UserID: c.user, Quota: q, Version: 10}}, // the facts are at version 9
					Events: []Event{{
						Organization: acme, Type: EventQuotaChanged, At: noon, Actor: c.actor.user, Subject: c.user, Quota: q,
					}},
				}, changes, "what is used is the store's to keep")
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
		"an admin, of an owner":           {withOwners(1), User(adam), olga, ErrPermissionDenied},
		"an admin, of a role gone":        {withRole(withOwners(1), bill, ghost), User(adam), bill, ErrPermissionDenied},
		"a developer, of a viewer":        {withOwners(1), User(dora), vera, ErrPermissionDenied},
		"a viewer, of their own":          {withOwners(1), User(vera), vera, ErrPermissionDenied},
		"a stranger":                      {withOwners(1), User(nina), dora, ErrPermissionDenied},
		"nobody":                          {withOwners(1), Actor{}, dora, ErrPermissionDenied},
		"an admin, of no member":          {withOwners(1), User(adam), nina, ErrNotFound},
		"the host, of no member":          {withOwners(1), System(), nina, ErrNotFound},
		"an owner, of all":                {withOwners(1), User(olga), "", ErrPermissionDenied},
		"an admin, of all":                {withOwners(1), User(adam), "", ErrPermissionDenied},
		"nobody, of all":                  {withOwners(1), Actor{}, "", ErrPermissionDenied},
		"the host, of no organization":    {Facts{}, System(), "", ErrNotFound},
		"the host, of nobody nowhere":     {Facts{}, System(), dora, ErrNotFound},
		"a user, of no organization":      {Facts{}, User(olga), "", ErrPermissionDenied},
		"who has the empty id as member?": {withRole(withOwners(1), "", RoleOwner), User(""), "", ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := setQuota(t, atNoon(), c.facts, c.actor, c.user, fiveADay)
			require.Equal(t, c.want, err)
		})
	}
}

// metering are roles that may send, with and without the right to give a quota.
func metering(t require.TestingT) rules {
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner:     allPermissions,
		RoleDeveloper: {PermissionMemberList},
		"inviter":     {PermissionMemberList, PermissionInvitationCreate, PermissionInvitationResend},
		"supplier": {
			PermissionMemberList, PermissionInvitationCreate, PermissionInvitationResend, PermissionQuotaUpdate,
		},
	})
	require.NoError(t, err)
	r := atNoon()
	r.policy = policy
	return r
}

// An invitation that brings a quota is sent, sent again and shown by those alone who could
// set the quota.
func TestClass12_QuotaNeedsItsPermissionOnEveryPath(t *testing.T) {
	t.Parallel()
	r := metering(t)
	for path, perform := range map[string]func(t require.TestingT, f Facts, actor Actor) error{
		"create": func(t require.TestingT, f Facts, actor Actor) error {
			draft := f.Invitation.Clone()
			f.Invitation = nil
			_, _, err := create(t, r, f, actor, draft)
			return err
		},
		"create again": func(t require.TestingT, f Facts, actor Actor) error {
			_, _, err := create(t, r, f, actor, f.Invitation.Clone())
			return err
		},
		"resend": func(t require.TestingT, f Facts, actor Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return resending{actor: actor, nonce: nextNonce, lifetime: 0}.decide(r, f)
			})
			return err
		},
		"edit": func(t require.TestingT, f Facts, actor Actor) error {
			message := "Hello"
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return editing{actor: actor, edit: edit{message: &message}}.decide(r, f)
			})
			return err
		},
		"create all": func(t require.TestingT, f Facts, actor Actor) error {
			drafts := []draft{{Record: f.Invitation.Clone()}}
			f.Invitation, f.Invitations = nil, map[uuid.UUID]Record{}
			all, _, err := decided(t, f, func(f Facts) ([]created, Changes, error) { return createdBy(r, f, actor, drafts) })
			require.NoError(t, err)
			return all[0].err
		},
		"reveal": func(_ require.TestingT, f Facts, actor Actor) error {
			_, err := r.reveal(f, actor)
			return err
		},
	} {
		for _, kind := range []Kind{KindEmail, KindLink} {
			for _, q := range []Quota{{}, fiveADay, {0, PeriodDay}} {
				record := changed(recordOf(kind), func(r *Record) { r.Quota, r.SentBy = q, olga })
				var want error
				if q != (Quota{}) {
					want = ErrPermissionDenied
				}
				f := withRole(factsOf(record), adam, "inviter")
				require.Equal(t, want, perform(t, f, User(adam)), "%s %s by an inviter: %v", path, kind, q)
				f = withRole(f, adam, "supplier")
				require.NoError(t, perform(t, f, User(adam)), "%s %s by a supplier: %v", path, kind, q)
				require.NoError(t, perform(t, f, System()), "%s %s by the host: %v", path, kind, q)
			}
		}
		// The role comes first.
		record := changed(emailRecord(), func(r *Record) { r.Quota, r.SentBy, r.Role = fiveADay, olga, RoleOwner })
		f := withRole(factsOf(record), adam, "inviter")
		require.Equal(t, ErrRoleNotAssignable, perform(t, f, User(adam)), path)
	}
}

// A quota that a sender could not give any more is worth nothing, and with it the
// invitation.
func TestClass15_QuotaOfTheSender(t *testing.T) {
	t.Parallel()
	r := metering(t)
	for _, q := range []Quota{{}, fiveADay} {
		for sender, may := range map[Role]bool{"inviter": q == Quota{}, "supplier": true, RoleOwner: true, RoleDeveloper: false} {
			f := factsOf(changed(emailRecord(), func(r *Record) { r.Quota = q }))
			f = withRole(f, adam, sender)
			var want error = ErrSenderNotEntitled
			if may {
				want = nil
			}
			_, err := r.lookup(f, token)
			require.Equal(t, want, err, "%s %v", sender, q)
			_, _, err = decided(t, f, func(f Facts) (Member, Changes, error) { return acceptance{token, verifiedNina}.decide(r, f) })
			require.Equal(t, want, err, "%s %v", sender, q)
		}
	}
	f := factsOf(changed(emailRecord(), func(r *Record) { r.Quota, r.SentBy = fiveADay, "" }))
	_, _, err := decided(t, f, func(f Facts) (Member, Changes, error) { return acceptance{token, verifiedNina}.decide(r, f) })
	require.NoError(t, err, "the host vouches for the quota as for the role")
}

// The member starts with the quota of the invitation, unless they have had one before, also
// if that was taken away: it stays, but for an invitation that names them and was sent after
// it was set. A link is anybody's, and nobody chooses by it a better quota than they had.
func TestAccept_Quota(t *testing.T) {
	t.Parallel()
	own := func(q Quota, version int64) map[string]QuotaRecord {
		return map[string]QuotaRecord{nina: {Organization: acme, UserID: nina, Quota: q, Version: version, PeriodStart: noon, Used: 3}}
	}
	both, named := []Kind{KindEmail, KindLink}, []Kind{KindEmail}
	for name, c := range map[string]struct {
		brings Quota
		quotas map[string]QuotaRecord
		set    []Kind // by invitations of these kinds
	}{
		"none":                         {Quota{}, nil, nil},
		"none, beside one from before": {Quota{}, own(Quota{9, PeriodMonth}, 2), nil},
		"one":                          {fiveADay, nil, both},
		"one of nothing":               {Quota{0, PeriodDay}, nil, both},
		"one, beside the shared":       {fiveADay, map[string]QuotaRecord{"": {Organization: acme, Quota: Quota{9, PeriodDay}, Version: 9}}, both},
		"one, after one from before":   {fiveADay, own(Quota{9, PeriodMonth}, 3), named},
		"one, after one taken away":    {fiveADay, own(Quota{}, 3), named},
		"one, before one set since":    {fiveADay, own(Quota{9, PeriodMonth}, 5), nil},
		"one, before one taken since":  {fiveADay, own(Quota{}, 5), nil},
		"one, in the same change":      {fiveADay, own(Quota{9, PeriodMonth}, 4), nil},
		"one, and had the same since":  {fiveADay, own(fiveADay, 9), nil},
		"one, and had the same before": {fiveADay, own(fiveADay, 1), named},
		"one of nothing, after one":    {Quota{0, PeriodDay}, own(fiveADay, 1), named},
		"one, after another's":         {fiveADay, map[string]QuotaRecord{dora: {Organization: acme, UserID: dora, Quota: fiveADay, Version: 9}}, both},
	} {
		for _, kind := range []Kind{KindEmail, KindLink} {
			for _, sender := range []string{adam, ""} {
				t.Run(name+"/"+string(kind)+"/sent by "+sender, func(t *testing.T) {
					t.Parallel()
					f := factsOf(changed(recordOf(kind), func(r *Record) { r.Quota, r.SentBy = c.brings, sender })) // sent at version 4
					f.Quotas = c.quotas
					member, changes, err := accept(t, f, verifiedNina)
					require.NoError(t, err)
					require.Equal(t, []Member{member}, changes.Members)
					require.Equal(t, c.brings, changes.Invitations[0].Quota)
					if !slices.Contains(c.set, kind) {
						require.Empty(t, changes.Quotas)
						require.Len(t, changes.Events, 2)
						return
					}
					require.Equal(t, []QuotaRecord{{Organization: acme, UserID: nina, Quota: c.brings, Version: 10}}, changes.Quotas)
					require.Len(t, changes.Events, 3)
					require.Equal(t, Event{
						Organization: acme, Type: EventQuotaChanged, At: noon, Actor: sender, Subject: nina, Quota: c.brings,
					}, changes.Events[2], "who sent it, set it")
				})
			}
		}
	}
}

// Accepting again sets nothing again, whatever has been set since.
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

	// Nor does coming back by the same link.
	delete(f.Members, nina)
	_, changes, err = accept(t, f, verifiedNina)
	require.NoError(t, err)
	require.Empty(t, changes.Quotas)
}

// The quota belongs to what a repeated call has asked for.
func TestCreate_AgainWithOtherQuota(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		made := changed(draftOf(kind), func(r *Record) { r.Quota = fiveADay })
		f := factsOf(made)
		_, _, err := create(t, atNoon(), f, System(), made)
		require.NoError(t, err)
		for _, q := range []Quota{{}, {6, PeriodDay}, {5, PeriodMonth}} {
			_, _, err := create(t, atNoon(), f, System(), changed(made, func(r *Record) { r.Quota = q }))
			require.Equal(t, ErrConflict, err, "%s %v", kind, q)
		}
	}
}
