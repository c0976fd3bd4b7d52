package invitations

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The fields that are set change, and the actor becomes the sender. Everything else stays,
// including the token and the time of the sending.
func TestEdit(t *testing.T) {
	t.Parallel()
	blue, hello := map[string]string{"team": "blue"}, "Hello"
	for name, c := range map[string]struct {
		kind    Kind
		edit    edit
		changed []string
		want    func(*Record)
	}{
		"role":               {KindEmail, edit{role: RoleAdmin}, []string{"role"}, func(r *Record) { r.Role = RoleAdmin }},
		"role of a link":     {KindLink, edit{role: RoleViewer}, []string{"role"}, func(r *Record) { r.Role = RoleViewer }},
		"message":            {KindEmail, edit{message: &hello}, []string{"message"}, func(r *Record) { r.Message = "Hello" }},
		"no message":         {KindLink, edit{message: new("")}, []string{"message"}, func(r *Record) { r.Message = "" }},
		"later expiry":       {KindEmail, edit{lifetime: 30 * day}, []string{"expires_at"}, func(r *Record) { r.ExpiresAt, r.SweepAt = noon.Add(30*day), noon.Add(30*day) }},
		"earlier expiry":     {KindLink, edit{lifetime: day}, []string{"expires_at"}, func(r *Record) { r.ExpiresAt, r.SweepAt = noon.Add(day), noon.Add(day) }},
		"more uses":          {KindLink, edit{maxUses: new(9)}, []string{"max_uses"}, func(r *Record) { r.MaxUses = 9 }},
		"one use more":       {KindLink, edit{maxUses: new(2)}, []string{"max_uses"}, func(r *Record) { r.MaxUses = 2 }},
		"no limit of uses":   {KindLink, edit{maxUses: new(0)}, []string{"max_uses"}, func(r *Record) { r.MaxUses = 0 }},
		"domains":            {KindLink, edit{domains: new([]string{"example.com"})}, []string{"allowed_domains"}, func(r *Record) { r.AllowedDomains = []string{"example.com"} }},
		"quota":              {KindEmail, edit{quota: new(fiveADay)}, []string{"quota"}, func(r *Record) { r.Quota = fiveADay }},
		"quota of a link":    {KindLink, edit{quota: new(Quota{NoLimit, PeriodMonth})}, []string{"quota"}, func(r *Record) { r.Quota = Quota{NoLimit, PeriodMonth} }},
		"metadata":           {KindEmail, edit{metadata: &blue}, []string{"metadata"}, func(r *Record) { r.Metadata = map[string]string{"team": "blue"} }},
		"no metadata":        {KindLink, edit{metadata: new(map[string]string(nil))}, []string{"metadata"}, func(r *Record) { r.Metadata = nil }},
		"one of two differs": {KindEmail, edit{role: RoleAdmin, message: new("Welcome!")}, []string{"role"}, func(r *Record) { r.Role = RoleAdmin }},
		"two fields":         {KindEmail, edit{role: RoleViewer, message: new("")}, []string{"role", "message"}, func(r *Record) { r.Role, r.Message = RoleViewer, "" }},
		"all fields of a link": {
			KindLink, edit{RoleBilling, new("x"), 2 * day, new(5), new([]string{"a.example", "b.example"}), new(fiveADay), &blue},
			[]string{"role", "message", "expires_at", "max_uses", "allowed_domains", "quota", "metadata"},
			func(r *Record) {
				r.Role, r.Message, r.ExpiresAt, r.SweepAt = RoleBilling, "x", noon.Add(2*day), noon.Add(2*day)
				r.MaxUses, r.AllowedDomains = 5, []string{"a.example", "b.example"}
				r.Quota, r.Metadata = fiveADay, map[string]string{"team": "blue"}
			},
		},
	} {
		for _, actor := range []Actor{User(olga), User(adam), System()} {
			t.Run(name+"/by "+actor.user, func(t *testing.T) {
				t.Parallel()
				before := recordOf(c.kind)
				if c.kind == KindLink {
					before.Uses = 1
				}
				record, changes, err := decide(t, atNoon(), factsOf(before), editBy(actor, c.edit))
				require.NoError(t, err)
				want := changed(before, c.want)
				if actor != System() { // Adam could send each of them
					want.SentBy = actor.user
				}
				require.Equal(t, want, record)
				event := eventOf(EventInvitationEdited, want, actor.user)
				event.Changed, event.InvitedBy = c.changed, want.SentBy
				if want.Role != before.Role {
					event.FormerRole = RoleDeveloper
				}
				require.Equal(t, Changes{Invitations: []Record{want}, Events: []Event{event}}, changes)
				require.False(t, changes.Events[0].IsSending())
			})
		}
	}
}

// If every value is the same as before, the sender stays the sender.
func TestEdit_NothingChanges(t *testing.T) {
	t.Parallel()
	remaining := 7*day - time.Hour
	for name, c := range map[string]struct {
		kind Kind
		edit edit
	}{
		"no field":             {KindEmail, edit{}},
		"the same role":        {KindEmail, edit{role: RoleDeveloper}},
		"the same message":     {KindEmail, edit{message: new("Welcome!")}},
		"the same expiry":      {KindEmail, edit{lifetime: remaining}},
		"the same quota":       {KindEmail, edit{quota: new(Quota{})}},
		"the same metadata":    {KindEmail, edit{metadata: new(map[string]string{"team": "red"})}},
		"the same max uses":    {KindLink, edit{maxUses: new(3)}},
		"no domains, empty":    {KindLink, edit{domains: &[]string{}}},
		"no domains, nil":      {KindLink, edit{domains: new([]string(nil))}},
		"all fields of a link": {KindLink, edit{RoleDeveloper, new("Welcome!"), remaining, new(3), &[]string{}, new(Quota{}), new(map[string]string{"team": "red"})}},
	} {
		for _, actor := range []Actor{User(olga), System()} {
			t.Run(name+"/by "+actor.user, func(t *testing.T) {
				t.Parallel()
				record, changes, err := decide(t, atNoon(), factsOf(recordOf(c.kind)), editBy(actor, c.edit))
				require.NoError(t, err)
				require.Zero(t, changes)
				require.Equal(t, adam, record.SentBy)
				require.Equal(t, recordOf(c.kind).ExpiresAt, record.ExpiresAt)
			})
		}
	}
}

// An edit by System keeps a sender who could send what is offered now, and no other.
func TestEdit_BySystem_Sender(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role   Role
		sender string
		want   string
	}{
		"an entitled sender":         {RoleViewer, adam, adam},
		"a sender below the role":    {RoleOwner, adam, ""},
		"a sender who cannot invite": {RoleViewer, dora, ""},
		"a sender who has left":      {RoleViewer, nina, ""},
		"System":                     {RoleViewer, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := changed(emailRecord(), func(r *Record) { r.SentBy = c.sender })
			record, changes, err := decide(t, atNoon(), factsOf(before), editBy(System(), edit{role: c.role}))
			require.NoError(t, err)
			require.Equal(t, c.want, record.SentBy)
			require.Equal(t, c.want, changes.Events[0].InvitedBy)
		})
	}
}

func TestEdit_Refused(t *testing.T) {
	t.Parallel()
	used := changed(linkRecord(), func(r *Record) { r.Uses = 2 })
	withQuota := changed(emailRecord(), func(r *Record) { r.Quota = fiveADay })
	ofOwner := changed(emailRecord(), func(r *Record) { r.Role = RoleOwner })
	ofUnknownRole := changed(emailRecord(), func(r *Record) { r.Role = ghost })
	expired, revoked := inState(emailRecord(), StateExpired), inState(emailRecord(), StateRevoked)
	maxUses, domains := &InvalidError{Field: "max_uses"}, &InvalidError{Field: "allowed_domains"}
	for name, c := range map[string]struct {
		facts Facts
		actor Actor
		edit  edit
		want  error // of an InvalidError, only the field
	}{
		"to a higher role":              {factsOf(emailRecord()), User(adam), edit{role: RoleOwner}, ErrRoleNotAssignable},
		"from a higher role":            {factsOf(ofOwner), User(adam), edit{role: RoleViewer}, ErrRoleNotAssignable},
		"message of a higher role":      {factsOf(ofOwner), User(adam), edit{message: new("")}, ErrRoleNotAssignable},
		"to an unknown role":            {factsOf(emailRecord()), System(), edit{role: ghost}, ErrRoleNotAssignable},
		"admin, from an unknown role":   {factsOf(ofUnknownRole), User(adam), edit{role: RoleViewer}, ErrRoleNotAssignable},
		"admin, of an unknown role":     {factsOf(ofUnknownRole), User(adam), edit{message: new("")}, ErrRoleNotAssignable},
		"from one unknown to another":   {factsOf(ofUnknownRole), System(), edit{role: "phantom"}, ErrRoleNotAssignable},
		"a quota, no permission":        {withRole(factsOf(emailRecord()), adam, "inviter"), User(adam), edit{quota: new(fiveADay)}, ErrPermissionDenied},
		"no quota, no permission":       {withRole(factsOf(withQuota), adam, "inviter"), User(adam), edit{quota: new(Quota{})}, ErrPermissionDenied},
		"quota that they cannot grant":  {withRole(factsOf(withQuota), adam, "inviter"), User(adam), edit{message: new("")}, ErrPermissionDenied},
		"no permission":                 {factsOf(emailRecord()), User(vera), edit{message: new("")}, ErrPermissionDenied},
		"no invitation":                 {noInvitation(), User(adam), edit{message: new("")}, ErrNotFound},
		"expired, a new lifetime":       {factsOf(expired), User(adam), edit{lifetime: day}, ErrExpired},
		"revoked, no field":             {factsOf(revoked), User(adam), edit{}, ErrRevoked},
		"revoked, a higher role":        {factsOf(revoked), User(adam), edit{role: RoleOwner}, ErrRoleNotAssignable},
		"email: max uses":               {factsOf(emailRecord()), User(adam), edit{maxUses: new(1)}, maxUses},
		"email: no limit of uses":       {factsOf(emailRecord()), User(adam), edit{maxUses: new(0)}, maxUses},
		"email: domains":                {factsOf(emailRecord()), User(adam), edit{domains: &[]string{}}, domains},
		"email: max uses, revoked":      {factsOf(revoked), User(adam), edit{maxUses: new(1)}, ErrRevoked},
		"link: as many uses as so far":  {factsOf(used), User(adam), edit{maxUses: new(2)}, maxUses},
		"link: fewer uses than so far":  {factsOf(used), User(adam), edit{maxUses: new(1)}, maxUses},
		"link: no invitation, max uses": {noInvitation(), User(adam), edit{maxUses: new(0)}, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := atNoon()
			if c.facts.Members[adam].Role == "inviter" {
				r = rulesOf(quotaPolicy(t))
			}
			_, _, err := decide(t, r, c.facts, editBy(c.actor, c.edit))
			var want *InvalidError
			if !errors.As(c.want, &want) {
				require.Equal(t, c.want, err)
				return
			}
			var refused *InvalidError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, want.Field, refused.Field)
			require.NotEmpty(t, refused.Reason)
		})
	}
}

// The permission to resend is not a permission to edit.
// A policy that loses a role strands no invitation: the role counts as the owner's until an
// owner or System edits the invitation to a known one.
func TestUnknownRole_StrandsNoInvitation(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		stranded := changed(recordOf(kind), func(r *Record) { r.Role = ghost })
		for _, actor := range []Actor{User(olga), System()} {
			f := factsOf(stranded)
			require.Equal(t, ErrRoleUnknown, acceptErr(t, f, verifiedNina), "the sender is not to blame")
			require.Equal(t, ErrRoleUnknown, refusal(t, atNoon(), f, lookupAct{token}))
			require.Equal(t, ErrRoleUnknown, refusal(t, atNoon(), f, pendingTokenAct{actor}))
			require.NoError(t, refusal(t, atNoon(), f, revokeBy(actor)))
			require.NoError(t, refusal(t, atNoon(), f, resendBy(actor)))
			require.NoError(t, refusal(t, atNoon(), factsOf(inState(stranded, StateExpired)), resendBy(actor)))
			require.NoError(t, refusal(t, atNoon(), f, editBy(actor, edit{message: new("Hello")})))

			edited, changes, err := decide(t, atNoon(), f, editBy(actor, edit{role: RoleViewer}))
			require.NoError(t, err)
			require.Equal(t, ghost, changes.Events[0].FormerRole)
			member, _, err := accept(t, factsOf(edited), verifiedNina)
			require.NoError(t, err)
			require.Equal(t, RoleViewer, member.Role)
		}
		for _, low := range []string{adam, dora, vera, nina} {
			require.Error(t, refusal(t, atNoon(), factsOf(stranded), editBy(User(low), edit{role: RoleViewer})))
			require.Error(t, refusal(t, atNoon(), factsOf(stranded), resendBy(User(low))))
		}
		require.NoError(t, refusal(t, atNoon(), factsOf(stranded), revokeBy(User(adam))), "revoking grants nothing")
	}
}

// An edit to a role that takes a seat needs a free one, if the old role takes none and seats
// are reserved.
func TestClass29_EditNeedsASeat(t *testing.T) {
	t.Parallel()
	viewer := changed(emailRecord(), func(r *Record) { r.Role = RoleViewer })
	link := changed(linkRecord(), func(r *Record) { r.Role = RoleViewer })
	reserved, notReserved := seatless(withMemberLimit(10, true), RoleViewer, RoleBilling), seatless(withMemberLimit(10, false), RoleViewer)
	for name, c := range map[string]struct {
		rules             rules
		record            Record
		members, reserved int
		edit              edit
		want              error
	}{
		"a free seat":               {reserved, viewer, 5, 4, edit{role: RoleDeveloper}, nil},
		"all are reserved":          {reserved, viewer, 5, 5, edit{role: RoleDeveloper}, full(10, 5, 5)},
		"all are taken":             {reserved, viewer, 10, 0, edit{role: RoleDeveloper}, full(10, 10, 0)},
		"to another seatless role":  {reserved, viewer, 10, 0, edit{role: RoleBilling}, nil},
		"to the same role":          {reserved, viewer, 10, 0, edit{role: RoleViewer, message: new("")}, nil},
		"another field":             {reserved, viewer, 10, 0, edit{message: new("")}, nil},
		"it has its seat":           {reserved, emailRecord(), 5, 5, edit{role: RoleAdmin}, nil},
		"it has its seat, no other": {reserved, emailRecord(), 10, 10, edit{role: RoleAdmin}, nil},
		"it gives up its seat":      {reserved, emailRecord(), 10, 10, edit{role: RoleViewer}, nil},
		"a link holds none":         {reserved, link, 10, 0, edit{role: RoleDeveloper}, nil},
		"seats are not reserved":    {notReserved, viewer, 10, 10, edit{role: RoleDeveloper}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(c.record)
			f.SeatCount, f.ReservedCount = c.members, c.reserved
			_, changes, err := decide(t, c.rules, f, editBy(User(adam), c.edit))
			require.Equal(t, c.want, err)
			require.Equal(t, c.want != nil, changes.Empty())
		})
	}
	require.True(t, editBy(User(adam), edit{role: RoleViewer}).needs(reserved).CountSeats)
	require.False(t, editBy(User(adam), edit{message: new("")}).needs(reserved).CountSeats, "only a role needs a seat")
}

// The token grants the new offer, with the permissions of the editor.
func TestClass15_EditorIsTheSender(t *testing.T) {
	t.Parallel()
	edited, _, err := decide(t, atNoon(), factsOf(emailRecord()), editBy(User(olga), edit{role: RoleAdmin}))
	require.NoError(t, err)
	member, _, err := accept(t, factsOf(edited), verifiedNina)
	require.NoError(t, err)
	require.Equal(t, RoleAdmin, member.Role)
	require.Equal(t, olga, member.InvitedBy)

	adamLeft := factsOf(edited)
	delete(adamLeft.Members, adam)
	require.NoError(t, acceptErr(t, adamLeft, verifiedNina), "the former sender no longer counts")

	olgaLeft := factsOf(edited)
	delete(olgaLeft.Members, olga)
	olgaLeft.Sender = nil
	require.Equal(t, ErrSenderNotEntitled, acceptErr(t, olgaLeft, verifiedNina))
	olgaDemoted := withRole(factsOf(edited), olga, RoleDeveloper)
	require.Equal(t, ErrSenderNotEntitled, acceptErr(t, olgaDemoted, verifiedNina))
}

// An edit is not a sending. A person who was removed after the last sending cannot return
// through it, and no sending limit counts it.
func TestClass47_EditDoesNotReadmit(t *testing.T) {
	t.Parallel()
	r := withSendingLimits(sendingLimits{cooldown: day, perRecipient: 1, perSender: 1, perOrganization: 1})
	f := factsOf(emailRecord()) // sent at version 4
	f.Sendings = sendingsAt(time.Hour)
	edited, _, err := decide(t, r, f, editBy(User(olga), edit{role: RoleViewer, lifetime: 30 * day}))
	require.NoError(t, err)
	require.Equal(t, int64(4), edited.SentVersion)
	require.Equal(t, noon.Add(-time.Hour), edited.SentAt)
	for version, want := range map[int64]error{3: nil, 4: ErrRevoked, 7: ErrRevoked} {
		f := factsOf(edited)
		f.Version = 10
		f.Removals[nina] = version
		require.Equal(t, want, acceptErr(t, f, verifiedNina), "removed at version %d", version)
	}
}

func TestEdit_CopiesItsValues(t *testing.T) {
	t.Parallel()
	domains, metadata := []string{"example.com"}, map[string]string{"team": "blue"}
	_, changes, err := decide(t, atNoon(), factsOf(linkRecord()), editBy(User(adam), edit{domains: &domains, metadata: &metadata}))
	require.NoError(t, err)
	domains[0], metadata["team"] = "evil.example", "red"
	require.Equal(t, []string{"example.com"}, changes.Invitations[0].AllowedDomains)
	require.Equal(t, []string{"example.com"}, changes.Events[0].AllowedDomains)
	require.Equal(t, map[string]string{"team": "blue"}, changes.Invitations[0].Metadata)
	changes.Invitations[0].AllowedDomains[0] = "evil.example"
	require.Equal(t, []string{"example.com"}, changes.Events[0].AllowedDomains)
}

// A limit on a link that had none counts the uses before.
func TestClass29_EditOfMaxUses(t *testing.T) {
	t.Parallel()
	link := changed(linkRecord(), func(r *Record) { r.Uses, r.MaxUses = 2, 0 })
	var invalid *InvalidError
	require.ErrorAs(t, refusal(t, atNoon(), factsOf(link), editBy(User(adam), edit{maxUses: new(2)})), &invalid)
	require.Equal(t, map[string]string{"min": "3"}, invalid.Values)
	edited, _, err := decide(t, atNoon(), factsOf(link), editBy(User(adam), edit{maxUses: new(3)}))
	require.NoError(t, err)
	_, changes, err := accept(t, factsOf(edited), verifiedNina)
	require.NoError(t, err)
	require.Equal(t, StateAccepted, changes.Invitations[0].State)
	require.Equal(t, ErrExhausted, acceptErr(t, factsOf(changes.Invitations[0]), Identity{UserID: "kim"}))
}
