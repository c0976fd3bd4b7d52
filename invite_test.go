package invitations

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// creationOf returns Adam's invitation of Nina for seven days, with an ID that he made.
func creationOf(kind Kind) creation {
	draft := recordOf(kind)
	draft.ID = otherID
	draft.CreatedAt, draft.SentAt, draft.ExpiresAt, draft.SweepAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	draft.SentVersion = 0
	return creation{actor: User(adam), ownID: otherID, draft: draft, lifetime: 7 * day}
}

// varied returns a copy of c with changes.
func varied(c creation, changes ...func(*creation)) creation {
	c.draft = c.draft.Clone()
	for _, change := range changes {
		change(&c)
	}
	return c
}

// by makes actor the actor of a creation.
func by(actor Actor) func(*creation) {
	return func(c *creation) { c.actor, c.draft.CreatedBy, c.draft.SentBy = actor, actor.user, actor.user }
}

// granting makes role the role of a creation.
func granting(role Role) func(*creation) { return func(c *creation) { c.draft.Role = role } }

// madeOf returns the record that c makes at noon if the facts are at version 9.
func madeOf(c creation) Record {
	return changed(c.draft, func(r *Record) {
		r.CreatedAt, r.SentAt, r.ExpiresAt = noon, noon, noon.Add(c.lifetime)
		r.SentVersion, r.SweepAt = 10, r.ExpiresAt
	})
}

func create(t require.TestingT, r rules, f Facts, c creation) (Record, Changes, error) {
	before := varied(c)
	result, changes, err := decide(t, r, f, c)
	require.Equal(t, before, c, "the decision changed the creation")
	require.Equal(t, err == nil && changes.Empty(), result.repeated)
	return result.record, changes, err
}

// createErr returns the refusal of a creation.
func createErr(t require.TestingT, r rules, f Facts, c creation) error {
	_, _, err := create(t, r, f, c)
	return err
}

func TestInvite(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		for name, actor := range map[string]Actor{"user": User(adam), "System": System()} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				c := varied(creationOf(kind), by(actor))
				record, changes, err := create(t, atNoon(), noInvitation(), c)
				require.NoError(t, err)
				want := c.draft
				want.CreatedAt, want.SentAt, want.ExpiresAt = noon, noon, noon.Add(7*day)
				want.SentVersion, want.SweepAt = 10, noon.Add(7*day) // the facts are at version 9
				require.Equal(t, want, record)
				require.Equal(t, Changes{
					Invitations: []Record{want},
					Events: []Event{{
						Organization: acme, Type: EventInvitationCreated, At: noon, Actor: actor.user,
						InvitationID: otherID, Email: c.draft.Email, Role: RoleDeveloper,
						MaxUses: c.draft.MaxUses, ExpiresAt: noon.Add(7 * day),
					}},
				}, changes)
			})
		}
	}
}

func TestInvite_Authority(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts Facts
		actor Actor
		role  Role
		want  error
	}{
		"owner":                                {noInvitation(), User(olga), RoleOwner, nil},
		"admin":                                {noInvitation(), User(adam), RoleAdmin, nil},
		"developer":                            {noInvitation(), User(dora), RoleViewer, ErrPermissionDenied},
		"billing":                              {noInvitation(), User(bill), RoleViewer, ErrPermissionDenied},
		"viewer":                               {noInvitation(), User(vera), RoleViewer, ErrPermissionDenied},
		"stranger":                             {noInvitation(), User(nina), RoleViewer, ErrPermissionDenied},
		"zero actor":                           {noInvitation(), Actor{}, RoleViewer, ErrPermissionDenied},
		"member with an unknown role":          {withRole(noInvitation(), adam, ghost), User(adam), RoleViewer, ErrPermissionDenied},
		"stranger grants an unknown role":      {noInvitation(), User(nina), ghost, ErrPermissionDenied},
		"owner grants an unknown role":         {noInvitation(), User(olga), ghost, ErrRoleNotAssignable},
		"owner grants the empty role":          {noInvitation(), User(olga), "", ErrRoleNotAssignable},
		"System":                               {noInvitation(), System(), RoleOwner, nil},
		"System grants an unknown role":        {noInvitation(), System(), ghost, ErrRoleNotAssignable},
		"user, no organization":                {Facts{}, User(olga), RoleViewer, ErrPermissionDenied},
		"System, no organization":              {Facts{}, System(), RoleViewer, ErrNotFound},
		"System, no organization, known roles": {Facts{}, System(), ghost, ErrNotFound},
	} {
		for _, kind := range bothKinds {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				require.Equal(t, c.want, createErr(t, atNoon(), c.facts, varied(creationOf(kind), by(c.actor), granting(c.role))))
			})
		}
	}
}

// Permissions decide, not the names of roles. A host's own permissions count too.
func TestInvite_OwnPolicy(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner:   {PermissionInvitationCreate, PermissionMemberList, "report:read", "report:write"},
		"recruiter": {PermissionInvitationCreate, "report:read"},
		"reader":    {"report:read"},
		"writer":    {"report:read", "report:write"},
		"guest":     {},
	})
	require.NoError(t, err)
	r := rulesOf(policy)
	for role, want := range map[Role]error{
		"reader": nil, "guest": nil, "recruiter": nil,
		"writer": ErrRoleNotAssignable, RoleOwner: ErrRoleNotAssignable, RoleAdmin: ErrRoleNotAssignable,
	} {
		c := varied(creationOf(KindEmail), granting(role))
		require.Equal(t, want, createErr(t, r, withRole(noInvitation(), adam, "recruiter"), c), role)
	}
	err = createErr(t, r, withRole(noInvitation(), adam, "writer"), varied(creationOf(KindEmail), granting("reader")))
	require.Equal(t, ErrPermissionDenied, err, "a writer holds every permission of the role, but must not invite")
}

// The refusal names the pending invitation, so that the host can offer to resend it. It comes
// before the limit, because resending a pending invitation takes no place.
func TestInvite_AlreadyInvited(t *testing.T) {
	t.Parallel()
	f := noInvitation()
	f.PendingByEmail = map[string]uuid.UUID{ninasEmail: invitedID}
	for _, pending := range []int{1, 10} {
		f.PendingCount = pending
		var already *AlreadyInvitedError
		require.ErrorAs(t, createErr(t, atNoon(), f, creationOf(KindEmail)), &already)
		require.Equal(t, invitedID, already.InvitationID)
	}
	f.PendingCount = 1
	other := varied(creationOf(KindEmail), func(c *creation) { c.draft.Email = "nina@example.org" })
	require.NoError(t, createErr(t, atNoon(), f, other), "another address")
	require.NoError(t, createErr(t, atNoon(), f, creationOf(KindLink)), "a link has no address")

	f.PendingByEmail = map[string]uuid.UUID{"": invitedID}
	require.NoError(t, createErr(t, atNoon(), f, creationOf(KindLink)), "the empty address is not an address")
}

// An actor without the permission learns nothing of what exists.
func TestInvite_RefusalsInOrder(t *testing.T) {
	t.Parallel()
	c := varied(creationOf(KindEmail), granting(RoleOwner))
	existing := changed(madeOf(c), func(r *Record) { r.Message = "another" })
	f := withRole(noInvitation(), adam, RoleViewer)
	f.Invitation = &existing
	f.PendingByEmail = map[string]uuid.UUID{ninasEmail: invitedID}
	f.PendingCount = 10

	require.Equal(t, ErrPermissionDenied, createErr(t, atNoon(), f, c))
	f = withRole(f, adam, RoleAdmin)
	require.Equal(t, ErrRoleNotAssignable, createErr(t, atNoon(), f, c))
	c.draft.Role = RoleDeveloper
	require.Equal(t, ErrConflict, createErr(t, atNoon(), f, c))
	f.Invitation = nil
	var already *AlreadyInvitedError
	require.ErrorAs(t, createErr(t, atNoon(), f, c), &already)
	f.PendingByEmail = nil
	require.Equal(t, pendingFull(10), createErr(t, atNoon(), f, c))
	f.PendingCount = 9
	require.NoError(t, createErr(t, atNoon(), f, c))
}

// A call that is repeated with the ID of the caller returns the existing invitation.
func TestInvite_Repeated(t *testing.T) {
	t.Parallel()
	later := atNoon()
	later.now = noon.Add(time.Minute)
	for _, kind := range bothKinds {
		first, _, err := create(t, atNoon(), noInvitation(), creationOf(kind))
		require.NoError(t, err)
		repetition := varied(creationOf(kind), func(c *creation) {
			c.draft.Nonce = nextNonce
			c.draft.AllowedDomains = []string{} // like nil
		})
		for name, change := range map[string]func(*Facts){
			"unchanged":                     func(*Facts) {},
			"at the limit":                  func(f *Facts) { f.PendingCount = 10 },
			"pending for the same address":  func(f *Facts) { f.PendingByEmail[ninasEmail] = first.ID },
			"expired since":                 func(f *Facts) { f.Invitation.SentAt, f.Invitation.ExpiresAt = noon.Add(-7*day), noon },
			"accepted since":                func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateAccepted) },
			"revoked since":                 func(f *Facts) { *f.Invitation = inState(*f.Invitation, StateRevoked) },
			"used since":                    func(f *Facts) { f.Invitation.Uses = 1 },
			"resent by another user":        func(f *Facts) { f.Invitation.SentBy, f.Invitation.Nonce = olga, [16]byte{5} },
			"the sender is not a member":    func(f *Facts) { f.Sender = nil },
			"the caller is an owner by now": func(f *Facts) { setRole(f, adam, RoleOwner) },
		} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := cloneFacts(factsOf(first))
				change(&f)
				record, changes, err := create(t, later, f, repetition)
				require.NoError(t, err)
				require.Zero(t, changes)
				require.Equal(t, *f.Invitation, record)
			})
		}
	}
}

// Knowing the ID grants nothing.
func TestInvite_RepeatedWithoutAuthority(t *testing.T) {
	t.Parallel()
	c := creationOf(KindEmail)
	f := factsOf(madeOf(c))
	require.Equal(t, ErrPermissionDenied, createErr(t, atNoon(), withRole(f, adam, RoleViewer), c))

	c.draft.Role = RoleOwner
	require.Equal(t, ErrRoleNotAssignable, createErr(t, atNoon(), factsOf(madeOf(c)), c))
}

func TestInvite_RepeatedWithOtherContent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   Kind
		change func(*creation)
	}{
		"kind":                   {KindEmail, func(c *creation) { c.draft.Kind = KindLink }},
		"email":                  {KindEmail, func(c *creation) { c.draft.Email = "nina@example.org" }},
		"role":                   {KindEmail, granting(RoleViewer)},
		"higher role":            {KindEmail, granting(RoleAdmin)},
		"message":                {KindEmail, func(c *creation) { c.draft.Message = "" }},
		"no metadata":            {KindEmail, func(c *creation) { c.draft.Metadata = nil }},
		"other metadata":         {KindEmail, func(c *creation) { c.draft.Metadata = map[string]string{"team": "blue"} }},
		"more metadata":          {KindEmail, func(c *creation) { c.draft.Metadata = map[string]string{"team": "red", "x": "y"} }},
		"longer lifetime":        {KindEmail, func(c *creation) { c.lifetime += time.Microsecond }},
		"shorter lifetime":       {KindEmail, func(c *creation) { c.lifetime -= day }},
		"creator":                {KindEmail, by(User(olga))},
		"creator is System":      {KindEmail, by(System())},
		"quota":                  {KindEmail, func(c *creation) { c.draft.Quota = fiveADay }},
		"link: role":             {KindLink, granting(RoleViewer)},
		"link: message":          {KindLink, func(c *creation) { c.draft.Message = "Hello" }},
		"link: no metadata":      {KindLink, func(c *creation) { c.draft.Metadata = nil }},
		"link: max uses":         {KindLink, func(c *creation) { c.draft.MaxUses = 4 }},
		"link: no limit of uses": {KindLink, func(c *creation) { c.draft.MaxUses = 0 }},
		"link: domains":          {KindLink, func(c *creation) { c.draft.AllowedDomains = []string{"example.com"} }},
		"link: longer lifetime":  {KindLink, func(c *creation) { c.lifetime += day }},
		"link: creator":          {KindLink, by(User(olga))},
		"link: quota":            {KindLink, func(c *creation) { c.draft.Quota = fiveADay }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := creationOf(c.kind)
			require.NoError(t, createErr(t, atNoon(), factsOf(madeOf(first)), first), "the same content")
			require.Equal(t, ErrConflict, createErr(t, atNoon(), factsOf(madeOf(first)), varied(first, c.change)))
		})
	}
	for _, kind := range bothKinds { // with a quota before
		first := varied(creationOf(kind), func(c *creation) { c.draft.Quota = fiveADay })
		require.NoError(t, createErr(t, atNoon(), factsOf(madeOf(first)), first), "the same content")
		for _, q := range []Quota{{}, {6, PeriodDay}, {5, PeriodMonth}} {
			other := varied(first, func(c *creation) { c.draft.Quota = q })
			require.Equal(t, ErrConflict, createErr(t, atNoon(), factsOf(madeOf(first)), other), "%s %v", kind, q)
		}
	}
}

// row returns Adam's invitation of the nth person. n is in its ID.
func row(n byte, changes ...func(*creation)) bulkRow {
	c := creationOf(KindEmail)
	c.draft.ID[15], c.draft.Nonce, c.draft.Email = n, [16]byte{n}, string('a'+rune(n))+"@example.com"
	c.ownID = c.draft.ID
	return bulkRow{creation: varied(c, changes...)}
}

func rows(n byte) []bulkRow {
	var all []bulkRow
	for i := range n {
		all = append(all, row(i))
	}
	return all
}

// badRow is a row whose parameters are refused.
var badRow = bulkRow{err: invalid("email", "malformed", "is bad")}

// addressOf makes the address of the nth person that of a creation.
func addressOf(n byte) func(*creation) {
	return func(c *creation) { c.draft.Email = row(n).draft.Email }
}

// withID makes the ID of the nth row that of a creation.
func withID(n byte) func(*creation) {
	return func(c *creation) { c.draft.ID, c.ownID = row(n).ownID, row(n).ownID }
}

func withMessage(message string) func(*creation) {
	return func(c *creation) { c.draft.Message = message }
}

func TestInviteAll(t *testing.T) {
	t.Parallel()
	b := bulk{User(adam), acme, rows(3)}
	results, changes, err := decide(t, atNoon(), noInvitation(), b)
	require.NoError(t, err)
	var want Changes
	for i, row := range b.rows {
		record := madeOf(row.creation)
		require.Equal(t, bulkResult{made: made{record: record}}, results[i])
		want.Invitations = append(want.Invitations, record)
		want.Events = append(want.Events, eventOf(EventInvitationCreated, record, adam))
		require.Equal(t, row.draft.Email, changes.Events[i].Email)
	}
	require.Equal(t, want, changes)
}

// A refusal of the actor refuses the whole call. The rows are not looked at.
func TestInviteAll_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts Facts
		bulk  bulk
		want  error
	}{
		"viewer":                  {noInvitation(), bulk{User(vera), acme, rows(2)}, ErrPermissionDenied},
		"stranger":                {noInvitation(), bulk{User(nina), acme, rows(2)}, ErrPermissionDenied},
		"zero actor":              {noInvitation(), bulk{Actor{}, acme, rows(2)}, ErrPermissionDenied},
		"viewer, bad row":         {noInvitation(), bulk{User(vera), acme, []bulkRow{badRow}}, ErrPermissionDenied},
		"user, no organization":   {Facts{}, bulk{User(olga), acme, rows(2)}, ErrPermissionDenied},
		"System, no organization": {Facts{}, bulk{System(), acme, rows(2)}, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := decide(t, atNoon(), c.facts, c.bulk)
			require.Equal(t, c.want, err)
		})
	}
}

// Each row has its own result, after the rows before it.
func TestInviteAll_Rows(t *testing.T) {
	t.Parallel()
	owner := granting(RoleOwner)
	badFirst := row(0)
	badFirst.err = badRow.err
	alreadyInvited := &AlreadyInvitedError{row(0).ownID}
	for name, c := range map[string]struct {
		rows []bulkRow
		want []error
	}{
		"a bad row":                        {[]bulkRow{row(0), badRow, row(2)}, []error{nil, badRow.err, nil}},
		"only bad rows":                    {[]bulkRow{badRow, badRow}, []error{badRow.err, badRow.err}},
		"a higher role":                    {[]bulkRow{row(0, owner), row(1)}, []error{ErrRoleNotAssignable, nil}},
		"an address twice":                 {[]bulkRow{row(0), row(1, addressOf(0)), row(2)}, []error{nil, alreadyInvited, nil}},
		"an address three times":           {[]bulkRow{row(0), row(1, addressOf(0)), row(2, addressOf(0))}, []error{nil, alreadyInvited, alreadyInvited}},
		"an address again after a refusal": {[]bulkRow{row(0, owner), row(1, addressOf(0)), row(2, addressOf(0))}, []error{ErrRoleNotAssignable, nil, &AlreadyInvitedError{row(1).ownID}}},
		"an ID twice, the same content":    {[]bulkRow{row(0), row(0), row(2)}, []error{nil, nil, nil}},
		"an ID twice, another message":     {[]bulkRow{row(0), row(0, withMessage("another")), row(2)}, []error{nil, ErrConflict, nil}},
		"an ID twice, another address":     {[]bulkRow{row(0), row(1, withID(0)), row(2)}, []error{nil, ErrConflict, nil}},
		"an ID again after a refusal":      {[]bulkRow{row(0, owner), row(0), row(2)}, []error{ErrRoleNotAssignable, nil, nil}},
		"an ID again after a bad row":      {[]bulkRow{badFirst, row(0)}, []error{badRow.err, nil}},
		"an ID and its address again":      {[]bulkRow{row(0), row(1, addressOf(0)), row(0)}, []error{nil, alreadyInvited, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results, changes, err := decide(t, atNoon(), noInvitation(), bulk{User(adam), acme, c.rows})
			require.NoError(t, err)
			require.Len(t, results, len(c.want))
			var records []Record
			for i, want := range c.want {
				require.Equal(t, want, results[i].err, "row %d", i)
				if want != nil {
					require.Zero(t, results[i].made)
					continue
				}
				record := results[i].record
				require.Equal(t, madeOf(c.rows[i].creation), record)
				repeated := slices.ContainsFunc(records, func(r Record) bool { return r.ID == record.ID })
				require.Equal(t, repeated, results[i].repeated)
				if !repeated {
					records = append(records, record)
				}
			}
			require.Equal(t, records, changes.Invitations, "each once")
			require.Len(t, changes.Events, len(records))
		})
	}
}

// A row whose ID exists returns the existing invitation and takes no place.
func TestInviteAll_Repeated(t *testing.T) {
	t.Parallel()
	pending := madeOf(row(0).creation)
	for name, existing := range map[string]Record{"pending": pending, "revoked": ended(pending, StateRevoked)} {
		r, f := withSendingLimits(sendingLimits{perOrganization: 2}), noInvitation()
		f.Invitations = map[uuid.UUID]Record{pending.ID: existing}
		f.Sendings = sendingsAt(time.Hour)
		repeated, second := bulkResult{made: made{existing, true}}, madeOf(row(1).creation)

		results, changes, err := decide(t, r, f, bulk{User(adam), acme, rows(2)})
		require.NoError(t, err)
		require.Equal(t, []bulkResult{repeated, {made: made{record: second}}}, results, name)
		require.Equal(t, []Record{second}, changes.Invitations)

		results, changes, err = decide(t, r, f, bulk{User(adam), acme, []bulkRow{row(0), row(0)}})
		require.NoError(t, err)
		require.Equal(t, []bulkResult{repeated, repeated}, results, name)
		require.Zero(t, changes)

		results, _, err = decide(t, r, f, bulk{User(olga), acme, []bulkRow{row(0, by(User(olga)))}})
		require.NoError(t, err)
		require.Equal(t, []bulkResult{{err: ErrConflict}}, results, "another actor")
	}
}

// A limit refuses the rows above it. Refused rows do not count.
func TestInviteAll_Limits(t *testing.T) {
	t.Parallel()
	sendings := func(changes ...func(*Sending)) func(*Facts) {
		return func(f *Facts) { f.Sendings = sendingsWith(sendingsAt(time.Hour), changes...) }
	}
	pending := func(n int) func(*Facts) { return func(f *Facts) { f.PendingCount = n } }
	seats := func(members, reserved int) func(*Facts) {
		return func(f *Facts) { f.SeatCount, f.ReservedCount = members, reserved }
	}
	for name, c := range map[string]struct {
		rules rules
		facts func(*Facts)
		rows  []bulkRow
		want  []error
	}{
		"pending":       {atNoon(), pending(8), rows(4), []error{nil, nil, pendingFull(10), pendingFull(10)}},
		"pending: full": {atNoon(), pending(10), rows(1), []error{pendingFull(10)}},
		"seats":         {withMemberLimit(10, true), seats(5, 3), rows(3), []error{nil, nil, full(10, 5, 5)}},
		"seats: full":   {withMemberLimit(10, true), seats(10, 0), rows(2), []error{full(10, 10, 0), full(10, 10, 0)}},
		"seats: a seatless role": {
			seatless(withMemberLimit(10, true), RoleViewer), seats(5, 4),
			[]bulkRow{row(0, granting(RoleViewer)), row(1), row(2), row(3, granting(RoleViewer))},
			[]error{nil, nil, full(10, 5, 5), nil},
		},
		"seats not reserved": {withMemberLimit(10, false), seats(9, 9), rows(3), []error{nil, nil, nil}},
		"pending: refused rows": {
			atNoon(), pending(8),
			[]bulkRow{badRow, row(1), row(1, withMessage("x")), row(3, addressOf(0)), row(4)},
			[]error{badRow.err, nil, ErrConflict, nil, pendingFull(10)},
		},
		"per organization": {
			withSendingLimits(sendingLimits{perOrganization: 3}), sendings(byOlga), rows(4),
			[]error{nil, nil, rateLimited(23 * time.Hour), rateLimited(23 * time.Hour)},
		},
		"per sender": {
			withSendingLimits(sendingLimits{perSender: 2}), sendings(byOlga), rows(3),
			[]error{nil, nil, rateLimited(day)},
		},
		"per recipient": {
			withSendingLimits(sendingLimits{perRecipient: 1}), sendings(func(s *Sending) { s.Email = row(1).draft.Email }),
			rows(3), []error{nil, rateLimited(23 * time.Hour), nil},
		},
		"per recipient: address twice": {
			withSendingLimits(sendingLimits{perRecipient: 1}), func(*Facts) {}, []bulkRow{row(0), row(1, addressOf(0)), row(2)},
			[]error{nil, &AlreadyInvitedError{row(0).ownID}, nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := noInvitation()
			c.facts(&f)
			results, changes, err := decide(t, c.rules, f, bulk{User(adam), acme, c.rows})
			require.NoError(t, err)
			succeeded := 0
			for i, want := range c.want {
				require.Equal(t, want, results[i].err, "row %d", i)
				if want == nil {
					succeeded++
				}
			}
			require.Len(t, changes.Invitations, succeeded)
		})
	}
}

// System has no limit per sender.
func TestInviteAll_System(t *testing.T) {
	t.Parallel()
	b := bulk{System(), acme, []bulkRow{row(0, by(System())), row(1, by(System())), row(2, by(System()))}}
	results, _, err := decide(t, withSendingLimits(sendingLimits{perSender: 1, perOrganization: 2}), noInvitation(), b)
	require.NoError(t, err)
	require.Equal(t, []error{nil, nil, rateLimited(day)}, []error{results[0].err, results[1].err, results[2].err})
}

// A store may return nil maps and slices.
func TestInviteAll_NilFacts(t *testing.T) {
	t.Parallel()
	f := Facts{Organization: acme, Version: 9, Members: staff()}
	results, changes, err := decide(t, atNoon(), f, bulk{User(adam), acme, rows(2)})
	require.NoError(t, err)
	require.Len(t, results, 2)
	require.Len(t, changes.Invitations, 2)
}

// If another process's clock is ahead, a bulk still has the results of single calls.
func TestInviteAll_ClockAhead(t *testing.T) {
	t.Parallel()
	r, f := withSendingLimits(sendingLimits{perOrganization: 2}), noInvitation()
	f.Sendings = sendingsWith(sendingsAt(-time.Hour), byOlga) // newer than all others
	results, _, err := decide(t, r, f, bulk{User(adam), acme, rows(2)})
	require.NoError(t, err)
	require.NoError(t, results[0].err)

	f.Sendings = append(f.Sendings, Sending{At: noon, Actor: adam, Email: row(0).draft.Email})
	want := createErr(t, r, f, row(1).creation)
	require.Equal(t, rateLimited(day), want)
	require.Equal(t, want, results[1].err)
}
