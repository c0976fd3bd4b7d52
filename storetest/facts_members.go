package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var memberFactsChecks = []check{
	{"PendingEmails", factsPendingEmails},
	{"PendingRecords", factsPendingRecords},
	{"MembersAndOwners", factsCounts},
	{"Quotas", factsQuotas},
	{"AllAtOnce", factsAllAtOnce},
}

func factsPendingEmails(w *world) {
	pending := w.crowd()
	emails := 0
	for _, r := range pending {
		if r.Kind == invitations.KindEmail {
			emails++
		}
	}
	want := invitations.Facts{Organization: "acme", Version: w.view(invitations.Query{Organization: "acme"}).Version}
	for _, upTo := range []int{1, emails - 1, emails, emails + 1, 1000} {
		want.PendingEmailCount = min(upTo, emails)
		q := invitations.Query{Organization: "acme", PendingAt: start, PendingEmailsUpTo: upTo}
		w.facts(fmt.Sprintf("emails up to %d", upTo), q, want)
		want.PendingCount = 2
		q.PendingUpTo = 2
		w.facts(fmt.Sprintf("emails up to %d, and of both kinds up to 2", upTo), q, want)
		want.PendingCount = 0
	}
	want.PendingEmailCount = 0
	w.facts("when all emails have expired", invitations.Query{
		Organization: "acme", PendingAt: start.Add(time.Microsecond), PendingEmailsUpTo: 1000,
	}, want)
}

func factsPendingRecords(w *world) {
	all := w.variety() // of each kind and state, by ada, bob and the host's backend, and its twin
	// Created by one and sent by another: the sender counts.
	resent := invitation("acme", 50)
	resent.CreatedBy, resent.SentBy, resent.CreatedAt = "bob", "ada", start.Add(time.Hour)
	w.change("acme", invitations.Changes{Invitations: []invitations.Record{resent}})
	all = append([]invitations.Record{resent}, all...)
	version := w.view(invitations.Query{Organization: "acme"}).Version

	for _, at := range []time.Time{start.Add(-2 * time.Hour), start, start.Add(time.Hour), start.Add(8 * day)} {
		for _, sentBy := range []string{"", "ada", "bob", "Bob", "nobody"} {
			for _, email := range []string{"", "p0@example.com", "p1@example.com", "P1@example.com"} {
				want := invitations.Facts{Organization: "acme", Version: version}
				for _, r := range all {
					wanted := sentBy != "" && r.SentBy == sentBy || email != "" && r.Email == email
					if wanted && r.State == invitations.StatePending && at.Before(r.ExpiresAt) {
						want.PendingRecords = append(want.PendingRecords, r)
					}
				}
				q := invitations.Query{Organization: "acme", PendingSentBy: sentBy, PendingFor: email, PendingAt: at}
				w.equal(fmt.Sprintf("sent by %q, for %q, at %v: View", sentBy, email, at), w.view(q), want)
				if at.Equal(start) {
					w.facts(fmt.Sprintf("sent by %q, for %q", sentBy, email), q, want)
				}
			}
		}
	}
}

func factsCounts(w *world) {
	w.twins()
	crowd := invitations.Changes{RemovedMembers: []string{"bob"}}
	for i, role := range []invitations.Role{"owner", "owner", "Owner", "owner ", "admin", "viewer", "OWNER"} {
		crowd.Members = append(crowd.Members, member("acme", fmt.Sprint("user ", i), role))
	}
	w.change("acme", crowd)
	// ada, and these; bob is gone.
	for _, c := range []struct {
		organization    string
		version         int64
		members, owners int
	}{{"acme", 2, 8, 3}, {"zeta", 1, 2, 1}} {
		want := invitations.Facts{Organization: c.organization, Version: c.version}
		for upTo := range c.members + 3 {
			want.MemberCount, want.OwnerCount = min(upTo, c.members), 0
			w.facts("members", invitations.Query{Organization: c.organization, MembersUpTo: upTo}, want)
			want.MemberCount, want.OwnerCount = 0, min(upTo, c.owners)
			w.facts("owners", invitations.Query{Organization: c.organization, OwnersUpTo: upTo}, want)
		}
		want.MemberCount, want.OwnerCount = c.members, c.owners
		w.facts("both", invitations.Query{Organization: c.organization, MembersUpTo: 100_000, OwnersUpTo: 100_000}, want)
	}
	w.change("acme", invitations.Changes{RemovedMembers: []string{"ada", "user 0", "user 1"}})
	w.facts("without an owner", invitations.Query{Organization: "acme", MembersUpTo: 100, OwnersUpTo: 2}, invitations.Facts{
		Organization: "acme", Version: 3, MemberCount: 5,
	})
}

func factsQuotas(w *world) {
	w.twins()
	theirs := quota("zeta", "ada", 5, invitations.PeriodDay, 2)
	w.change("zeta", invitations.Changes{Quotas: []invitations.QuotaRecord{theirs}})
	w.ok(w.store.SetPersonalQuota(w.ctx, "ada", invitations.Quota{Limit: 9, Period: invitations.PeriodDay}))

	ours := everything("acme")
	bob, ada := ours.Members[1], ours.Members[0]
	q := invitations.Query{Organization: "acme", Quotas: true}
	want := invitations.Facts{
		Organization: "acme", Version: 1,
		Quotas: map[string]invitations.QuotaRecord{"": ours.Quotas[0]},
	}
	w.facts("the shared one alone", q, want)
	q.Members = []string{"bob", "nobody", "eve", "ada", "bob"}
	want.Members = map[string]invitations.Member{"ada": ada, "bob": bob}
	want.Quotas["bob"], want.Quotas["eve"] = ours.Quotas[1], ours.Quotas[2]
	w.facts("of members, and of one who is none any more", q, want)
	q.Quotas, want.Quotas = false, nil
	w.facts("not asked for", q, want)

	w.facts("of the other organization", invitations.Query{Organization: "zeta", Members: []string{"ada"}, Quotas: true}, invitations.Facts{
		Organization: "zeta", Version: 2,
		Members: map[string]invitations.Member{"ada": member("zeta", "ada", "owner")},
		Quotas:  map[string]invitations.QuotaRecord{"": quota("zeta", "", 1000, invitations.PeriodMonth, 1), "ada": theirs},
	})
	w.change("beta", invitations.Changes{Members: []invitations.Member{member("beta", "bob", "owner")}})
	w.facts("where none is set", invitations.Query{Organization: "beta", Members: []string{"bob"}, Quotas: true}, invitations.Facts{
		Organization: "beta", Version: 1, Members: map[string]invitations.Member{"bob": member("beta", "bob", "owner")},
	})
}

// factsAllAtOnce asks for everything in one query.
func factsAllAtOnce(w *world) {
	w.twins()
	for _, organization := range []string{"acme", "zeta"} {
		all := everything(organization)
		slices.Reverse(all.Invitations) // newest first
		mail := all.Invitations[1]
		q := invitations.Query{
			Organization: organization, Invitation: mail.ID, Sender: true, Members: users, Removals: true,
			Emails: []string{"nobody@example.com"}, SameEmail: true,
			PendingUpTo: 9, PendingEmailsUpTo: 9, PendingSentBy: "bob", PendingFor: mail.Email, PendingAt: start,
			MembersUpTo: 9, OwnersUpTo: 9, Quotas: true,
			Invitations: []uuid.UUID{id(2), id(1), id(7)}, SendingsUpTo: 9, SendingsAfter: start.Add(-day),
		}
		want := everythingState(organization).Facts
		want.Invitation, want.Sender = &mail, &all.Members[1]
		want.PendingByEmail = map[string]uuid.UUID{mail.Email: mail.ID}
		want.PendingEmailCount, want.PendingRecords = 1, all.Invitations
		want.Invitations = map[uuid.UUID]invitations.Record{id(1): mail, id(2): all.Invitations[0]}
		want.Sendings = []invitations.Sending{{At: start, Actor: "ada", Email: all.Events[0].Email}}
		w.facts(organization, q, want)
	}
}
