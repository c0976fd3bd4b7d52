package storetest

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// invitation returns the nth invitation of an organization, with everything set.
func invitation(organization string, n int) invitations.Record {
	r := invitations.Record{
		Invitation: invitations.Invitation{
			ID:           id(n),
			Organization: organization,
			Kind:         invitations.KindEmail,
			State:        invitations.StatePending,
			Email:        strings.Repeat("x", n%7) + "ann@example.com",
			Role:         "developer",
			Quota:        invitations.Quota{Limit: int64(n), Period: invitations.PeriodMonth},
			Message:      "Hello\nyou",
			Metadata:     map[string]string{"team": "blue", "empty": ""},
			MaxUses:      1,
			CreatedBy:    "ada",
			SentBy:       "bob",
			CreatedAt:    start.Add(time.Duration(n) * time.Microsecond),
			SentAt:       start.Add(time.Duration(n+1) * time.Microsecond),
			ExpiresAt:    start.Add(7 * day),
		},
		Nonce:       [16]byte{byte(n), byte(n >> 8), 1, 0xff},
		SentVersion: int64(n + 1),
		SweepAt:     start.Add(5 * day),
	}
	copy(r.Nonce[4:], organization)
	return r
}

func link(organization string, n int) invitations.Record {
	r := invitation(organization, n)
	r.Kind, r.Email, r.MaxUses, r.Uses = invitations.KindLink, "", 10, 3
	r.AllowedDomains = []string{"example.com", "example.org"}
	r.SweepAt = time.Time{}
	return r
}

func member(organization, user string, role invitations.Role) invitations.Member {
	return invitations.Member{
		Organization: organization, UserID: user, Role: role, JoinedAt: start,
		InvitationID: id(99), InvitedBy: "ada", Metadata: map[string]string{"k": "v " + user},
	}
}

// event returns an event with everything set or, without an invitation, with what is not of
// one.
func event(organization, subject string, inv uuid.UUID) invitations.Event {
	e := invitations.Event{
		Organization: organization, Type: "test.happened", At: start, Actor: "ada", Subject: subject,
		InvitationID: inv, Role: "viewer", Reason: "because",
		Quota: invitations.Quota{Limit: 1_000_000_000_000_000, Period: invitations.PeriodDay},
	}
	if inv != uuid.Nil {
		e.Email, e.MaxUses, e.ExpiresAt = subject+"@example.com", 1_000_000_000, start.Add(7*day)
	}
	return e
}

// quota returns the quota of a member, or of the organization for an empty user, before
// anything is used of it.
func quota(organization, user string, limit int64, period invitations.Period, version int64) invitations.QuotaRecord {
	return invitations.QuotaRecord{
		Organization: organization, UserID: user,
		Quota: invitations.Quota{Limit: limit, Period: period}, Version: version,
	}
}

// everything is one of all that changes can hold.
func everything(organization string) invitations.Changes {
	return invitations.Changes{
		Invitations: []invitations.Record{invitation(organization, 1), link(organization, 2)},
		Members:     []invitations.Member{member(organization, "ada", "owner"), member(organization, "bob", "admin")},
		Removals:    []string{"eve"},
		Quotas: []invitations.QuotaRecord{
			quota(organization, "", 1000, invitations.PeriodMonth, 1),
			quota(organization, "bob", 0, invitations.PeriodEndless, 1), // nothing is allowed
			quota(organization, "eve", 0, "", 1),                        // nothing is limited; she is no member
		},
		Events: []invitations.Event{event(organization, "ada", id(1)), event(organization, "bob", uuid.Nil)},
	}
}

var users = []string{"ada", "bob", "eve", "nobody"}

// everythingState is the state of an organization to which everything was applied once.
func everythingState(organization string) state {
	c := everything(organization)
	events := c.Events
	for i := range events {
		events[i].Version, events[i].Index = 1, i
	}
	return state{
		Facts: invitations.Facts{
			Organization: organization, Version: 1,
			Members:      map[string]invitations.Member{"ada": c.Members[0], "bob": c.Members[1]},
			Removals:     map[string]int64{"eve": 1},
			PendingCount: 2,
			MemberCount:  2,
			OwnerCount:   1,
			Quotas:       map[string]invitations.QuotaRecord{"": c.Quotas[0], "bob": c.Quotas[1], "eve": c.Quotas[2]},
		},
		Invitations: invitations.Page[invitations.Record]{Items: []invitations.Record{c.Invitations[1], c.Invitations[0]}},
		Events:      invitations.Page[invitations.Event]{Items: events},
	}
}

// texts are different from each other, byte for byte.
var texts = []string{
	"a", "A", "a ", " a", "ä", "a\u0308", "Ä", "ß", "ss", "ı", "i", "I", "İ", "K", "\u212a", "ﬁ", "fi",
	"0", "null", "NULL", "'", "''", `"`, `\`, `\\`, "%", "_", "$1", "{}", "[]", "--", "; drop table x", "a\u200bb", "ab", "\U0001f600", "\ufffd",
	strings.Repeat("z", 255), strings.Repeat("é", 127), "\x7e", "{a,b}", "a,b", `{"a":1}`, "\u00a0",
}
