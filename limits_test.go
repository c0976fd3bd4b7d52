package invitations

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// allLimits returns limits with every field.
func allLimits() Limits {
	return Limits{
		Members: 5, Pending: 3, SeatlessRoles: []Role{RoleViewer}, NoLinks: true,
		AllowedDomains: []string{"example.com"}, Expiry: 2 * day,
	}
}

// limitedBy returns a copy of f in an organization with these limits.
func limitedBy(f Facts, limits Limits) Facts {
	f = cloneFacts(f)
	f.Limits = limits
	return f
}

func TestSetLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after Limits }{
		"the first":       {Limits{}, allLimits()},
		"none any more":   {allLimits(), Limits{}},
		"members":         {allLimits(), Limits{Members: 6, Pending: 3, SeatlessRoles: []Role{RoleViewer}, NoLinks: true, AllowedDomains: []string{"example.com"}, Expiry: 2 * day}},
		"no member limit": {Limits{Members: 5}, Limits{Members: NoLimit}},
		"pending":         {Limits{Pending: 3}, Limits{Pending: 4}},
		"seatless roles":  {Limits{SeatlessRoles: []Role{RoleViewer}}, Limits{SeatlessRoles: []Role{RoleBilling}}},
		"links":           {Limits{NoLinks: true}, Limits{}},
		"domains":         {Limits{AllowedDomains: []string{"example.com"}}, Limits{AllowedDomains: []string{"example.com", "example.org"}}},
		"expiry":          {Limits{Expiry: day}, Limits{Expiry: 2 * day}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := limitedBy(noInvitation(), c.before)
			f.SeatCount, f.PendingCount, f.ReservedCount = 100, 100, 100 // lowering removes nobody
			limits, changes, err := decide(t, atNoon(), f, limitsChange{System(), acme, c.after})
			require.NoError(t, err)
			require.Equal(t, c.after, limits)
			require.Equal(t, Changes{
				Limits: &c.after, Events: []Event{{Organization: acme, Type: EventLimitsChanged, At: noon, Limits: &c.after}},
			}, changes)
		})
	}
}

func TestSetLimits_TheSame(t *testing.T) {
	t.Parallel()
	for _, limits := range []Limits{{}, allLimits()} {
		_, changes, err := decide(t, atNoon(), limitedBy(noInvitation(), limits), limitsChange{System(), acme, limits.Clone()})
		require.NoError(t, err)
		require.Zero(t, changes)
	}
	empty := Limits{SeatlessRoles: []Role{}, AllowedDomains: []string{}} // like nil
	_, changes, err := decide(t, atNoon(), noInvitation(), limitsChange{System(), acme, empty})
	require.NoError(t, err)
	require.Zero(t, changes)
}

// Limits are the plan that the host sells, so no member can change them.
func TestSetLimits_OnlySystem(t *testing.T) {
	t.Parallel()
	for _, user := range []string{olga, adam, dora, bill, vera, nina, ""} {
		for name, f := range map[string]Facts{"a change": noInvitation(), "the same": limitedBy(noInvitation(), allLimits()), "no organization": {}} {
			err := refusal(t, atNoon(), f, limitsChange{User(user), acme, allLimits()})
			require.Equal(t, ErrPermissionDenied, err, "%s by %q", name, user)
		}
	}
	require.Equal(t, ErrNotFound, refusal(t, atNoon(), Facts{}, limitsChange{System(), acme, allLimits()}))
}

func TestSetLimits_Copies(t *testing.T) {
	t.Parallel()
	given := allLimits()
	_, changes, err := decide(t, atNoon(), noInvitation(), limitsChange{System(), acme, given})
	require.NoError(t, err)
	given.SeatlessRoles[0], given.AllowedDomains[0] = RoleOwner, "evil.example"
	require.Equal(t, allLimits(), *changes.Limits)
	require.Equal(t, allLimits(), *changes.Events[0].Limits)

	clone := allLimits().Clone()
	clone.SeatlessRoles[0], clone.AllowedDomains[0] = RoleOwner, "evil.example"
	event := changes.Events[0].Clone()
	event.Limits.SeatlessRoles[0] = RoleOwner
	require.Equal(t, allLimits(), *changes.Events[0].Limits)
}

// A field that is not set is that of the configuration.
func TestLimits_Or(t *testing.T) {
	t.Parallel()
	config := Limits{Members: 10, Pending: 20, Expiry: 7 * day}
	for name, c := range map[string]struct{ own, want Limits }{
		"none":            {Limits{}, config},
		"members":         {Limits{Members: 3}, Limits{Members: 3, Pending: 20, Expiry: 7 * day}},
		"more members":    {Limits{Members: 30}, Limits{Members: 30, Pending: 20, Expiry: 7 * day}},
		"no member limit": {Limits{Members: NoLimit}, Limits{Members: NoLimit, Pending: 20, Expiry: 7 * day}},
		"pending":         {Limits{Pending: 1}, Limits{Members: 10, Pending: 1, Expiry: 7 * day}},
		"expiry":          {Limits{Expiry: day}, Limits{Members: 10, Pending: 20, Expiry: day}},
		"all":             {allLimits(), allLimits()},
	} {
		require.Equal(t, c.want, c.own.Or(config), name)
	}
	require.Equal(t, allLimits(), Limits{}.Or(allLimits()))
	require.Equal(t, []Role{RoleBilling}, Limits{SeatlessRoles: []Role{RoleBilling}}.Or(allLimits()).SeatlessRoles)
	require.Equal(t, []string{"a.example"}, Limits{AllowedDomains: []string{"a.example"}}.Or(allLimits()).AllowedDomains)
}

// Or takes the first value that is set, so it is associative and idempotent, and the zero
// Limits are neutral on both sides.
func TestLimits_OrIsAClosedForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyLimits(t), anyLimits(t), anyLimits(t)
		require.Equal(t, a, a.Or(Limits{}))
		require.Equal(t, a, Limits{}.Or(a))
		require.Equal(t, a, a.Or(a))
		require.Equal(t, a.Or(b).Or(c), a.Or(b.Or(c)))
		require.Equal(t, a.Or(b), a.Or(b).Or(b))
		require.True(t, a.Or(b).equal(a.Or(b).Clone()))
		require.Equal(t, a.equal(b), b.equal(a))
	})
}

// The limits of the organization are in force, in every step that needs them.
func TestLimits_OfTheOrganizationAreInForce(t *testing.T) {
	t.Parallel()
	r := withMemberLimit(10, true)
	f := factsOf(emailRecord())
	f.SeatCount, f.ReservedCount, f.PendingRecords = 3, 1, []Record{emailRecord()}
	a := acceptance{token, verifiedNina}
	require.NoError(t, refusal(t, r, f, a))
	require.Equal(t, full(3, 3, 1), refusal(t, r, limitedBy(f, Limits{Members: 3}), a))
	require.NoError(t, refusal(t, r, limitedBy(f, Limits{Members: 4}), a))
	f.SeatCount = 10
	require.Equal(t, full(10, 10, 1), refusal(t, r, f, a))
	require.NoError(t, refusal(t, r, limitedBy(f, Limits{Members: 11}), a))
	require.NoError(t, refusal(t, r, limitedBy(f, Limits{Members: NoLimit}), a))
	require.NoError(t, refusal(t, r, limitedBy(f, Limits{SeatlessRoles: []Role{RoleDeveloper}}), a))
	require.Equal(t, full(2, 2, 1), refusal(t, withMemberLimit(0, true), limitedBy(f, Limits{Members: 2}), a), "the configuration has none")

	invite := creationOf(KindLink)
	f = noInvitation()
	f.PendingCount = 3
	require.NoError(t, createErr(t, r, f, invite))
	require.Equal(t, pendingFull(3), createErr(t, r, limitedBy(f, Limits{Pending: 3}), invite))
	f.PendingCount = 10
	require.Equal(t, pendingFull(10), createErr(t, r, f, invite))
	require.NoError(t, createErr(t, r, limitedBy(f, Limits{Pending: 11}), invite))
}

// A reserved seat is a promise. A limit that is lowered below members and reservations locks
// nobody out as long as there are fewer members than seats: first come, first served.
func TestClass29_LoweredLimitKeepsThePromises(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules rules
		own   Limits
	}{
		"in the configuration": {withMemberLimit(10, true), Limits{}},
		"of the organization":  {withMemberLimit(11, true), Limits{Members: 10}},
	} {
		f := limitedBy(factsOf(emailRecord()), c.own)
		f.SeatCount, f.ReservedCount = 1, 10 // they fitted into 11
		stranger := limitedBy(factsOf(linkRecord()), c.own)
		for members := 1; members < 10; members++ {
			f.SeatCount, f.ReservedCount = members, 11-members
			stranger.SeatCount, stranger.ReservedCount = f.SeatCount, f.ReservedCount
			f.PendingRecords = []Record{emailRecord()}
			a := acceptance{token, verifiedNina}
			require.NoError(t, refusal(t, c.rules, f, a), "%s: the holder number %d", name, members)
			require.Equal(t, full(10, members, min(10, 11-members)), refusal(t, c.rules, stranger, a), "%s: a stranger", name)
			require.Error(t, refusal(t, c.rules, stranger, additionBy(System())), "%s: a stranger who is added", name)
			require.NoError(t, refusal(t, c.rules, f, additionBy(System(), withAddress)), "%s: a holder who is added", name)
			byLink := cloneFacts(stranger)
			byLink.PendingRecords = []Record{changed(emailRecord(), func(r *Record) { r.ID = otherID })}
			require.NoError(t, refusal(t, c.rules, byLink, a), "%s: a holder with a link", name)
		}
		f.SeatCount, f.ReservedCount = 10, 1
		require.Equal(t, full(10, 10, 1), refusal(t, c.rules, f, acceptance{token, verifiedNina}), "%s: the last holder", name)
	}
}

// Members with a seatless role take no seat, and neither do invitations for it.
func TestSeatlessRoles(t *testing.T) {
	t.Parallel()
	r := seatless(withMemberLimit(10, true), RoleViewer, RoleBilling)
	crowded := func(f Facts) Facts {
		f.SeatCount, f.ReservedCount = 10, 10
		return f
	}
	for _, role := range DefaultPolicy().Roles() {
		var want error
		if role != RoleViewer && role != RoleBilling {
			want = full(10, 10, 10)
		}
		offer := func(record Record) Record { return changed(record, func(r *Record) { r.Role, r.SentBy = role, olga }) }
		for _, kind := range bothKinds {
			require.Equal(t, want, refusal(t, r, crowded(factsOf(offer(recordOf(kind)))), acceptance{token, verifiedNina}), "accept %s %s", kind, role)
		}
		require.Equal(t, want, createErr(t, r, crowded(noInvitation()), varied(creationOf(KindEmail), by(User(olga)), granting(role))), "invite %s", role)
		require.NoError(t, createErr(t, r, crowded(noInvitation()), varied(creationOf(KindLink), by(User(olga)), granting(role))), "a link holds none")
		require.Equal(t, want, refusal(t, r, crowded(factsOf(inState(offer(emailRecord()), StateExpired))), resendBy(User(olga))), "resend expired %s", role)
		require.Equal(t, want, refusal(t, r, crowded(noInvitation()), additionBy(System(), addedAs(role))), "add %s", role)
		for before, takes := range map[Role]bool{RoleViewer: false, RoleBilling: false, RoleDeveloper: true, RoleOwner: true, ghost: true} {
			f := crowded(withRole(withOwners(2), dora, before))
			want := want
			if takes || before == role {
				want = nil
			}
			require.Equal(t, want, refusal(t, r, f, roleChangeBy(User(olga), dora, role)), "from %s to %s", before, role)
		}
	}
}

// A free seat lets a member with a seatless role take one that needs it. A reserved seat is not
// free.
func TestChangeRole_NeedsASeat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reserve           bool
		members, reserved int
		want              error
	}{
		"one is free":          {true, 8, 1, nil},
		"the last is reserved": {true, 9, 1, full(10, 9, 1)},
		"none is free":         {true, 10, 0, full(10, 10, 0)},
		"not reserved":         {false, 9, 1, nil},
		"not reserved, none":   {false, 10, 0, full(10, 10, 0)},
	} {
		f := withOwners(1)
		f.SeatCount, f.ReservedCount = c.members, c.reserved
		// The member's own pending invitation is not known to hold a seat for them.
		r := seatless(withMemberLimit(10, c.reserve), RoleViewer)
		require.Equal(t, c.want, refusal(t, r, f, roleChangeBy(User(adam), vera, RoleDeveloper)), name)
		require.NoError(t, refusal(t, r, f, roleChangeBy(User(adam), dora, RoleAdmin)), "%s: from a seat to a seat", name)
		require.NoError(t, refusal(t, r, f, roleChangeBy(User(adam), dora, RoleViewer)), "%s: to no seat", name)
	}
	f := withOwners(1)
	f.SeatCount = 10
	last := seatless(withMemberLimit(10, false), RoleViewer, RoleOwner)
	require.Equal(t, ErrLastOwner, refusal(t, last, f, roleChangeBy(User(olga), olga, RoleAdmin)), "the last owner is refused first")
}

// A transfer takes one seat more if the heir had none and the former owner keeps one.
func TestTransferOwnership_Seats(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seatless []Role
		heir     Role // of Dora
		role     Role // of Olga, afterwards
		needs    bool
	}{
		"all take seats":                        {nil, RoleDeveloper, RoleAdmin, false},
		"the heir had none":                     {[]Role{RoleViewer}, RoleViewer, RoleAdmin, true},
		"the heir had none, the owner has none": {[]Role{RoleViewer}, RoleViewer, RoleViewer, false},
		"the owner gives up the seat":           {[]Role{RoleViewer}, RoleDeveloper, RoleViewer, false},
		"owners take none":                      {[]Role{RoleOwner}, RoleDeveloper, RoleAdmin, false},
		"owners take none, between owners":      {[]Role{RoleOwner}, RoleOwner, RoleAdmin, true},
		"between owners":                        {nil, RoleOwner, RoleAdmin, false},
		"an unknown role takes one":             {[]Role{RoleViewer}, ghost, RoleAdmin, false},
	} {
		for _, reserve := range []bool{false, true} {
			r := seatless(withMemberLimit(10, reserve), c.seatless...)
			f := withRole(withOwners(2), dora, c.heir)
			f.SeatCount = 9
			require.NoError(t, refusal(t, r, f, transferBy(User(olga), olga, dora, c.role)), "%s: one is free", name)
			f.SeatCount = 10
			var want error
			if c.needs {
				want = full(10, 10, 0)
			}
			require.Equal(t, want, refusal(t, r, f, transferBy(User(olga), olga, dora, c.role)), "%s: none is free", name)
			f.SeatCount, f.ReservedCount = 9, 1
			if want = nil; c.needs && reserve {
				want = full(10, 9, 1)
			}
			require.Equal(t, want, refusal(t, r, f, transferBy(User(olga), olga, dora, c.role)), "%s: the last is reserved", name)
		}
	}
}

// An organization without links refuses them wherever one is made or used. A member by a link
// stays one.
func TestLimits_NoLinks(t *testing.T) {
	t.Parallel()
	limits := Limits{NoLinks: true}
	link, email := limitedBy(factsOf(linkRecord()), limits), limitedBy(factsOf(emailRecord()), limits)
	expired := limitedBy(factsOf(inState(linkRecord(), StateExpired)), limits)
	require.Equal(t, ErrLinksNotAllowed, createErr(t, atNoon(), limitedBy(noInvitation(), limits), creationOf(KindLink)))
	require.NoError(t, createErr(t, atNoon(), limitedBy(noInvitation(), limits), creationOf(KindEmail)))
	for name, a := range map[string]act[Record]{
		"resend": resendBy(User(adam)), "lookup": lookupAct{token}, "pending token": pendingTokenAct{User(adam)},
	} {
		require.Equal(t, ErrLinksNotAllowed, refusal(t, atNoon(), link, a), name)
		require.NoError(t, refusal(t, atNoon(), email, a), name)
	}
	require.Equal(t, ErrLinksNotAllowed, refusal(t, atNoon(), expired, resendBy(User(adam))))
	require.Equal(t, ErrLinksNotAllowed, refusal(t, atNoon(), link, acceptance{token, verifiedNina}))
	require.NoError(t, refusal(t, atNoon(), email, acceptance{token, verifiedNina}))
	require.NoError(t, refusal(t, atNoon(), withMember(link, joined()), acceptance{token, verifiedNina}), "a member by it")
	require.NoError(t, refusal(t, atNoon(), link, revokeBy(User(adam))), "it can be revoked")
	require.NoError(t, refusal(t, atNoon(), link, editBy(User(adam), edit{message: new("")})), "it can be edited")
}

// The domains of the organization restrict all invitations, in addition to those of a link.
func TestClass05_DomainsOfTheOrganization(t *testing.T) {
	t.Parallel()
	r := atNoon()
	for name, c := range map[string]struct {
		domains []string
		allowed bool // Nina's address
	}{
		"none":             {nil, true},
		"hers":             {[]string{"example.com"}, true},
		"one is hers":      {[]string{"example.com", "example.org"}, true},
		"another":          {[]string{"example.org"}, false},
		"a subdomain":      {[]string{"sub.example.com"}, false},
		"a domain above":   {[]string{"com"}, false},
		"a similar ending": {[]string{"ample.com"}, false},
	} {
		limits := Limits{AllowedDomains: c.domains}
		var want error
		if !c.allowed {
			want = ErrDomainNotAllowed
		}
		email, link := limitedBy(factsOf(emailRecord()), limits), limitedBy(factsOf(linkRecord()), limits)
		expired := limitedBy(factsOf(inState(emailRecord(), StateExpired)), limits)
		received := receivedAcceptance{received{acme, invitedID}, verifiedNina}
		require.Equal(t, want, createErr(t, r, limitedBy(noInvitation(), limits), creationOf(KindEmail)), name)
		require.Equal(t, want, refusal(t, r, email, acceptance{token, verifiedNina}), name)
		require.Equal(t, want, refusal(t, r, email, received), name)
		require.Equal(t, want, refusal(t, r, email, lookupAct{token}), name)
		require.Equal(t, want, refusal(t, r, email, resendBy(User(adam))), name)
		require.Equal(t, want, refusal(t, r, expired, resendBy(User(adam))), name)
		require.Equal(t, want, refusal(t, r, email, pendingTokenAct{System()}), name)
		require.Equal(t, want, refusal(t, r, link, acceptance{token, verifiedNina}), name)
		require.NoError(t, refusal(t, r, link, lookupAct{token}), "%s: others can use the link", name)
		require.NoError(t, createErr(t, r, limitedBy(noInvitation(), limits), creationOf(KindLink)), name)
		require.NoError(t, refusal(t, r, email, declining{token}), name)

		results, _, err := decide(t, r, limitedBy(noInvitation(), limits), bulk{User(adam), acme, rows(1)})
		require.NoError(t, err)
		require.Equal(t, want, results[0].err, name)
	}

	// Both lists of domains must admit a person with a link.
	for _, c := range []struct {
		own, link []string
		identity  Identity
		want      error
	}{
		{[]string{"example.com"}, []string{"example.com", "example.org"}, verifiedNina, nil},
		{[]string{"example.com"}, []string{"example.org"}, verifiedNina, ErrDomainNotAllowed},
		{[]string{"example.org"}, []string{"example.com"}, verifiedNina, ErrDomainNotAllowed},
		{[]string{"example.com"}, nil, Identity{nina, ninasEmail, false}, ErrEmailUnverified},
		{[]string{"example.com"}, nil, Identity{UserID: nina}, ErrDomainNotAllowed},
		{[]string{"example.com"}, nil, Identity{nina, "not an address", true}, ErrDomainNotAllowed},
		{[]string{"example.com"}, nil, Identity{nina, "NINA@EXAMPLE.COM", true}, nil},
		{[]string{"example.com"}, []string{"example.com"}, Identity{nina, ninasEmail, false}, ErrEmailUnverified},
	} {
		f := limitedBy(factsOf(changed(linkRecord(), func(r *Record) { r.AllowedDomains = c.link })), Limits{AllowedDomains: c.own})
		require.Equal(t, c.want, refusal(t, r, f, acceptance{token, c.identity}), "%v and %v: %v", c.own, c.link, c.identity)
	}
	f := limitedBy(withMember(factsOf(linkRecord()), memberOf(nina, RoleViewer)), Limits{AllowedDomains: []string{"example.org"}})
	require.Equal(t, ErrAlreadyMember, refusal(t, r, f, acceptance{token, verifiedNina}), "a member learns that they are one")
}

// What an organization does not allow is refused before the limits and the address.
func TestLimits_RefusalsInOrder(t *testing.T) {
	t.Parallel()
	limits := Limits{AllowedDomains: []string{"example.org"}, Members: 1, Pending: 1}
	r, f, c := withMemberLimit(10, true), limitedBy(noInvitation(), limits), creationOf(KindEmail)
	f.PendingCount, f.SeatCount = 1, 1
	f.PendingByEmail = map[string]uuid.UUID{ninasEmail: invitedID}
	require.Equal(t, ErrPermissionDenied, createErr(t, r, f, varied(c, by(User(vera)))))
	require.Equal(t, ErrDomainNotAllowed, createErr(t, r, f, c))
	f.Limits.AllowedDomains = nil
	require.ErrorIs(t, createErr(t, r, f, c), ErrAlreadyInvited)

	answered := limitedBy(factsOf(changed(linkRecord(), func(r *Record) { r.Role = ghost })), Limits{NoLinks: true})
	require.Equal(t, ErrRoleUnknown, refusal(t, r, answered, acceptance{token, verifiedNina}))
	answered.Invitation.Role, answered.Sender = RoleDeveloper, nil
	require.Equal(t, ErrLinksNotAllowed, refusal(t, r, answered, acceptance{token, verifiedNina}))
	answered.Limits = Limits{}
	require.Equal(t, ErrSenderNotEntitled, refusal(t, r, answered, acceptance{token, verifiedNina}))
}

// An invitation that sets no lifetime has that of the organization, within the present bounds
// of the configuration.
func TestLimits_Expiry(t *testing.T) {
	t.Parallel()
	r := atNoon()
	r.minExpiry, r.maxExpiry = 2*day, 30*day
	for own, want := range map[time.Duration]time.Duration{
		0: 7 * day, 2 * day: 2 * day, 10 * day: 10 * day, 30 * day: 30 * day, time.Hour: 2 * day, 90 * day: 30 * day,
	} {
		for _, kind := range bothKinds {
			f := limitedBy(noInvitation(), Limits{Expiry: own})
			for lifetime, want := range map[time.Duration]time.Duration{0: want, 3 * day: 3 * day} {
				c := varied(creationOf(kind), func(c *creation) { c.lifetime = lifetime })
				record, _, err := create(t, r, f, c)
				require.NoError(t, err)
				require.Equal(t, noon.Add(want), record.ExpiresAt, "%s: %v of the organization, %v given", kind, own, lifetime)

				again := factsOf(record)
				again.Limits.Expiry = 29 * day // it changed since
				_, changes, err := create(t, r, again, c)
				require.NoError(t, err, "a repetition")
				require.Zero(t, changes)
			}
		}
	}
}

// The roles of the limits are compared by their names: a role that the policy lost stays
// seatless.
func TestSeatlessRoles_Unknown(t *testing.T) {
	t.Parallel()
	r := seatless(withMemberLimit(1, true), ghost)
	require.False(t, r.takesSeat(ghost))
	require.True(t, r.takesSeat("phantom"))
}
