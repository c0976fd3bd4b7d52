package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var actorsOfEvents = nameBook{
	"ada":   {ID: "ada", Name: "Ada Lovelace", Email: "ada@example.com"},
	"grace": {ID: "grace", Name: "Grace Hopper", Email: "grace@example.com"},
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	grace := invitations.Event{Actor: "ada", Email: "grace@example.com", Role: "developer", MaxUses: 1, ExpiresAt: day}
	link := invitations.Event{Actor: "ada", Role: "viewer", ExpiresAt: day}
	member := invitations.Event{Actor: "ada", Subject: "grace", Role: "admin", FormerRole: "developer"}
	with := func(e invitations.Event, change func(*invitations.Event)) invitations.Event {
		change(&e)
		return e
	}
	for _, c := range []struct {
		kind invitations.EventType
		e    invitations.Event
		want string
	}{
		{"invitation.created", grace, "Ada Lovelace invited grace@example.com as Developer"},
		{"invitation.created", with(link, func(e *invitations.Event) { e.Quota = invitations.Quota{Limit: 1500, Period: "month"} }),
			"Ada Lovelace created a link for the role Viewer with a quota of 1,500 calls a month"},
		{"invitation.edited", with(grace, func(e *invitations.Event) {
			e.Role, e.FormerRole, e.Changed = "admin", "developer", []string{"role", "message", "expires_at"}
		}), "Ada Lovelace changed the invitation for grace@example.com: role from Developer to Admin, message, last day to 1 December 2026"},
		{"invitation.edited", with(link, func(e *invitations.Event) { e.Changed = []string{"max_uses", "allowed_domains"} }),
			"Ada Lovelace changed a link: number of uses to any, domains to all"},
		{"invitation.resent", grace, "Ada Lovelace sent the invitation for grace@example.com again"},
		{"invitation.resent", link, "Ada Lovelace renewed a link"},
		{"invitation.revoked", grace, "Ada Lovelace revoked the invitation for grace@example.com"},
		{"invitation.revoked", with(grace, func(e *invitations.Event) { e.Actor, e.Reason = "grace", "already_member" }),
			"The invitation for grace@example.com ended, because Grace Hopper joined in another way"},
		{"invitation.revoked", with(grace, func(e *invitations.Event) { e.Reason = "already_member" }),
			"The invitation for grace@example.com ended, because the person joined in another way"},
		{"invitation.revoked", with(link, func(e *invitations.Event) { e.Reason = "sender_not_entitled" }),
			"A link ended, because its sender may no longer send it"},
		{"invitation.revoked", with(grace, func(e *invitations.Event) { e.Email, e.Reason = "", "erased" }),
			"An invitation for one person ended, because the data of the person was erased"},
		{"invitation.declined", with(grace, func(e *invitations.Event) { e.Actor = "" }), "grace@example.com declined the invitation"},
		{"invitation.declined", with(grace, func(e *invitations.Event) { e.Actor = "grace" }), "Grace Hopper declined the invitation for grace@example.com"},
		{"invitation.accepted", with(link, func(e *invitations.Event) { e.Actor = "gone" }), "A former user accepted a link"},
		{"invitation.reminded", with(grace, func(e *invitations.Event) { e.Actor = "" }), "Teamy reminded grace@example.com of the invitation"},
		{"invitation.expired", grace, "The invitation for grace@example.com expired"},
		{"member.joined", with(member, func(e *invitations.Event) { e.InvitationID, e.InvitedBy = uuid.Max, "ada" }),
			"Grace Hopper joined as Admin, invited by Ada Lovelace"},
		{"member.joined", with(member, func(e *invitations.Event) { e.InvitedBy = "ada" }), "Ada Lovelace added Grace Hopper as Admin"},
		{"member.joined", with(member, func(e *invitations.Event) { e.Actor = "grace" }), "Grace Hopper created the team"},
		{"member.role_changed", member, "Ada Lovelace changed the role of Grace Hopper from Developer to Admin"},
		{"member.removed", member, "Ada Lovelace removed Grace Hopper, who was Admin"},
		{"member.left", member, "Grace Hopper left the team"},
		{"member.metadata_changed", member, "Ada Lovelace changed the notes about Grace Hopper"},
		{"ownership.transferred", member, "Ada Lovelace transferred the ownership of the team to Grace Hopper"},
		{"quota.changed", invitations.Event{Quota: invitations.Quota{Limit: -1, Period: "day"}}, "Teamy gave the team a quota without a limit"},
		{"quota.changed", invitations.Event{Quota: invitations.Quota{Limit: 1, Period: "day"}}, "Teamy gave the team a quota of 1 call a day"},
		{"quota.changed", member, "Ada Lovelace removed the quota of Grace Hopper"},
		{"limits.changed", invitations.Event{}, "Teamy changed the limits of the team"},
		{"organization.deleted", member, "Ada Lovelace deleted the team"},
		{"person.erased", invitations.Event{Subject: "gone"}, "The data of a person was erased"},
	} {
		c.e.Type = c.kind
		if got := describe(c.e, actorsOfEvents); got != c.want {
			t.Errorf("%s: got %q, want %q", c.kind, got, c.want)
		}
	}
}

func TestDescribe_KnowsEveryType(t *testing.T) {
	t.Parallel()
	types := invitations.EventTypes()
	if len(types) < 18 {
		t.Fatalf("found only %d types", len(types))
	}
	for _, kind := range types {
		if got := describe(invitations.Event{Type: kind}, nil); got == "" || strings.Contains(got, string(kind)) {
			t.Errorf("%s: no sentence: %q", kind, got)
		}
	}
}
