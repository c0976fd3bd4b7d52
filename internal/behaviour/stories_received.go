package behaviour

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var receivedStories = []check{
	{"ReceivedAccepted", storyReceived},
	{"ReceivedDeclined", storyReceivedDeclined},
	{"ReceivedPageByPage", storyReceivedPages},
	{"ReceivedIsAcceptance", storyReceivedRules},
}

func (w *world) received(who invitations.Identity, p invitations.ReceivedParams) invitations.List[invitations.Offer] {
	w.Helper()
	list, err := w.svc.Received(w.ctx, who, p)
	w.ok(err)
	return list
}

func offerOf(sent invitations.SentInvitation) invitations.Offer {
	return invitations.Offer{
		ID: sent.ID, Organization: sent.Organization, Kind: sent.Kind, Email: sent.Email, Role: sent.Role,
		Message: sent.Message, SentBy: sent.SentBy, SentAt: sent.SentAt, ExpiresAt: sent.ExpiresAt,
	}
}

func storyReceived(w *world) {
	w.company()
	acme := w.invite(ada, "acme", "ann@example.com", "developer")
	w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.clock.Add(time.Second)
	zeta := w.invite(bob, "zeta", "Ann@Example.com", "viewer")
	joes := w.invite(ada, "zeta", "joe@example.com", "viewer")
	ann := person("ann", "ANN@example.com")
	w.equal("ann's", w.received(ann, invitations.ReceivedParams{}).Items, []invitations.Offer{offerOf(zeta), offerOf(acme)})
	w.equal("joe's", w.received(person("joe", "joe@example.com"), invitations.ReceivedParams{}).Items, []invitations.Offer{offerOf(joes)})
	w.equal("eve's", w.received(person("eve", "eve@example.com"), invitations.ReceivedParams{}), invitations.List[invitations.Offer]{})

	w.clock.Add(time.Hour)
	version := w.version("acme")
	m, err := w.svc.AcceptReceived(w.ctx, "acme", acme.ID, ann)
	w.ok(err)
	w.equal("member", m, invitations.Member{
		Organization: "acme", UserID: "ann", Role: "developer", JoinedAt: w.clock.Now(), InvitationID: acme.ID, InvitedBy: "ada",
	})
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{
			Version: version + 1, Index: 0, Type: invitations.EventInvitationAccepted, Actor: "ann", InvitationID: acme.ID,
			Email: "ann@example.com", Role: "developer", MaxUses: 1, ExpiresAt: acme.ExpiresAt,
		},
		{
			Version: version + 1, Index: 1, Type: invitations.EventMemberJoined, Actor: "ann", Subject: "ann", InvitationID: acme.ID,
			Email: "ann@example.com", Role: "developer", InvitedBy: "ada",
		},
	})
	w.unchanged("the same again, either way", func() {
		again, err := w.svc.AcceptReceived(w.ctx, "acme", acme.ID, ann)
		w.ok(err)
		w.equal("member", again, invitations.Joined{Member: m.Member, Repeated: true})
		w.equal("member", w.accept(acme, ann), m.Member)
	})
	w.equal("the rest", w.received(ann, invitations.ReceivedParams{}).Items, []invitations.Offer{offerOf(zeta)})
	_, err = w.svc.Member(w.ctx, "zeta", "ann")
	w.refused(err, invitations.ErrNotFound)
	w.clock.Add(7 * day)
	w.equal("when it has expired", w.received(ann, invitations.ReceivedParams{}), invitations.List[invitations.Offer]{})
	_, err = w.svc.AcceptReceived(w.ctx, "zeta", zeta.ID, ann)
	w.refused(err, invitations.ErrExpired)
	w.refused(w.svc.DeclineReceived(w.ctx, "zeta", zeta.ID, ann), invitations.ErrExpired)
}

func storyReceivedDeclined(w *world) {
	w.company()
	acme := w.invite(ada, "acme", "ann@example.com", "viewer")
	zeta := w.invite(ada, "zeta", "ann@example.com", "viewer")
	version := w.version("acme")
	w.ok(w.svc.DeclineReceived(w.ctx, "acme", acme.ID, annID))
	w.equal("events", w.happened("acme", version+1), []invitations.Event{{
		Version: version + 1, Type: invitations.EventInvitationDeclined, Actor: "ann", InvitationID: acme.ID,
		Email: "ann@example.com", Role: "viewer", MaxUses: 1, ExpiresAt: acme.ExpiresAt,
	}})
	w.equal("the rest", w.received(annID, invitations.ReceivedParams{}).Items, []invitations.Offer{offerOf(zeta)})
	w.unchanged("ended", func() {
		w.refused(w.svc.DeclineReceived(w.ctx, "acme", acme.ID, annID), invitations.ErrDeclined)
		_, err := w.svc.AcceptReceived(w.ctx, "acme", acme.ID, annID)
		w.refused(err, invitations.ErrDeclined)
		w.acceptRefused(acme, annID, invitations.ErrDeclined)
	})
	w.accept(zeta, annID)
}

func storyReceivedPages(w *world) {
	var want []invitations.Offer
	for n := range 7 {
		organization := fmt.Sprintf("organization %d", n%4*3%4)
		w.found(organization, "ada")
		p := invitations.InviteParams{Organization: organization, Email: "ann@example.com", Role: "viewer", ID: id(n % 2)}
		if n >= 4 { // some have an expired one too
			w.clock.Add(8 * day)
			want = nil
			p.ID = id(10 + n)
		}
		sent, err := w.svc.Invite(w.ctx, ada, p)
		w.ok(err)
		want = append(want, offerOf(sent))
	}
	for n := range 5 { // the same ID at the same instant
		organization := fmt.Sprintf("same %d", n*3%5)
		w.found(organization, "ada")
		sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: organization, Email: "ann@example.com", Role: "viewer", ID: id(1)})
		w.ok(err)
		want = append(want, offerOf(sent))
	}
	slices.SortFunc(want, func(a, b invitations.Offer) int { // all are of the same instant
		return cmp.Or(bytes.Compare(b.ID[:], a.ID[:]), strings.Compare(b.Organization, a.Organization))
	})
	for _, limit := range []int{1, 2, len(want) - 1, len(want), 100} {
		var got []invitations.Offer
		p := invitations.ReceivedParams{Limit: limit}
		for n := 0; ; n++ {
			list := w.received(annID, p)
			got = append(got, list.Items...)
			if p.Cursor = list.NextCursor; p.Cursor == "" || n > len(want) {
				break
			}
		}
		w.equal(fmt.Sprintf("%d a page", limit), got, want)
	}
	for _, p := range []invitations.ReceivedParams{{Limit: -1}, {Limit: 101}, {Cursor: "x"}} {
		_, err := w.svc.Received(w.ctx, annID, p)
		w.refused(err, invitations.ErrInvalid)
	}
}

// storyReceivedRules: an acceptance by address follows the rules of an acceptance by token.
func storyReceivedRules(w *world) {
	w = w.with(invitations.Config{MemberLimit: 5})
	w.company()
	sent := w.invite(bob, "acme", "ann@example.com", "admin")
	by := func(who invitations.Identity) error { return second(w.svc.AcceptReceived(w.ctx, "acme", sent.ID, who)) }
	refused := func(what string, err, want error) {
		w.Helper()
		w.unchanged(what, func() { w.refusal(what, err, want) })
	}
	unverified := invitations.Identity{UserID: "ann", Email: "ann@example.com"}
	refused("not verified", by(unverified), invitations.ErrEmailUnverified)
	refused("not verified", w.svc.DeclineReceived(w.ctx, "acme", sent.ID, unverified), invitations.ErrEmailUnverified)
	refused("not verified", second(w.svc.Received(w.ctx, unverified, invitations.ReceivedParams{})), invitations.ErrEmailUnverified)
	for _, address := range []string{"", "ann", "Ann <ann@example.com>"} {
		refused("no address: "+address, by(person("ann", address)), invitations.ErrNotFound)
		refused("no address: "+address, w.svc.DeclineReceived(w.ctx, "acme", sent.ID, person("ann", address)), invitations.ErrNotFound)
	}
	refused("no user", by(person("", "ann@example.com")), invitations.ErrInvalid)
	refused("no id", second(w.svc.AcceptReceived(w.ctx, "acme", uuid.Nil, annID)), invitations.ErrInvalid)
	refused("a member", by(person("kim", "ann@example.com")), invitations.ErrAlreadyMember)
	w.role("acme", "bob", "viewer")
	refused("the sender lost the role", by(annID), invitations.ErrSenderNotEntitled)
	w.role("acme", "bob", "admin")
	w.accept(w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}), invitations.Identity{UserID: "x"})
	refused("no seat", by(annID), invitations.ErrMemberLimit)
	w.remove("acme", "x")
	refused("removed since", by(person("x", "ann@example.com")), invitations.ErrRevoked)
	w.ok(by(annID))
}
