package behaviour

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// historyThreats go on with [threats], where what has happened is looked back on.
var historyThreats = []check{
	{"Class33_NoSecretInEventsFeedStatisticsOrErrors", storyNoSecretsInHistory},
	{"Class38_SameAnswerToStrangersEverywhere", storyStrangersEverywhere},
	{"Class39_HistoryIsForWhoMayList", storyHistoryOfOthers},
	{"Class42_ForgedCursors", storyForgedCursors},
}

func storyNoSecretsInHistory(w *world) {
	w = w.with(invitations.Config{RemindBefore: 2 * day, SendsPerRecipient: 2, PendingLimit: 3})
	w.company()
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	outcomes := w.inviteAll(bob, "acme", row("joe@example.com"), row("ann@example.com"), row("eve@example.com"), row("bad"))
	edited := w.edit(bob, sent, invitations.EditParams{Role: "developer"})
	again := w.resend(ada, sent)
	_, tooMuch := w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	w.refused(tooMuch, invitations.ErrRateLimited)
	_, notHers := w.svc.AcceptReceived(w.ctx, "acme", sent.ID, person("eve", "eve@example.com"))
	list := w.received(annID, invitations.ReceivedParams{Limit: 1})
	w.clock.Add(5 * day)
	reminded, err := w.svc.Sweep(w.ctx, 100)
	w.ok(err)
	w.accept(again, annID)
	w.clock.Add(2 * day)
	expired, err := w.svc.Sweep(w.ctx, 100)
	w.ok(err)
	if len(reminded.Reminders) != 2 || len(expired.Expired) != 2 {
		w.Fatalf("got %d reminders, and %d that have expired", len(reminded.Reminders), len(expired.Expired))
	}
	feed, err := w.svc.Feed(w.ctx, 0, 0)
	w.ok(err)
	statistics, err := w.svc.Statistics(w.ctx, ada, invitations.StatisticsParams{Organization: "acme"})
	w.ok(err)

	var secrets []string
	for _, s := range []invitations.SentInvitation{sent, again, link, outcomes[0].Invitation} {
		secrets = append(secrets, s.Token.Reveal()[4:])
	}
	for _, r := range w.state("acme").Invitations.Items {
		secrets = append(secrets, hex.EncodeToString(r.Nonce[:]), base64.StdEncoding.EncodeToString(r.Nonce[:]), base64.RawURLEncoding.EncodeToString(r.Nonce[:]),
			strings.Trim(fmt.Sprint(r.Nonce[:]), "[]"), strings.Trim(fmt.Sprintf("%#v", r.Nonce[:]), "[]byte{}"))
	}
	secrets = append(secrets, string(testKey(1)), "0x1, 0x1, 0x1, 0x1")
	for name, v := range map[string]any{
		"the timeline": w.timeline(ada, invitations.TimelineParams{Organization: "acme"}), "the feed": feed, "statistics": statistics,
		"what was received": list, "an edited invitation": edited, "outcomes": outcomes, "reminders": reminded, "what has expired": expired,
		"a refusal": tooMuch, "another refusal": notHers, "a row's refusal": outcomes[1].Err, "the service": w.svc,
	} {
		asJSON, err := json.Marshal(v)
		w.ok(err)
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), string(asJSON)} {
			if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) }) {
				w.Errorf("%s: prints a secret: %s", name, text)
			}
		}
	}
	for _, err := range []error{tooMuch, notHers, outcomes[1].Err, outcomes[2].Err, outcomes[3].Err} {
		if err == nil || strings.Contains(err.Error(), "@") || strings.Contains(err.Error(), "ann") || strings.Contains(err.Error(), sent.ID.String()) {
			w.Errorf("an error quotes an argument: %v", err)
		}
	}
}

func storyStrangersEverywhere(w *world) {
	w = w.with(invitations.Config{SendsPerOrganization: 1})
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	eve := invitations.User("eve")
	for _, organization := range []string{"acme", "none"} {
		for name, err := range map[string]error{
			"bulk, invited":     second(w.svc.InviteAll(w.ctx, eve, organization, []invitations.InviteParams{row("ann@example.com")})),
			"bulk, not invited": second(w.svc.InviteAll(w.ctx, eve, organization, []invitations.InviteParams{row("joe@example.com")})),
			"bulk, bad":         second(w.svc.InviteAll(w.ctx, eve, organization, []invitations.InviteParams{row("bad")})),
			"edit":              second(w.svc.Edit(w.ctx, eve, invitations.EditParams{Organization: organization, ID: sent.ID, Role: "viewer"})),
			"timeline":          second(w.svc.Timeline(w.ctx, eve, invitations.TimelineParams{Organization: organization})),
			"timeline of one":   second(w.svc.Timeline(w.ctx, eve, invitations.TimelineParams{Organization: organization, Invitation: sent.ID})),
			"statistics":        second(w.svc.Statistics(w.ctx, eve, invitations.StatisticsParams{Organization: organization})),
		} {
			if err != error(invitations.ErrPermissionDenied) { //nolint:errorlint // the very same answer
				w.Errorf("%s in %s: got error %v", name, organization, err)
			}
		}
	}
	// Whether an address that is not proved to be theirs has been invited, nobody learns.
	for _, email := range []string{"ann@example.com", "joe@example.com"} {
		list, err := w.svc.Received(w.ctx, invitations.Identity{UserID: "eve", Email: email}, invitations.ReceivedParams{})
		w.refused(err, invitations.ErrEmailUnverified)
		w.equal("what is shown with a refusal", list, invitations.List[invitations.Offer]{})
		w.refused(w.svc.DeclineReceived(w.ctx, "acme", sent.ID, invitations.Identity{UserID: "eve", Email: email}), invitations.ErrEmailUnverified)
	}
}

func storyHistoryOfOthers(w *world) {
	w.company()
	w.role("acme", "joe", "billing")
	w.accept(w.invite(ada, "acme", "eve@example.com", "admin"), person("eve", "eve@example.com"))
	w.remove("acme", "eve")
	w.found("beta", "x") // an owner, of another organization
	sent := w.invite(ada, "acme", "secret@example.com", "viewer")
	for _, user := range []string{"dev", "kim", "joe", "eve", "x", "nobody"} {
		actor := invitations.User(user)
		timeline, err := w.svc.Timeline(w.ctx, actor, invitations.TimelineParams{Organization: "acme"})
		w.refusal("timeline", err, invitations.ErrPermissionDenied)
		one, err := w.svc.Timeline(w.ctx, actor, invitations.TimelineParams{Organization: "acme", Invitation: sent.ID})
		w.refusal("timeline of one", err, invitations.ErrPermissionDenied)
		for e, err := range w.svc.AllEvents(w.ctx, actor, invitations.TimelineParams{Organization: "acme"}) {
			w.refusal("all events", err, invitations.ErrPermissionDenied)
			w.equal("an event with a refusal", e, invitations.Event{})
		}
		statistics, err := w.svc.Statistics(w.ctx, actor, invitations.StatisticsParams{Organization: "acme"})
		w.refusal("statistics", err, invitations.ErrPermissionDenied)
		received := w.received(person(user, user+"@example.com"), invitations.ReceivedParams{})
		shown := fmt.Sprintf("%+v", []any{timeline, one, statistics, received})
		if strings.Contains(shown, "secret") || strings.Contains(shown, sent.ID.String()) || statistics.Total.Created != 0 {
			w.Errorf("%s is shown what happened: %s", user, shown)
		}
	}
	for user, want := range map[string]error{"bob": nil, "nobody": invitations.ErrPermissionDenied} {
		_, err := w.svc.Timeline(w.ctx, invitations.User(user), invitations.TimelineParams{Organization: "acme"})
		w.refusal(user, err, want)
	}
}

// storyForgedCursors: a cursor is a position. Whose list it is of, the call says.
func storyForgedCursors(w *world) {
	w.company()
	for n := range 3 {
		w.clock.Add(time.Second)
		w.invite(ada, "acme", fmt.Sprintf("p%d@example.com", n), "viewer")
		for _, organization := range []string{"acme", "zeta"} {
			w.found(fmt.Sprint(organization, n), "ada")
			w.invite(ada, fmt.Sprint(organization, n), map[string]string{"acme": "ann", "zeta": "joe"}[organization]+"@example.com", "viewer")
		}
	}
	timeline, err := w.svc.Timeline(w.ctx, ada, invitations.TimelineParams{Organization: "acme", Limit: 1})
	w.ok(err)
	received := w.received(annID, invitations.ReceivedParams{Limit: 1})
	list, err := w.svc.Invitations(w.ctx, ada, invitations.InvitationsParams{Organization: "acme", Limit: 1})
	w.ok(err)
	members, err := w.svc.Members(w.ctx, ada, invitations.MembersParams{Organization: "acme", Limit: 1})
	w.ok(err)
	cursors := map[string]string{"timeline": timeline.NextCursor, "received": received.NextCursor, "list": list.NextCursor, "members": members.NextCursor}
	for from, cursor := range cursors {
		if cursor == "" {
			w.Fatalf("%s: there is no next page", from)
		}
		for to, err := range map[string]error{
			"timeline": second(w.svc.Timeline(w.ctx, ada, invitations.TimelineParams{Organization: "acme", Cursor: cursor})),
			"received": second(w.svc.Received(w.ctx, annID, invitations.ReceivedParams{Cursor: cursor})),
			"list":     second(w.svc.Invitations(w.ctx, ada, invitations.InvitationsParams{Organization: "acme", Cursor: cursor})),
			"members":  second(w.svc.Members(w.ctx, ada, invitations.MembersParams{Organization: "acme", Cursor: cursor})),
		} {
			if want := error(invitations.ErrInvalid); from != to {
				w.refusal("a cursor of "+from+" in "+to, err, want)
			} else {
				w.ok(err)
			}
		}
	}
	// Elsewhere, and by others, it shows what is theirs to see, behind the position.
	for e, err := range w.svc.AllEvents(w.ctx, ada, invitations.TimelineParams{Organization: "zeta", Cursor: timeline.NextCursor}) {
		w.ok(err)
		w.equal("organization", e.Organization, "zeta")
	}
	_, err = w.svc.Timeline(w.ctx, invitations.User("kim"), invitations.TimelineParams{Organization: "acme", Cursor: timeline.NextCursor})
	w.refused(err, invitations.ErrPermissionDenied)
	for _, offer := range w.received(person("joe", "joe@example.com"), invitations.ReceivedParams{Cursor: received.NextCursor}).Items {
		w.equal("address", offer.Email, "joe@example.com")
	}
	for _, cursor := range []string{timeline.NextCursor, received.NextCursor} {
		for i := range len(cursor) {
			for _, forged := range []string{cursor[:i], cursor[:i] + "\n" + cursor[i:], cursor[:i] + "'" + cursor[i+1:], cursor + cursor[i:], cursor[:i] + "=" + cursor[i:]} {
				if forged == "" {
					continue
				}
				_, err := w.svc.Timeline(w.ctx, ada, invitations.TimelineParams{Organization: "acme", Cursor: forged})
				w.refusal("timeline", err, invitations.ErrInvalid)
				_, err = w.svc.Received(w.ctx, annID, invitations.ReceivedParams{Cursor: forged})
				w.refusal("received", err, invitations.ErrInvalid)
			}
		}
	}
}
