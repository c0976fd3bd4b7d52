package main

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// sentences are the words for events of all types. describe replaces those in braces.
var sentences = map[invitations.EventType]string{
	invitations.EventInvitationCreated:     "{actor} invited {email} as {role}",
	invitations.EventInvitationEdited:      "{actor} changed {invitation}: {changed}",
	invitations.EventInvitationResent:      "{actor} sent {invitation} again",
	invitations.EventInvitationRevoked:     "{actor} revoked {invitation}",
	invitations.EventInvitationDeclined:    "{actor} declined {invitation}",
	invitations.EventInvitationAccepted:    "{actor} accepted {invitation}",
	invitations.EventInvitationReminded:    "{actor} reminded {email} of the invitation",
	invitations.EventInvitationExpired:     "{invitation} expired",
	invitations.EventMemberJoined:          "{subject} joined as {role}, invited by {inviter}",
	invitations.EventMemberRoleChanged:     "{actor} changed the role of {subject} from {former role} to {role}",
	invitations.EventMemberRemoved:         "{actor} removed {subject}, who was {role}",
	invitations.EventMemberLeft:            "{subject} left the team",
	invitations.EventMemberMetadataChanged: "{actor} changed the notes about {subject}",
	invitations.EventOwnershipTransferred:  "{actor} transferred the ownership of the team to {subject}",
	invitations.EventQuotaChanged:          "{actor} gave {subject} {quota}",
	invitations.EventLimitsChanged:         "{actor} changed the limits of the team",
	invitations.EventOrganizationDeleted:   "{actor} deleted the team",
	invitations.EventPersonErased:          "the data of a person was erased",
}

// endings are the reasons why an invitation ended by itself, by their codes.
var endings = map[string]string{
	invitations.ErrAlreadyMember.Code():     "{recipient} joined in another way",
	invitations.ErrSenderNotEntitled.Code(): "its sender may no longer send it",
	"erased":                                "the data of the person was erased",
}

// describe returns the sentence for an event, without a full stop.
func describe(e invitations.Event, names nameBook) string {
	text := cmp.Or(sentences[e.Type], string(e.Type))
	switch {
	case e.Type == invitations.EventInvitationCreated && e.Email == "":
		text = "{actor} created {invitation} for the role {role}"
	case e.Type == invitations.EventInvitationResent && e.Email == "":
		text = "{actor} renewed {invitation}"
	case e.Type == invitations.EventInvitationDeclined && e.Actor == "": // this needs no account
		text = "{email} declined the invitation"
	case e.Type == invitations.EventInvitationRevoked && e.Reason != "":
		text = "{invitation} ended, because " + cmp.Or(endings[e.Reason], "of "+e.Reason)
	case e.Type == invitations.EventMemberJoined && e.InvitationID == uuid.Nil && e.Actor == e.Subject:
		text = "{subject} created the team"
	case e.Type == invitations.EventMemberJoined && e.InvitationID == uuid.Nil:
		text = "{actor} added {subject} as {role}"
	case e.Type == invitations.EventQuotaChanged && e.Quota == (invitations.Quota{}):
		text = "{actor} removed the quota of {subject}"
	}
	if e.Type == invitations.EventInvitationCreated && e.Quota != (invitations.Quota{}) {
		text += " with {quota}"
	}
	subject, recipient := "the team", "the person"
	if e.Subject != "" {
		subject = names.Of(e.Subject)
	}
	if e.Email != "" && names[e.Actor].Email == e.Email {
		recipient = names.Of(e.Actor)
	}
	text = strings.NewReplacer(
		"{actor}", names.Of(e.Actor), "{subject}", subject, "{inviter}", names.Of(e.InvitedBy), "{recipient}", recipient,
		"{email}", cmp.Or(e.Email, "somebody"), "{role}", roleName(e.Role), "{former role}", roleName(e.FormerRole),
		"{invitation}", invitationWords(e), "{quota}", quotaWords(e.Quota), "{changed}", changedWords(e),
	).Replace(text)
	for _, article := range []string{"a ", "an ", "the "} {
		if strings.HasPrefix(text, article) {
			return strings.ToUpper(text[:1]) + text[1:]
		}
	}
	return text
}

// invitationWords returns the words for the invitation of an event. An event does not have the
// kind: one for a single use without an address is a link, or its address was erased.
func invitationWords(e invitations.Event) string {
	switch {
	case e.Email != "":
		return "the invitation for " + e.Email
	case e.MaxUses == 1:
		return "an invitation for one person"
	default:
		return "a link"
	}
}

// changedWords names what an edit changed, with the new values that an event has.
func changedWords(e invitations.Event) string {
	uses := "any"
	if e.MaxUses > 0 {
		uses = strconv.Itoa(e.MaxUses)
	}
	return strings.NewReplacer(
		"role", "role from "+roleName(e.FormerRole)+" to "+roleName(e.Role), "expires_at", "last day to "+date(e.ExpiresAt),
		"max_uses", "number of uses to "+uses, "allowed_domains", "domains to "+cmp.Or(strings.Join(e.AllowedDomains, " or "), "all"),
		"metadata", "notes",
	).Replace(strings.Join(e.Changed, ", "))
}

// quotaWords returns the words for a quota.
func quotaWords(q invitations.Quota) string {
	if q.Limit == invitations.NoLimit {
		return "a quota without a limit"
	}
	return "a quota of " + calls(q.Limit) + " " + periodName(q.Period)
}

// peopleIn returns the IDs of the people whom the sentences of events name, for namesOf.
func peopleIn(events ...invitations.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.Actor, e.Subject, e.InvitedBy)
	}
	return ids
}
