package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func editBy(t require.TestingT, r rules, f Facts, actor Actor, e edit) (Record, Changes, error) {
	return decided(t, f, func(f Facts) (Record, Changes, error) { return editing{actor: actor, edit: e}.decide(r, f) })
}

// What is told to change changes, the actor becomes the sender, and all else stays: the token,
// and when it was sent.
func TestEdit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind Kind
		edit edit
		want func(*Record)
	}{
		"role":              {KindEmail, edit{role: RoleAdmin}, func(r *Record) { r.Role = RoleAdmin }},
		"role of a link":    {KindLink, edit{role: RoleViewer}, func(r *Record) { r.Role = RoleViewer }},
		"message":           {KindEmail, edit{message: new("Hello")}, func(r *Record) { r.Message = "Hello" }},
		"no message":        {KindLink, edit{message: new("")}, func(r *Record) { r.Message = "" }},
		"expiry, later":     {KindEmail, edit{lifetime: 30 * day}, func(r *Record) { r.ExpiresAt, r.SweepAt = noon.Add(30*day), noon.Add(30*day) }},
		"expiry, earlier":   {KindLink, edit{lifetime: day}, func(r *Record) { r.ExpiresAt, r.SweepAt = noon.Add(day), noon.Add(day) }},
		"more uses":         {KindLink, edit{maxUses: new(9)}, func(r *Record) { r.MaxUses = 9 }},
		"as few as can be":  {KindLink, edit{maxUses: new(2)}, func(r *Record) { r.MaxUses = 2 }},
		"unlimited":         {KindLink, edit{maxUses: new(0)}, func(r *Record) { r.MaxUses = 0 }},
		"domains":           {KindLink, edit{domains: new([]string{"example.com"})}, func(r *Record) { r.AllowedDomains = []string{"example.com"} }},
		"a change of one":   {KindEmail, edit{role: RoleAdmin, message: new("Welcome!")}, func(r *Record) { r.Role = RoleAdmin }},
		"several, of email": {KindEmail, edit{role: RoleViewer, message: new("")}, func(r *Record) { r.Role, r.Message = RoleViewer, "" }},
		"all, of a link": {
			KindLink, edit{RoleBilling, new("x"), 2 * day, new(5), new([]string{"a.example", "b.example"})},
			func(r *Record) {
				r.Role, r.Message, r.ExpiresAt, r.SweepAt = RoleBilling, "x", noon.Add(2*day), noon.Add(2*day)
				r.MaxUses, r.AllowedDomains = 5, []string{"a.example", "b.example"}
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
				record, changes, err := editBy(t, atNoon(), factsOf(before), actor, c.edit)
				require.NoError(t, err)
				want := changed(before, c.want)
				want.SentBy = actor.user
				require.Equal(t, want, record)
				require.Equal(t, Changes{
					Invitations: []Record{want}, Events: []Event{eventOf(EventInvitationEdited, want, actor.user)},
				}, changes)
				require.Empty(t, changes.Events[0].Email, "it is no sending")
			})
		}
	}
}

// An edit to what is there already changes nothing: the sender stays the sender.
func TestEdit_Nothing(t *testing.T) {
	t.Parallel()
	sevenDays := 7*day - time.Hour // what is left of them
	for name, c := range map[string]struct {
		kind Kind
		edit edit
	}{
		"nothing at all":       {KindEmail, edit{}},
		"the same role":        {KindEmail, edit{role: RoleDeveloper}},
		"the same message":     {KindEmail, edit{message: new("Welcome!")}},
		"the same expiry":      {KindEmail, edit{lifetime: sevenDays}},
		"the same uses":        {KindLink, edit{maxUses: new(3)}},
		"no domains, as empty": {KindLink, edit{domains: &[]string{}}},
		"no domains, as nil":   {KindLink, edit{domains: new([]string(nil))}},
		"all the same":         {KindLink, edit{RoleDeveloper, new("Welcome!"), sevenDays, new(3), &[]string{}}},
	} {
		for _, actor := range []Actor{User(olga), System()} {
			t.Run(name+"/by "+actor.user, func(t *testing.T) {
				t.Parallel()
				record, changes, err := editBy(t, atNoon(), factsOf(recordOf(c.kind)), actor, c.edit)
				require.NoError(t, err)
				require.Zero(t, changes)
				require.Equal(t, adam, record.SentBy)
				require.Equal(t, recordOf(c.kind).ExpiresAt, record.ExpiresAt)
			})
		}
	}
}

func TestEdit_Refused(t *testing.T) {
	t.Parallel()
	used := changed(linkRecord(), func(r *Record) { r.Uses = 2 })
	withQuota := changed(emailRecord(), func(r *Record) { r.Quota = fiveADay })
	for name, c := range map[string]struct {
		facts Facts
		actor Actor
		edit  edit
		want  error // or
		field string
	}{
		"to a role above":   {factsOf(emailRecord()), User(adam), edit{role: RoleOwner}, ErrRoleNotAssignable, ""},
		"from a role above": {factsOf(changed(emailRecord(), func(r *Record) { r.Role = RoleOwner })), User(adam), edit{role: RoleViewer}, ErrRoleNotAssignable, ""},
		"the message, of a role above": {
			factsOf(changed(emailRecord(), func(r *Record) { r.Role = RoleOwner })), User(adam), edit{message: new("")}, ErrRoleNotAssignable, "",
		},
		"to a role of no policy":                 {factsOf(emailRecord()), System(), edit{role: ghost}, ErrRoleNotAssignable, ""},
		"from a role of no policy":               {factsOf(changed(emailRecord(), func(r *Record) { r.Role = ghost })), System(), edit{role: RoleViewer}, ErrRoleNotAssignable, ""},
		"a quota that they cannot give":          {withRole(factsOf(withQuota), adam, "inviter"), User(adam), edit{message: new("")}, ErrPermissionDenied, ""},
		"no permission":                          {factsOf(emailRecord()), User(vera), edit{message: new("")}, ErrPermissionDenied, ""},
		"no invitation":                          {noInvitation(), User(adam), edit{message: new("")}, ErrNotFound, ""},
		"expired, though it is given a lifetime": {factsOf(inState(emailRecord(), StateExpired)), User(adam), edit{lifetime: day}, ErrExpired, ""},
		"revoked, nothing":                       {factsOf(inState(emailRecord(), StateRevoked)), User(adam), edit{}, ErrRevoked, ""},
		"revoked, a role above":                  {factsOf(inState(emailRecord(), StateRevoked)), User(adam), edit{role: RoleOwner}, ErrRoleNotAssignable, ""},
		"uses of email":                          {factsOf(emailRecord()), User(adam), edit{maxUses: new(1)}, nil, "max_uses"},
		"unlimited uses of email":                {factsOf(emailRecord()), User(adam), edit{maxUses: new(0)}, nil, "max_uses"},
		"domains of email":                       {factsOf(emailRecord()), User(adam), edit{domains: &[]string{}}, nil, "allowed_domains"},
		"uses of email, revoked":                 {factsOf(inState(emailRecord(), StateRevoked)), User(adam), edit{maxUses: new(1)}, ErrRevoked, ""},
		"as few uses as there are":               {factsOf(used), User(adam), edit{maxUses: new(2)}, nil, "max_uses"},
		"fewer uses than there are":              {factsOf(used), User(adam), edit{maxUses: new(1)}, nil, "max_uses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := atNoon()
			if c.facts.Members[adam].Role == "inviter" {
				r = metering(t)
			}
			_, _, err := editBy(t, r, c.facts, c.actor, c.edit)
			if c.want != nil {
				require.Equal(t, c.want, err)
				return
			}
			var refused *InvalidError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.field, refused.Field)
			require.NotEmpty(t, refused.Reason)
		})
	}
}

// The permission to resend is none to edit.
func TestEdit_NeedsPermissionToCreate(t *testing.T) {
	t.Parallel()
	policy, err := NewPolicy(map[Role][]Permission{
		RoleOwner: allPermissions, RoleViewer: nil,
		"creator": {PermissionInvitationCreate}, "resender": {PermissionInvitationResend, PermissionInvitationRevoke, PermissionInvitationList},
	})
	require.NoError(t, err)
	r := atNoon()
	r.policy = policy
	for role, want := range map[Role]error{"creator": nil, "resender": ErrPermissionDenied} {
		f := withRole(factsOf(changed(emailRecord(), func(r *Record) { r.Role = RoleViewer })), adam, role)
		_, _, err := editBy(t, r, f, User(adam), edit{message: new("")})
		require.Equal(t, want, err)
	}
}

// What was sent grants what is offered now, on the authority of who edited it.
func TestClass15_EditorIsTheSender(t *testing.T) {
	t.Parallel()
	edited, _, err := editBy(t, atNoon(), factsOf(emailRecord()), User(olga), edit{role: RoleAdmin})
	require.NoError(t, err)
	member, _, err := accept(t, factsOf(edited), verifiedNina)
	require.NoError(t, err)
	require.Equal(t, RoleAdmin, member.Role)
	require.Equal(t, olga, member.InvitedBy)

	adamLeft := factsOf(edited)
	delete(adamLeft.Members, adam)
	_, _, err = accept(t, adamLeft, verifiedNina)
	require.NoError(t, err, "who sent it first is asked no more")

	olgaLeft := factsOf(edited)
	delete(olgaLeft.Members, olga)
	olgaLeft.Sender = nil
	_, _, err = accept(t, olgaLeft, verifiedNina)
	require.Equal(t, ErrSenderNotEntitled, err)
	_, _, err = accept(t, withRole(factsOf(edited), olga, RoleDeveloper), verifiedNina)
	require.Equal(t, ErrSenderNotEntitled, err)
}

// It is no sending: who was removed after the last one does not come back by an edit, and no
// limit of mail counts it.
func TestClass47_EditBringsNobodyBack(t *testing.T) {
	t.Parallel()
	r := limitedTo(sendingLimits{cooldown: day, perRecipient: 1, perSender: 1, perOrganization: 1})
	f := factsOf(emailRecord()) // sent by version 4
	f.Sendings = sendingsAt(time.Hour)
	edited, _, err := editBy(t, r, f, User(olga), edit{role: RoleViewer, lifetime: 30 * day})
	require.NoError(t, err)
	require.Equal(t, int64(4), edited.SentVersion)
	require.Equal(t, noon.Add(-time.Hour), edited.SentAt)
	for version, want := range map[int64]error{3: nil, 4: ErrRevoked, 7: ErrRevoked} {
		f := factsOf(edited)
		f.Version = 10
		f.Removals[nina] = version
		_, _, err := accept(t, f, verifiedNina)
		require.Equal(t, want, err, "removed by version %d", version)
	}
}

// The domains are the decision's own.
func TestEdit_DomainsAreACopy(t *testing.T) {
	t.Parallel()
	domains := []string{"example.com"}
	_, changes, err := editing{actor: User(adam), edit: edit{domains: &domains}}.decide(atNoon(), factsOf(linkRecord()))
	require.NoError(t, err)
	domains[0] = "evil.example"
	require.Equal(t, []string{"example.com"}, changes.Invitations[0].AllowedDomains)
}

// A link that has been used can be given a limit, from one more than that.
func TestClass29_EditOfUses(t *testing.T) {
	t.Parallel()
	link := changed(linkRecord(), func(r *Record) { r.Uses, r.MaxUses = 2, 0 })
	edited, _, err := editBy(t, atNoon(), factsOf(link), User(adam), edit{maxUses: new(3)})
	require.NoError(t, err)
	_, changes, err := accept(t, factsOf(edited), verifiedNina)
	require.NoError(t, err)
	require.Equal(t, StateAccepted, changes.Invitations[0].State)
	_, _, err = accept(t, factsOf(changes.Invitations[0]), Identity{UserID: "kim"})
	require.Equal(t, ErrExhausted, err)
}
