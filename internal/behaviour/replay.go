package behaviour

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A law is the settings under which an organization came to be as it is.
type law struct {
	policy  *invitations.Policy
	limits  invitations.Limits // of the configuration
	reserve bool               // seats
	// users are the erased users, by pseudonym. Before a user is erased everywhere, some events
	// have the one and some the other.
	users map[string]string
}

// A replay is the organization that its events leave, one after the other. It has everything
// except messages, metadata and tokens, which no event has.
type replay struct {
	law
	members  map[string]invitations.Member
	removals map[string]int64
	records  map[uuid.UUID]invitations.Record
	quotas   map[string]invitations.QuotaRecord
	swept    map[uuid.UUID][]invitations.EventType // since it was last sent, or edited
	limits   invitations.Limits                    // of the organization
	erased   map[uuid.UUID]bool                    // the invitations that lose their address, sooner or later
	deleted  bool
}

// newReplay returns a replay of no events so far.
func newReplay(of law, events []invitations.Event) *replay {
	r := &replay{
		law: of, members: map[string]invitations.Member{}, removals: map[string]int64{},
		records: map[uuid.UUID]invitations.Record{}, quotas: map[string]invitations.QuotaRecord{},
		swept: map[uuid.UUID][]invitations.EventType{}, erased: map[uuid.UUID]bool{},
	}
	for _, e := range events {
		if e.Type == invitations.EventPersonErased && e.InvitationID != uuid.Nil {
			r.erased[e.InvitationID] = true
		}
	}
	return r
}

// named replaces pseudonyms by the users, and the addresses of erased invitations by none.
func (r *replay) named(e invitations.Event) invitations.Event {
	for _, user := range []*string{&e.Actor, &e.Subject, &e.InvitedBy} {
		*user = r.user(*user)
	}
	if r.erased[e.InvitationID] {
		e.Email = ""
	}
	return e
}

func (r *replay) user(name string) string {
	if user, ok := r.users[name]; ok {
		return user
	}
	return name
}

// inForce returns the limits in force.
func (r *replay) inForce() invitations.Limits { return r.limits.Or(r.law.limits) }

// apply takes one event. It returns an error if the event is impossible.
func (r *replay) apply(e invitations.Event) error {
	m, isMember := r.members[e.Subject]
	if r.deleted && e.Type != invitations.EventPersonErased && e.Reason != "erased" {
		return errors.New("the organization is deleted")
	}
	switch e.Type {
	case invitations.EventOrganizationDeleted:
		r.deleted = true
		return nil
	case invitations.EventPersonErased:
		if e.Subject != "" && isMember && !r.deleted {
			return errors.New("they are a member")
		}
		if inv := r.records[e.InvitationID]; inv.State == invitations.StatePending {
			return errors.New("the invitation is pending")
		}
		return nil
	case invitations.EventMemberJoined:
		if isMember {
			return fmt.Errorf("they are %q already", m.Role)
		}
		if inv := r.records[e.InvitationID]; e.InvitationID != uuid.Nil && (e.InvitedBy != inv.SentBy || e.Email != inv.Email) {
			return fmt.Errorf("%q invited %q", inv.SentBy, inv.Email)
		}
		r.members[e.Subject] = invitations.Member{
			Organization: e.Organization, UserID: e.Subject, Role: e.Role, JoinedAt: e.At, InvitationID: e.InvitationID, InvitedBy: e.InvitedBy,
		}
		return nil
	case invitations.EventQuotaChanged:
		r.quotas[e.Subject] = invitations.QuotaRecord{Organization: e.Organization, UserID: e.Subject, Quota: e.Quota, Version: e.Version}
		return nil
	case invitations.EventLimitsChanged:
		r.limits = e.Limits.Clone()
		return nil
	case invitations.EventMemberRoleChanged:
		if e.FormerRole != m.Role {
			return fmt.Errorf("they were %q", m.Role)
		}
		if !r.policy.Has(m.Role) || !covers(r.policy, e.Role, m.Role) {
			r.removals[e.Subject] = e.Version
		}
		m.Role = e.Role
		r.members[e.Subject] = m
	case invitations.EventMemberRemoved:
		r.removals[e.Subject] = e.Version
		delete(r.members, e.Subject)
	case invitations.EventMemberLeft:
		delete(r.members, e.Subject)
	case invitations.EventOwnershipTransferred, invitations.EventMemberMetadataChanged:
	default:
		return r.invitation(e)
	}
	if !isMember || e.Role != m.Role {
		return fmt.Errorf("they are %q", m.Role)
	}
	return nil
}

// invitation takes an event of an invitation.
func (r *replay) invitation(e invitations.Event) error {
	inv, known := r.records[e.InvitationID]
	if e.Type == invitations.EventInvitationCreated {
		if known {
			return errors.New("it exists already")
		}
		inv.ID, inv.Organization, inv.State, inv.Kind = e.InvitationID, e.Organization, invitations.StatePending, invitations.KindLink
		if inv.Email = e.Email; e.Email != "" || r.erased[e.InvitationID] {
			inv.Kind = invitations.KindEmail
		}
		inv.Quota, inv.CreatedBy, inv.CreatedAt = e.Quota, e.Actor, e.At
	} else if inv.State != invitations.StatePending {
		return fmt.Errorf("it is %q", inv.State)
	}
	expired := known && !e.At.Before(inv.ExpiresAt)
	sending, expiry := false, false
	switch e.Type {
	case invitations.EventInvitationCreated:
		inv.Role, inv.MaxUses, inv.AllowedDomains, sending = e.Role, e.MaxUses, e.AllowedDomains, true
	case invitations.EventInvitationResent:
		sending = true
	case invitations.EventInvitationEdited:
		if err := tellsChange(inv, e); err != nil {
			return err
		}
		inv.AllowedDomains, inv.Quota = e.AllowedDomains, e.Quota
		inv.Role, inv.MaxUses, inv.ExpiresAt, inv.SentBy = e.Role, e.MaxUses, e.ExpiresAt, e.InvitedBy
		delete(r.swept, inv.ID)
	case invitations.EventInvitationReminded, invitations.EventInvitationExpired:
		expiry = e.Type == invitations.EventInvitationExpired
		if slices.Contains(r.swept[inv.ID], e.Type) {
			return errors.New("it was swept before")
		}
		r.swept[inv.ID] = append(r.swept[inv.ID], e.Type)
	case invitations.EventInvitationRevoked:
		inv.State, inv.EndedAt = invitations.StateRevoked, e.At
	case invitations.EventInvitationDeclined:
		inv.State, inv.EndedAt = invitations.StateDeclined, e.At
	case invitations.EventInvitationAccepted:
		if inv.Kind == invitations.KindEmail {
			inv.AcceptedBy = e.Actor
		}
		if inv.Uses++; inv.Uses == inv.MaxUses {
			inv.State, inv.EndedAt = invitations.StateAccepted, e.At
		}
	default:
		return errors.New("nobody knows this type")
	}
	if expired != expiry && !sending && e.Reason != "erased" {
		return fmt.Errorf("it expires at %v, and this is at %v", inv.ExpiresAt, e.At)
	}
	if sending {
		inv.SentBy, inv.SentAt, inv.SentVersion, inv.ExpiresAt = e.Actor, e.At, e.Version, e.ExpiresAt
		delete(r.swept, inv.ID)
	}
	told := invitations.Event{
		Role: inv.Role, Quota: inv.Quota, MaxUses: inv.MaxUses, ExpiresAt: inv.ExpiresAt, AllowedDomains: inv.AllowedDomains, Email: inv.Email,
	}
	if d := differ(invitations.Event{
		Role: e.Role, Quota: e.Quota, MaxUses: e.MaxUses, ExpiresAt: e.ExpiresAt, AllowedDomains: e.AllowedDomains, Email: e.Email,
	}, told); d != "" {
		return fmt.Errorf("it does not tell the invitation: %s", d)
	}
	r.records[inv.ID] = inv
	return nil
}

// tellsChange returns an error unless the event of an edit names the fields that it shows to
// have changed.
func tellsChange(inv invitations.Record, e invitations.Event) error {
	if slices.Contains(e.Changed, "role") != (e.FormerRole != "") || e.FormerRole != "" && e.FormerRole != inv.Role {
		return fmt.Errorf("the role was %q", inv.Role)
	}
	for _, field := range []struct {
		name string
		same bool
	}{
		{"role", e.Role == inv.Role},
		{"max_uses", e.MaxUses == inv.MaxUses},
		{"expires_at", e.ExpiresAt.Equal(inv.ExpiresAt)},
		{"allowed_domains", slices.Equal(e.AllowedDomains, inv.AllowedDomains)},
		{"quota", e.Quota == inv.Quota},
	} {
		if slices.Contains(e.Changed, field.name) == field.same {
			return fmt.Errorf("it names %v as changed, and %s is another matter", e.Changed, field.name)
		}
	}
	return nil
}

// shown returns an error if the store shows another organization than the events leave.
func (r *replay) shown(ctx context.Context, store invitations.Store, organization string, version int64) error {
	users := slices.Collect(maps.Keys(r.members))
	users = slices.AppendSeq(users, maps.Keys(r.removals))
	users = slices.AppendSeq(users, maps.Keys(r.quotas)) // the shared one is ""
	users = slices.DeleteFunc(users, func(user string) bool { return user == "" })
	const all = 100_000
	if r.deleted {
		return r.gone(ctx, store, organization, version, users)
	}
	f, err := store.View(ctx, invitations.Query{Organization: organization, Members: users, Removals: true, Totals: true, Quotas: true})
	if err != nil {
		return err
	}
	page, err := store.Invitations(ctx, invitations.InvitationQuery{Organization: organization, Limit: all})
	if err != nil {
		return err
	}
	records := map[uuid.UUID]invitations.Record{}
	for _, shown := range page.Items {
		if shown.State != invitations.StatePending && !shown.SweepAt.IsZero() {
			return fmt.Errorf("an invitation that is %q is to be swept", shown.State)
		}
		shown.Message, shown.Metadata, shown.Nonce, shown.SweepAt = "", nil, [16]byte{}, time.Time{}
		shown.CreatedBy, shown.SentBy, shown.AcceptedBy = r.user(shown.CreatedBy), r.user(shown.SentBy), r.user(shown.AcceptedBy)
		records[shown.ID] = shown
	}
	for user, m := range f.Members {
		m.Metadata, m.InvitedBy = nil, r.user(m.InvitedBy)
		f.Members[user] = m
	}
	for user, q := range f.Quotas {
		q.Used, q.PeriodStart = 0, time.Time{}
		f.Quotas[user] = q
	}
	for _, c := range []struct {
		what        string
		shown, left any
	}{
		{"the version", f.Version, version},
		{"the members", f.Members, r.members},
		{"how many members there are", f.Totals.Members, len(r.members)},
		{"the limits", f.Limits, r.limits},
		{"the removals", f.Removals, r.removals},
		{"the quotas", f.Quotas, r.quotas},
		{"the invitations", records, r.records},
	} {
		if d := differ(c.shown, c.left); d != "" {
			return fmt.Errorf("%s are not as the events leave them: %s", c.what, d)
		}
	}
	return nil
}

// gone returns an error if the store shows anything of a deleted organization, or of another
// version.
func (r *replay) gone(ctx context.Context, store invitations.Store, organization string, version int64, users []string) error {
	s, err := readState(ctx, store, organization, users...)
	if err != nil {
		return err
	}
	if d := differ(s, state{}); d != "" {
		return fmt.Errorf("a deleted organization is shown: %s", d)
	}
	f, err := store.View(ctx, invitations.Query{Organization: organization, AlsoDeleted: true})
	if err != nil || !f.Deleted || f.Version != version {
		return fmt.Errorf("at version %d it is deleted, and there is %+v (%w)", version, f, err)
	}
	return nil
}
