package behaviour

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var timelineStories = []check{
	{"TimelinePageByPage", storyTimeline},
	{"TimelineNeedsPermissions", storyTimelinePermissions},
	{"StatisticsOfACampaign", storyStatistics},
	{"FeedFromAPosition", storyFeed},
}

// timeline reads all pages of a timeline.
func (w *world) timeline(actor invitations.Actor, p invitations.TimelineParams) []invitations.Event {
	w.Helper()
	var all []invitations.Event
	for n := 0; n < 1000; n++ {
		list, err := w.svc.Timeline(w.ctx, actor, p)
		w.ok(err)
		all = append(all, list.Items...)
		if p.Cursor = list.NextCursor; p.Cursor == "" {
			break
		}
	}
	return all
}

func storyTimeline(w *world) {
	w.company()
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	other := w.invite(ada, "zeta", "ann@example.com", "viewer")
	w.edit(bob, sent, invitations.EditParams{Role: "developer"})
	w.clock.Add(time.Hour)
	sent = w.resend(ada, sent)
	w.invite(ada, "acme", "joe@example.com", "viewer")
	w.accept(sent, annID)
	w.accept(other, annID)
	w.remove("acme", "ann")

	all := w.state("acme").Events.Items
	ofOne := slices.DeleteFunc(slices.Clone(all), func(e invitations.Event) bool { return e.InvitationID != sent.ID })
	var types []invitations.EventType
	for _, e := range ofOne {
		types = append(types, e.Type)
	}
	w.equal("the events of the invitation", types, []invitations.EventType{
		invitations.EventInvitationCreated, invitations.EventInvitationEdited, invitations.EventInvitationResent,
		invitations.EventInvitationAccepted, invitations.EventMemberJoined,
	})
	for _, c := range []struct {
		invitation uuid.UUID
		want       []invitations.Event
	}{{uuid.Nil, all}, {sent.ID, ofOne}, {other.ID, nil}, {id(77), nil}} {
		for _, newestFirst := range []bool{false, true} {
			want := slices.Clone(c.want)
			if newestFirst {
				slices.Reverse(want)
			}
			for _, limit := range []int{0, 1, 2, len(ofOne), len(all), 100} {
				p := invitations.TimelineParams{Organization: "acme", Invitation: c.invitation, NewestFirst: newestFirst, Limit: limit}
				w.equal(fmt.Sprintf("%+v", p), w.timeline(bob, p), want)
				var got []invitations.Event
				for e, err := range w.svc.AllEvents(w.ctx, bob, p) {
					w.ok(err)
					got = append(got, e)
				}
				w.equal(fmt.Sprintf("%+v, all", p), got, want)
			}
		}
	}
	for _, err := range w.svc.AllEvents(w.ctx, bob, invitations.TimelineParams{Organization: "acme", Limit: 1}) {
		w.ok(err)
		break
	}
	w.equal("of no organization", w.timeline(invitations.System(), invitations.TimelineParams{Organization: "none"}), []invitations.Event{})
	for _, p := range []invitations.TimelineParams{
		{}, {Organization: "acme", Limit: -1}, {Organization: "acme", Limit: 101}, {Organization: "acme", Cursor: "x"},
		{Organization: "acme", Cursor: strings.Repeat("A", 20)},
	} {
		_, err := w.svc.Timeline(w.ctx, ada, p)
		w.refused(err, invitations.ErrInvalid)
	}
}

// storyTimelinePermissions: the timeline of an invitation needs the permission to list
// invitations. That of the organization needs the permission to list members too.
func storyTimelinePermissions(w *world) {
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner": permissions, "both": {invitations.PermissionInvitationList, invitations.PermissionMemberList},
		"invitations": {invitations.PermissionInvitationList}, "members": {invitations.PermissionMemberList}, "none": nil,
	})
	w.ok(err)
	w = w.with(invitations.Config{Policy: policy})
	w.found("acme", "ada")
	w.found("zeta", "eve")
	sent := w.invite(ada, "acme", "ann@example.com", "none")
	for _, role := range []invitations.Role{"both", "invitations", "members", "none"} {
		w.role("acme", string(role), role)
	}
	for user, may := range map[string]struct{ one, all bool }{
		"ada": {true, true}, "both": {true, true}, "invitations": {true, false}, "members": {false, false}, "none": {false, false}, "eve": {false, false}, "x": {false, false},
	} {
		for invitation, may := range map[uuid.UUID]bool{sent.ID: may.one, uuid.Nil: may.all} {
			list, err := w.svc.Timeline(w.ctx, invitations.User(user), invitations.TimelineParams{Organization: "acme", Invitation: invitation})
			want := error(nil)
			if !may {
				want = invitations.ErrPermissionDenied
			}
			w.refusal(user, err, want)
			if shown := len(list.Items); (shown > 0) != may {
				w.Errorf("%s is shown %d events", user, shown)
			}
		}
	}
}

func storyStatistics(w *world) {
	w.company()
	of := func(from, to time.Time) invitations.Statistics {
		w.Helper()
		s, err := w.svc.Statistics(w.ctx, bob, invitations.StatisticsParams{Organization: "acme", From: from, To: to})
		w.ok(err)
		return s
	}
	w.equal("of nothing", of(time.Time{}, time.Time{}), invitations.Statistics{})
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.invite(ada, "acme", "joe@example.com", "admin")
	declined := w.invite(invitations.System(), "acme", "eve@example.com", "viewer")
	link := w.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.invite(ada, "zeta", "ann@example.com", "viewer")
	w.clock.Add(time.Hour)
	w.accept(mail, annID)
	w.accept(link, invitations.Identity{UserID: "x"})
	w.ok(w.svc.Decline(w.ctx, declined.Token.Reveal()))
	w.clock.Add(2 * time.Hour)
	w.accept(link, invitations.Identity{UserID: "y"})
	w.clock.Add(7 * day) // the others have expired

	mails := invitations.Funnel{Created: 3, Accepted: 1, Declined: 1, Expired: 1, Used: 1, Joined: 1, Median: time.Hour, P90: time.Hour}
	links := invitations.Funnel{Created: 1, Expired: 1, Used: 1, Joined: 2, Median: time.Hour, P90: 3 * time.Hour}
	admins := invitations.Funnel{Created: 1, Expired: 1}
	want := invitations.Statistics{
		Total:  invitations.Funnel{Created: 4, Accepted: 1, Declined: 1, Expired: 2, Used: 2, Joined: 3, Median: time.Hour, P90: 3 * time.Hour},
		ByKind: []invitations.Funnel{keyed("email", mails), keyed("link", links)},
		ByRole: []invitations.Funnel{
			{Key: "viewer", Created: 3, Accepted: 1, Declined: 1, Expired: 1, Used: 2, Joined: 3, Median: time.Hour, P90: 3 * time.Hour},
			keyed("admin", admins),
		},
		BySender: []invitations.Funnel{
			{Key: "ada", Created: 2, Accepted: 1, Expired: 1, Used: 1, Joined: 1, Median: time.Hour, P90: time.Hour},
			keyed("bob", links),
			{Key: "", Created: 1, Declined: 1},
		},
		ByLink: []invitations.Funnel{keyed(link.ID.String(), links)},
	}
	for _, to := range []time.Time{{}, w.clock.Now(), start.Add(time.Microsecond)} {
		w.equal("of all", of(time.Time{}, to), want)
		w.equal("of all", of(start, to), want)
	}
	if rate := want.Total.AcceptanceRate(); rate != 0.5 {
		w.Errorf("got acceptance rate %v", rate)
	}
	w.equal("before", of(time.Time{}, start), invitations.Statistics{})
	w.equal("after", of(start.Add(time.Microsecond), time.Time{}), invitations.Statistics{})
	s, err := w.svc.Statistics(w.ctx, invitations.System(), invitations.StatisticsParams{Organization: "none"})
	w.ok(err)
	w.equal("of no organization", s, invitations.Statistics{})
	for _, p := range []invitations.StatisticsParams{{}, {Organization: "acme", From: start, To: start}, {Organization: "acme", From: start, To: start.Add(-day)}} {
		_, err := w.svc.Statistics(w.ctx, ada, p)
		w.refused(err, invitations.ErrInvalid)
	}
}

// keyed returns f with a key.
func keyed(key string, f invitations.Funnel) invitations.Funnel {
	f.Key = key
	return f
}

func storyFeed(w *world) {
	w.company()
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	var all []invitations.Event
	take := func(limit int) int {
		w.Helper()
		after := int64(0)
		if len(all) > 0 {
			after = all[len(all)-1].Position
		}
		found, err := w.svc.Feed(w.ctx, after, limit)
		w.ok(err)
		again, err := w.svc.Feed(w.ctx, after, limit)
		w.ok(err)
		w.equal("the same question again", again, found)
		all = append(all, found...)
		return len(found)
	}
	toTheEnd := func(limit int) {
		w.Helper()
		for n := 0; n < 100 && take(limit) > 0; n++ {
		}
	}
	toTheEnd(4)
	w.fed(all, "acme", "zeta")
	w.acceptRefused(sent, person("eve", "eve@example.com"), invitations.ErrRecipientMismatch)
	if n := take(0); n != 0 {
		w.Errorf("got %d events of a refusal", n)
	}
	w.accept(sent, annID)
	w.remove("zeta", "kim")
	toTheEnd(1)
	w.fed(all, "acme", "zeta")
	for _, p := range []struct {
		after int64
		limit int
	}{{-1, 0}, {0, -1}, {0, 101}} {
		_, err := w.svc.Feed(w.ctx, p.after, p.limit)
		w.refused(err, invitations.ErrInvalid)
	}
}
