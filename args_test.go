package invitations_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// Values that are refused, by the reason.
var (
	// badNames are refused as any ID or name.
	badNames = map[string]string{
		"empty":                       "",
		"256 bytes":                   strings.Repeat("x", 256),
		"256 bytes in 128 characters": strings.Repeat("ü", 128),
		"a megabyte":                  strings.Repeat("x", 1<<20),
		"invalid UTF-8":               "ac\xffme",
		"truncated UTF-8":             "acme\xc3",
		"a surrogate":                 "acme\xed\xa0\x80",
		"NUL":                         "acme\x00",
		"a line break":                "acme\n",
		"a tab":                       "ac\tme",
		"DEL":                         "acme\x7f",
		"a C1 control":                "acme\u0085",
	}
	badIDs = map[string]uuid.UUID{"the zero UUID": uuid.Nil}
	// badOwnIDs are not version 7 UUIDs.
	badOwnIDs = map[string]uuid.UUID{
		"version 4":     uuid.MustParse("7d444840-9dc0-41d1-b245-5ffdce74fad2"),
		"version 1":     uuid.MustParse("c232ab00-9414-11ec-b3c8-9e6bdeced846"),
		"version 0":     uuid.MustParse("019531f0-0000-0000-8000-000000000001"),
		"version 8":     uuid.MustParse("019531f0-0000-8000-8000-000000000001"),
		"wrong variant": uuid.MustParse("019531f0-0000-7000-0000-000000000001"),
		"all ones":      uuid.Max,
	}
	badEmails = map[string]string{
		"empty":        "",
		"no at sign":   "nina",
		"a list":       "a@example.com,b@example.com",
		"a name":       "N <n@example.com>",
		"too long":     addressOf(255),
		"a line break": "n@example.com\nBcc: x@example.com",
		"a megabyte":   strings.Repeat("n", 1<<20),
	}
	badRoles = map[string]invitations.Role{
		"empty":      "",
		"unknown":    "ghost",
		"upper case": "Owner",
		"a space":    "owner ",
		"a megabyte": invitations.Role(strings.Repeat("r", 1<<20)),
	}
	badFilterRoles = map[string]invitations.Role{
		"65 bytes":      invitations.Role(strings.Repeat("r", 65)),
		"invalid UTF-8": "\xff",
		"a control":     "owner\n",
	}
	badPermissions = map[string]invitations.Permission{
		"empty":         "",
		"65 bytes":      invitations.Permission(strings.Repeat("p", 65)),
		"invalid UTF-8": "\xff",
		"NUL":           "a\x00",
		"misspelt":      "organization:us",
		"upper case":    "Organization:Use",
		"of no role":    "report:read",
	}
	badLifetimes = map[string]time.Duration{
		"negative":                       -time.Hour,
		"1 nanosecond":                   1,
		"1 microsecond less than a day":  day - time.Microsecond,
		"1 nanosecond less than a day":   day - 1,
		"1 microsecond over 30 days":     30*day + time.Microsecond,
		"the maximum":                    math.MaxInt64,
		"the minimum":                    math.MinInt64,
		"a day's milliseconds, unscaled": 24 * 60 * 60 * 1000,
	}
	badMessages = map[string]string{
		"501 characters":              strings.Repeat("x", 501),
		"501 characters of two bytes": strings.Repeat("ü", 501),
		"501 line breaks":             strings.Repeat("\n", 501),
		"a megabyte":                  strings.Repeat("x", 1<<20),
		"invalid UTF-8":               "Hello \xff",
		"NUL":                         "Hello\x00",
		"a carriage return":           "Hello\r\nNina",
		"a tab":                       "Hello\tNina",
		"an escape":                   "Hello \x1b[31m",
		"a C1 control":                "Hello\u0085",
	}
	badMetadata = map[string]map[string]string{
		"17 pairs":                 pairs(17, 1),
		"100,000 pairs":            pairs(100_000, 1),
		"4097 bytes in a value":    {"k": strings.Repeat("v", 4096)},
		"4097 bytes in a key":      {strings.Repeat("k", 4097): ""},
		"4097 bytes in two pairs":  {"a": strings.Repeat("v", 2048), "b": strings.Repeat("v", 2047)},
		"a megabyte":               {"k": strings.Repeat("v", 1<<20)},
		"an empty key":             {"": "v"},
		"invalid UTF-8 in a key":   {"\xff": "v"},
		"invalid UTF-8 in a value": {"k": "v\xc3"},
		"a control in a key":       {"k\n": "v"},
		"NUL in a value":           {"k": "\x00"},
		"a line break in a value":  {"k": "a\nb"},
	}
	badMaxUses = map[string]int{
		"negative": -1, "10,001": 10_001, "the maximum": math.MaxInt32, "the minimum": math.MinInt32,
	}
	badDomains = map[string][]string{
		"101":        manyDomains(101),
		"100,000":    manyDomains(100_000),
		"one of two": {"example.com", "not a domain"},
		"empty":      {""},
		"an address": {"nina@example.com"},
	}
	badQuotas = map[string]invitations.Quota{
		"negative":                {Limit: -2, Period: invitations.PeriodDay},
		"the minimum":             {Limit: math.MinInt64, Period: invitations.PeriodMonth},
		"more than 10^15":         {Limit: maxAmount + 1, Period: invitations.PeriodEndless},
		"the maximum":             {Limit: math.MaxInt64, Period: invitations.PeriodDay},
		"no period":               {Limit: 5},
		"an unknown period":       {Limit: 5, Period: "week"},
		"0 and an unknown period": {Period: "week"},
		"a period in upper case":  {Limit: 5, Period: "Day"},
		"negative and no period":  {Limit: -2},
		"no limit and no period":  {Limit: invitations.NoLimit},
		"no limit in a week":      {Limit: invitations.NoLimit, Period: "week"},
		"a period of a megabyte":  {Limit: 5, Period: invitations.Period(strings.Repeat("d", 1<<20))},
	}
	badAmounts = map[string]int64{
		"0": 0, "negative": -1, "the minimum": math.MinInt64, "more than 10^15": maxAmount + 1, "the maximum": math.MaxInt64,
	}
	badSweepLimits = map[string]int{"0": 0, "negative": -1, "1001": 1001, "the maximum": math.MaxInt32}
	// badEnds are refused as the end of a period that begins at noon.
	badEnds = map[string]time.Time{
		"the year 0":              utc(0, 6, 1, 0, 0, 0, 0),
		"the year 10000":          utc(10_000, 6, 1, 0, 0, 0, 0),
		"before from":             noon.Add(-1),
		"from":                    noon,
		"1 nanosecond after from": noon.Add(1),
	}
	// badInstants are times that no store can keep.
	badInstants = map[string]time.Time{
		"the year 0":         utc(0, 6, 1, 0, 0, 0, 0),
		"the year 10000":     utc(10_000, 6, 1, 0, 0, 0, 0),
		"the year -5":        utc(-5, 6, 1, 0, 0, 0, 0),
		"the year 0, in UTC": time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("+1", 3600)),
	}
	badPageLimits = map[string]int{"negative": -1, "101": 101, "the maximum": math.MaxInt32}
)

// badActors returns the zero Actor and the users with a bad ID.
func badActors() map[string]invitations.Actor {
	actors := map[string]invitations.Actor{"the zero Actor": {}}
	for name, id := range badNames {
		actors["a user, "+name] = invitations.User(id)
	}
	return actors
}

// unlessZero returns the values of bad that are not zero. A zero value is not refused where
// the argument is optional.
func unlessZero[T comparable](bad map[string]T) map[string]T {
	var zero T
	some := map[string]T{}
	for name, v := range bad {
		if v != zero {
			some[name] = v
		}
	}
	return some
}

func manyDomains(n int) []string {
	domains := make([]string, n)
	for i := range domains {
		domains[i] = fmt.Sprintf("d%d.example.com", i)
	}
	return domains
}

func pairs(n, size int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("k%d", i)] = strings.Repeat("v", size)
	}
	return m
}

// A badCall is a call of an operation in which one argument is bad.
type badCall struct {
	operation, field, reason string
	call                     func() error
}

// each returns a badCall for every bad value of an argument.
func each[T any](operation, field string, bad map[string]T, call func(v T) error) []badCall {
	var all []badCall
	for reason, v := range bad {
		all = append(all, badCall{operation, field, reason, func() error { return call(v) }})
	}
	return all
}

// yielded returns err if an iterator yields it once and nothing else, as the method that
// returns pages does.
func yielded[T any](all iter.Seq2[T, error], err error) error {
	times := 0
	for _, e := range all {
		if times++; e == nil || e.Error() != err.Error() || times > 1 {
			return fmt.Errorf("the iterator yields %v, the pages give %v", e, err)
		}
	}
	if times != 1 {
		return fmt.Errorf("the iterator yields %d times", times)
	}
	return err
}

// badCalls returns a call for every bad value of every argument of every operation.
func badCalls(ctx context.Context, svc *invitations.Service) [][]badCall {
	all := badInvitationCalls(ctx, svc)
	all = append(all, badAnswerCalls(ctx, svc)...)
	all = append(all, badListCalls(ctx, svc)...)
	all = append(all, badMemberCalls(ctx, svc)...)
	all = append(all, badLifeCalls(ctx, svc)...)
	return append(all, badQuotaCalls(ctx, svc)...)
}

func badInvitationCalls(ctx context.Context, svc *invitations.Service) [][]badCall {
	invite := func(actor invitations.Actor, change func(*invitations.InviteParams)) error {
		p := goodInvite()
		change(&p)
		return errOf(svc.Invite(ctx, actor, p))
	}
	link := func(actor invitations.Actor, change func(*invitations.CreateLinkParams)) error {
		p := goodLink()
		change(&p)
		return errOf(svc.CreateLink(ctx, actor, p))
	}
	edit := func(change func(*invitations.EditParams)) error {
		p := goodEdit()
		change(&p)
		return errOf(svc.Edit(ctx, olga, p))
	}
	inviteAll := func(actor invitations.Actor, organization string, rows int) error {
		outcomes, err := svc.InviteAll(ctx, actor, organization, make([]invitations.InviteParams, rows))
		if outcomes != nil {
			return fmt.Errorf("outcomes beside %w", err)
		}
		return err
	}
	all := [][]badCall{
		each("Invite", "actor", badActors(), func(v invitations.Actor) error { return invite(v, func(*invitations.InviteParams) {}) }),
		each("Invite", "organization", badNames, func(v string) error {
			return invite(olga, func(p *invitations.InviteParams) { p.Organization = v })
		}),
		each("Invite", "email", badEmails, func(v string) error {
			return invite(olga, func(p *invitations.InviteParams) { p.Email = v })
		}),
		each("Invite", "role", badRoles, func(v invitations.Role) error {
			return invite(olga, func(p *invitations.InviteParams) { p.Role = v })
		}),
		each("Invite", "id", badOwnIDs, func(v uuid.UUID) error {
			return invite(olga, func(p *invitations.InviteParams) { p.ID = v })
		}),
		each("Invite", "expires_in", badLifetimes, func(v time.Duration) error {
			return invite(olga, func(p *invitations.InviteParams) { p.ExpiresIn = v })
		}),
		each("Invite", "quota", badQuotas, func(v invitations.Quota) error {
			return invite(olga, func(p *invitations.InviteParams) { p.Quota = v })
		}),
		each("Invite", "message", badMessages, func(v string) error {
			return invite(olga, func(p *invitations.InviteParams) { p.Message = v })
		}),
		each("Invite", "metadata", badMetadata, func(v map[string]string) error {
			return invite(olga, func(p *invitations.InviteParams) { p.Metadata = v })
		}),

		each("CreateLink", "actor", badActors(), func(v invitations.Actor) error {
			return link(v, func(*invitations.CreateLinkParams) {})
		}),
		each("CreateLink", "organization", badNames, func(v string) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.Organization = v })
		}),
		each("CreateLink", "role", badRoles, func(v invitations.Role) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.Role = v })
		}),
		each("CreateLink", "id", badOwnIDs, func(v uuid.UUID) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.ID = v })
		}),
		each("CreateLink", "expires_in", badLifetimes, func(v time.Duration) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.ExpiresIn = v })
		}),
		each("CreateLink", "quota", badQuotas, func(v invitations.Quota) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.Quota = v })
		}),
		each("CreateLink", "message", badMessages, func(v string) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.Message = v })
		}),
		each("CreateLink", "metadata", badMetadata, func(v map[string]string) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.Metadata = v })
		}),
		each("CreateLink", "max_uses", badMaxUses, func(v int) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.MaxUses = v })
		}),
		each("CreateLink", "allowed_domains", badDomains, func(v []string) error {
			return link(olga, func(p *invitations.CreateLinkParams) { p.AllowedDomains = v })
		}),

		each("InviteAll", "actor", badActors(), func(v invitations.Actor) error { return inviteAll(v, "acme", 1) }),
		each("InviteAll", "organization", badNames, func(v string) error { return inviteAll(olga, v, 1) }),
		each("InviteAll", "rows", map[string]int{"0": 0, "101": 101, "100,000": 100_000}, func(v int) error {
			return inviteAll(olga, "acme", v)
		}),

		each("Resend", "expires_in", badLifetimes, func(v time.Duration) error {
			p := goodResend()
			p.ExpiresIn = v
			return errOf(svc.Resend(ctx, olga, p))
		}),

		each("Edit", "role", unlessZero(badRoles), func(v invitations.Role) error {
			return edit(func(p *invitations.EditParams) { p.Role = v })
		}),
		each("Edit", "message", badMessages, func(v string) error {
			return edit(func(p *invitations.EditParams) { p.Message = &v })
		}),
		each("Edit", "expires_in", badLifetimes, func(v time.Duration) error {
			return edit(func(p *invitations.EditParams) { p.ExpiresIn = v })
		}),
		each("Edit", "max_uses", badMaxUses, func(v int) error {
			return edit(func(p *invitations.EditParams) { p.MaxUses = &v })
		}),
		each("Edit", "allowed_domains", badDomains, func(v []string) error {
			return edit(func(p *invitations.EditParams) { p.AllowedDomains = &v })
		}),

		each("Edit", "quota", badQuotas, func(v invitations.Quota) error {
			return edit(func(p *invitations.EditParams) { p.Quota = &v })
		}),
		each("Edit", "metadata", badMetadata, func(v map[string]string) error {
			return edit(func(p *invitations.EditParams) { p.Metadata = &v })
		}),

		each("Sweep", "limit", badSweepLimits, func(v int) error {
			return errOf(svc.Sweep(ctx, v))
		}),
	}
	for operation, call := range map[string]func(actor invitations.Actor, organization string, id uuid.UUID) error{
		"Resend": func(actor invitations.Actor, organization string, id uuid.UUID) error {
			return errOf(svc.Resend(ctx, actor, invitations.ResendParams{Organization: organization, ID: id}))
		},
		"Revoke": func(actor invitations.Actor, organization string, id uuid.UUID) error {
			return errOf(svc.Revoke(ctx, actor, organization, id))
		},
		"PendingToken": func(actor invitations.Actor, organization string, id uuid.UUID) error {
			return errOf(svc.PendingToken(ctx, actor, organization, id))
		},
		"Edit": func(actor invitations.Actor, organization string, id uuid.UUID) error {
			return errOf(svc.Edit(ctx, actor, invitations.EditParams{Organization: organization, ID: id, Role: "viewer"}))
		},
		"Invitation": func(actor invitations.Actor, organization string, id uuid.UUID) error {
			return errOf(svc.Invitation(ctx, actor, organization, id))
		},
	} {
		all = append(all,
			each(operation, "actor", badActors(), func(v invitations.Actor) error { return call(v, "acme", signedID) }),
			each(operation, "organization", badNames, func(v string) error { return call(olga, v, signedID) }),
			each(operation, "organization", badNames, func(v string) error { return call(invitations.System(), v, signedID) }),
			each(operation, "id", badIDs, func(v uuid.UUID) error { return call(olga, "acme", v) }),
		)
	}
	return all
}

func badAnswerCalls(ctx context.Context, svc *invitations.Service) [][]badCall {
	token := validWire().text()
	as := func(user, email string) invitations.Identity {
		return invitations.Identity{UserID: user, Email: email, EmailVerified: true}
	}
	received := func(identity invitations.Identity, p invitations.ReceivedParams) error {
		return errOf(svc.Received(ctx, identity, p))
	}
	all := [][]badCall{
		each("Accept", "user_id", badNames, func(v string) error { return errOf(svc.Accept(ctx, token, as(v, nina.Email))) }),
		each("NextStep", "user_id", badNames, func(v string) error {
			return errOf(svc.NextStep(ctx, token, invitations.Visitor{Identity: invitations.Identity{UserID: v, Email: nina.Email}}))
		}),

		each("Received", "user_id", badNames, func(v string) error { return received(as(v, nina.Email), invitations.ReceivedParams{}) }),
		each("Received", "email", badEmails, func(v string) error { return received(as("nina", v), invitations.ReceivedParams{}) }),
		each("Received", "limit", badPageLimits, func(v int) error { return received(nina, invitations.ReceivedParams{Limit: v}) }),
		each("Received", "cursor", offerCursors.bad(), func(v string) error { return received(nina, invitations.ReceivedParams{Cursor: v}) }),
	}
	for operation, call := range map[string]func(organization string, id uuid.UUID, identity invitations.Identity) error{
		"AcceptReceived": func(organization string, id uuid.UUID, identity invitations.Identity) error {
			return errOf(svc.AcceptReceived(ctx, organization, id, identity))
		},
		"DeclineReceived": func(organization string, id uuid.UUID, identity invitations.Identity) error {
			return svc.DeclineReceived(ctx, organization, id, identity)
		},
	} {
		all = append(all,
			each(operation, "organization", badNames, func(v string) error { return call(v, signedID, nina) }),
			each(operation, "id", badIDs, func(v uuid.UUID) error { return call("acme", v, nina) }),
			each(operation, "user_id", badNames, func(v string) error { return call("acme", signedID, as(v, nina.Email)) }),
		)
	}
	return all
}

func badListCalls(ctx context.Context, svc *invitations.Service) [][]badCall {
	list := func(actor invitations.Actor, change func(*invitations.InvitationsParams)) error {
		p := invitations.InvitationsParams{Organization: "acme"}
		change(&p)
		return yielded(svc.AllInvitations(ctx, actor, p), errOf(svc.Invitations(ctx, actor, p)))
	}
	timeline := func(actor invitations.Actor, p invitations.TimelineParams) error {
		return yielded(svc.AllEvents(ctx, actor, p), errOf(svc.Timeline(ctx, actor, p)))
	}
	statistics := func(actor invitations.Actor, p invitations.StatisticsParams) error {
		return errOf(svc.Statistics(ctx, actor, p))
	}
	return [][]badCall{
		each("Invitations", "actor", badActors(), func(v invitations.Actor) error {
			return list(v, func(*invitations.InvitationsParams) {})
		}),
		each("Invitations", "organization", badNames, func(v string) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.Organization = v })
		}),
		each("Invitations", "states", map[string]invitations.State{"unknown": "open", "upper case": "Pending", "a space": " ", "empty": ""},
			func(v invitations.State) error {
				return list(olga, func(p *invitations.InvitationsParams) { p.States = []invitations.State{invitations.StatePending, v} })
			}),
		each("Invitations", "kind", map[string]invitations.Kind{"unknown": "sms", "upper case": "Email", "a space": " "},
			func(v invitations.Kind) error {
				return list(olga, func(p *invitations.InvitationsParams) { p.Kind = v })
			}),
		each("Invitations", "role", badFilterRoles, func(v invitations.Role) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.Role = v })
		}),
		each("Invitations", "email", unlessZero(badEmails), func(v string) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.Email = v })
		}),
		each("Invitations", "email_contains", map[string]string{
			"255 bytes": strings.Repeat("n", 255), "a megabyte": strings.Repeat("n", 1<<20), "invalid UTF-8": "n\xff", "a line break": "n\n", "NUL": "\x00",
		}, func(v string) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.EmailContains = v })
		}),
		each("Invitations", "email_contains", map[string]string{"beside an address": "nina"}, func(v string) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.Email, p.EmailContains = "nina@example.com", v })
		}),
		each("Invitations", "email_contains", map[string]string{"beside an address, everywhere": "nina"}, func(v string) error {
			return list(invitations.System(), func(p *invitations.InvitationsParams) {
				p.Organization, p.Email, p.EmailContains = "", "nina@example.com", v
			})
		}),
		each("Invitations", "organization", map[string]invitations.InvitationsParams{
			"no address":           {},
			"only a part":          {EmailContains: "nina"},
			"only a state":         {States: []invitations.State{invitations.StatePending}},
			"an address and kind":  {Email: "nina@example.com", Kind: invitations.KindEmail},
			"an address and role":  {Email: "nina@example.com", Role: "viewer"},
			"an address, a sender": {Email: "nina@example.com", SentBy: "olga"},
		}, func(v invitations.InvitationsParams) error {
			return errOf(svc.Invitations(ctx, invitations.System(), v))
		}),
		each("Invitations", "organization", map[string]invitations.Actor{"everywhere, by a user": olga}, func(v invitations.Actor) error {
			return list(v, func(p *invitations.InvitationsParams) { p.Organization, p.Email = "", "nina@example.com" })
		}),
		each("Invitations", "email", unlessZero(badEmails), func(v string) error {
			return list(invitations.System(), func(p *invitations.InvitationsParams) { p.Organization, p.Email = "", v })
		}),
		each("Invitations", "cursor", addressCursors.bad(), func(v string) error {
			return list(invitations.System(), func(p *invitations.InvitationsParams) { p.Organization, p.Email, p.Cursor = "", "nina@example.com", v })
		}),
		each("Invitations", "sent_by", unlessZero(badNames), func(v string) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.SentBy = v })
		}),
		each("Invitations", "limit", badPageLimits, func(v int) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.Limit = v })
		}),
		each("Invitations", "cursor", invitationCursors.bad(), func(v string) error {
			return list(olga, func(p *invitations.InvitationsParams) { p.Cursor = v })
		}),

		each("Timeline", "actor", badActors(), func(v invitations.Actor) error {
			return timeline(v, invitations.TimelineParams{Organization: "acme"})
		}),
		each("Timeline", "organization", badNames, func(v string) error {
			return timeline(invitations.System(), invitations.TimelineParams{Organization: v, Invitation: signedID})
		}),
		each("Timeline", "limit", badPageLimits, func(v int) error {
			return timeline(olga, invitations.TimelineParams{Organization: "acme", Limit: v})
		}),
		each("Timeline", "cursor", eventCursors.bad(), func(v string) error {
			return timeline(olga, invitations.TimelineParams{Organization: "acme", Cursor: v})
		}),

		each("Timeline", "actor", unlessZero(badNames), func(v string) error {
			return timeline(olga, invitations.TimelineParams{Organization: "acme", Actor: v})
		}),
		each("Timeline", "types", map[string]invitations.EventType{"unknown": "invitation.opened", "empty": "", "upper case": "Member.Joined"},
			func(v invitations.EventType) error {
				types := []invitations.EventType{invitations.EventMemberJoined, v}
				return timeline(olga, invitations.TimelineParams{Organization: "acme", Types: types})
			}),
		each("Timeline", "from", badInstants, func(v time.Time) error {
			return timeline(olga, invitations.TimelineParams{Organization: "acme", From: v})
		}),
		each("Timeline", "to", badEnds, func(v time.Time) error {
			return timeline(olga, invitations.TimelineParams{Organization: "acme", From: noon, To: v})
		}),

		each("Feed", "limit", badPageLimits, func(v int) error { return errOf(svc.Feed(ctx, 0, v)) }),
		each("Feed", "after", map[string]int64{"negative": -1, "the minimum": math.MinInt64, "the maximum": math.MaxInt64},
			func(v int64) error { return errOf(svc.Feed(ctx, v, 0)) }),

		each("Statistics", "actor", badActors(), func(v invitations.Actor) error {
			return statistics(v, invitations.StatisticsParams{Organization: "acme"})
		}),
		each("Statistics", "organization", badNames, func(v string) error {
			return statistics(olga, invitations.StatisticsParams{Organization: v})
		}),
		each("Statistics", "from", badInstants, func(v time.Time) error {
			return statistics(olga, invitations.StatisticsParams{Organization: "acme", From: v})
		}),
		each("Statistics", "to", badEnds, func(v time.Time) error {
			return statistics(olga, invitations.StatisticsParams{Organization: "acme", From: noon, To: v})
		}),
	}
}

func badMemberCalls(ctx context.Context, svc *invitations.Service) [][]badCall {
	transfer := func(actor invitations.Actor, change func(*invitations.TransferOwnershipParams)) error {
		p := goodTransfer()
		change(&p)
		return errOf(svc.TransferOwnership(ctx, actor, p))
	}
	members := func(actor invitations.Actor, change func(*invitations.MembersParams)) error {
		p := invitations.MembersParams{Organization: "acme"}
		change(&p)
		return yielded(svc.AllMembers(ctx, actor, p), errOf(svc.Members(ctx, actor, p)))
	}
	all := [][]badCall{
		each("CreateOrganization", "organization", badNames, func(v string) error { return errOf(svc.CreateOrganization(ctx, v, "olga")) }),
		each("CreateOrganization", "owner", badNames, func(v string) error { return errOf(svc.CreateOrganization(ctx, "acme", v)) }),

		each("ChangeRole", "role", badRoles, func(v invitations.Role) error {
			p := goodChange()
			p.Role = v
			return errOf(svc.ChangeRole(ctx, olga, p))
		}),
		each("Authorize", "permission", badPermissions, func(v invitations.Permission) error {
			return errOf(svc.Authorize(ctx, "acme", "dora", v))
		}),

		each("TransferOwnership", "actor", badActors(), func(v invitations.Actor) error {
			return transfer(v, func(*invitations.TransferOwnershipParams) {})
		}),
		each("TransferOwnership", "organization", badNames, func(v string) error {
			return transfer(olga, func(p *invitations.TransferOwnershipParams) { p.Organization = v })
		}),
		each("TransferOwnership", "from", badNames, func(v string) error {
			return transfer(olga, func(p *invitations.TransferOwnershipParams) { p.From = v })
		}),
		each("TransferOwnership", "to", badNames, func(v string) error {
			return transfer(invitations.System(), func(p *invitations.TransferOwnershipParams) { p.To = v })
		}),
		each("TransferOwnership", "to", map[string]string{"from": "olga"}, func(v string) error {
			return transfer(olga, func(p *invitations.TransferOwnershipParams) { p.To = v })
		}),
		each("TransferOwnership", "role", badRoles, func(v invitations.Role) error {
			return transfer(olga, func(p *invitations.TransferOwnershipParams) { p.Role = v })
		}),
		each("TransferOwnership", "role", map[string]invitations.Role{"owner": invitations.RoleOwner}, func(v invitations.Role) error {
			return transfer(olga, func(p *invitations.TransferOwnershipParams) { p.Role = v })
		}),

		each("Members", "actor", badActors(), func(v invitations.Actor) error { return members(v, func(*invitations.MembersParams) {}) }),
		each("Members", "organization", badNames, func(v string) error {
			return members(olga, func(p *invitations.MembersParams) { p.Organization = v })
		}),
		each("Members", "role", badFilterRoles, func(v invitations.Role) error {
			return members(olga, func(p *invitations.MembersParams) { p.Role = v })
		}),
		each("Members", "limit", badPageLimits, func(v int) error {
			return members(olga, func(p *invitations.MembersParams) { p.Limit = v })
		}),
		each("Members", "cursor", memberCursors.bad(), func(v string) error {
			return members(olga, func(p *invitations.MembersParams) { p.Cursor = v })
		}),

		each("Workspaces", "user_id", badNames, func(v string) error {
			return errOf(svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: v}))
		}),
		each("Workspaces", "limit", badPageLimits, func(v int) error {
			return errOf(svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora", Limit: v}))
		}),
		each("Workspaces", "cursor", workspaceCursors.bad(), func(v string) error {
			return errOf(svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "dora", Cursor: v}))
		}),
	}
	for operation, call := range map[string]func(actor invitations.Actor, organization, user string) error{
		"ChangeRole": func(actor invitations.Actor, organization, user string) error {
			return errOf(svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: "viewer"}))
		},
		"RemoveMember": func(actor invitations.Actor, organization, user string) error {
			return errOf(svc.RemoveMember(ctx, actor, organization, user))
		},
		"AddMember": func(actor invitations.Actor, organization, user string) error {
			return errOf(svc.AddMember(ctx, actor, invitations.AddMemberParams{Organization: organization, UserID: user, Role: "viewer"}))
		},
		"SetMetadata": func(actor invitations.Actor, organization, user string) error {
			return errOf(svc.SetMetadata(ctx, actor, invitations.SetMetadataParams{Organization: organization, UserID: user}))
		},
	} {
		all = append(all,
			each(operation, "actor", badActors(), func(v invitations.Actor) error { return call(v, "acme", "dora") }),
			each(operation, "organization", badNames, func(v string) error { return call(olga, v, "dora") }),
			each(operation, "organization", badNames, func(v string) error { return call(invitations.System(), v, "dora") }),
			each(operation, "user_id", badNames, func(v string) error { return call(olga, "acme", v) }),
		)
	}
	for operation, call := range map[string]func(organization, user string) error{
		"Member": func(organization, user string) error { return errOf(svc.Member(ctx, organization, user)) },
		"Leave":  func(organization, user string) error { return errOf(svc.Leave(ctx, organization, user)) },
		"Authorize": func(organization, user string) error {
			return errOf(svc.Authorize(ctx, organization, user, invitations.PermissionMemberList))
		},
	} {
		all = append(all,
			each(operation, "organization", badNames, func(v string) error { return call(v, "dora") }),
			each(operation, "user_id", badNames, func(v string) error { return call("acme", v) }),
		)
	}
	return all
}

func badLifeCalls(ctx context.Context, svc *invitations.Service) [][]badCall {
	system := invitations.System()
	add := func(change func(*invitations.AddMemberParams)) error {
		p := goodAddition()
		change(&p)
		return errOf(svc.AddMember(ctx, olga, p))
	}
	limit := func(l invitations.Limits) error { return svc.SetLimits(ctx, system, "acme", l) }
	erase := func(p invitations.EraseParams) error { return errOf(svc.Erase(ctx, p)) }
	purge := func(before time.Time, limit int) error { return errOf(svc.Purge(ctx, before, limit)) }
	badNumbers := map[string]int{"-2": -2, "100,001": 100_001, "the maximum": math.MaxInt, "the minimum": math.MinInt}
	all := [][]badCall{
		each("AddMember", "role", badRoles, func(v invitations.Role) error {
			return add(func(p *invitations.AddMemberParams) { p.Role = v })
		}),
		each("AddMember", "email", unlessZero(badEmails), func(v string) error {
			return add(func(p *invitations.AddMemberParams) { p.Email = v })
		}),
		each("AddMember", "quota", badQuotas, func(v invitations.Quota) error {
			return add(func(p *invitations.AddMemberParams) { p.Quota = v })
		}),
		each("AddMember", "metadata", badMetadata, func(v map[string]string) error {
			return add(func(p *invitations.AddMemberParams) { p.Metadata = v })
		}),
		each("SetMetadata", "metadata", badMetadata, func(v map[string]string) error {
			return errOf(svc.SetMetadata(ctx, olga, invitations.SetMetadataParams{Organization: "acme", UserID: "dora", Metadata: v}))
		}),

		each("SetLimits", "members", badNumbers, func(v int) error { return limit(invitations.Limits{Members: v}) }),
		each("SetLimits", "pending", badNumbers, func(v int) error { return limit(invitations.Limits{Pending: v}) }),
		each("SetLimits", "pending", map[string]int{"no limit": invitations.NoLimit}, func(v int) error {
			return limit(invitations.Limits{Pending: v})
		}),
		each("SetLimits", "seatless_roles", badRoles, func(v invitations.Role) error {
			return limit(invitations.Limits{SeatlessRoles: []invitations.Role{"viewer", v}})
		}),
		each("SetLimits", "allowed_domains", badDomains, func(v []string) error { return limit(invitations.Limits{AllowedDomains: v}) }),
		each("SetLimits", "expiry", badLifetimes, func(v time.Duration) error { return limit(invitations.Limits{Expiry: v}) }),

		each("Erase", "email", unlessZero(badEmails), func(v string) error { return erase(invitations.EraseParams{Email: v}) }),
		each("Erase", "user_id", badNames, func(v string) error { return erase(invitations.EraseParams{UserID: v, Pseudonym: "erased"}) }),
		each("Erase", "user_id", map[string]string{"beside an address": "dora"}, func(v string) error {
			return erase(invitations.EraseParams{Email: "nina@example.com", UserID: v, Pseudonym: "erased"})
		}),
		each("Erase", "pseudonym", badNames, func(v string) error { return erase(invitations.EraseParams{UserID: "dora", Pseudonym: v}) }),
		each("Erase", "pseudonym", map[string]string{"the user": "dora"}, func(v string) error {
			return erase(invitations.EraseParams{UserID: "dora", Pseudonym: v})
		}),
		each("Erase", "pseudonym", map[string]string{"beside an address": "erased"}, func(v string) error {
			return erase(invitations.EraseParams{Email: "nina@example.com", Pseudonym: v})
		}),
		each("Erase", "limit", unlessZero(badSweepLimits), func(v int) error {
			return erase(invitations.EraseParams{Email: "nina@example.com", Limit: v})
		}),

		each("Purge", "limit", badSweepLimits, func(v int) error { return purge(noon.Add(-2*day), v) }),
		each("Purge", "before", map[string]time.Time{
			"the zero time": {}, "now": time.Now(), "tomorrow": time.Now().Add(day), "less than a day ago": time.Now().Add(time.Hour - day),
		}, func(v time.Time) error { return purge(v, 10) }),
		each("Purge", "before", badInstants, func(v time.Time) error { return purge(v, 10) }),
	}
	for operation, call := range map[string]func(actor invitations.Actor, organization string) error{
		"DeleteOrganization": func(actor invitations.Actor, organization string) error {
			return svc.DeleteOrganization(ctx, actor, organization)
		},
		"SetLimits": func(actor invitations.Actor, organization string) error {
			return svc.SetLimits(ctx, actor, organization, invitations.Limits{})
		},
		"Overview": func(actor invitations.Actor, organization string) error {
			return errOf(svc.Overview(ctx, actor, organization))
		},
		"Usage": func(actor invitations.Actor, organization string) error {
			p := goodUsage()
			p.Organization = organization
			return errOf(svc.Usage(ctx, actor, p))
		},
	} {
		all = append(all,
			each(operation, "actor", badActors(), func(v invitations.Actor) error { return call(v, "acme") }),
			each(operation, "organization", badNames, func(v string) error { return call(olga, v) }),
			each(operation, "organization", badNames, func(v string) error { return call(system, v) }),
		)
	}
	return all
}

func badQuotaCalls(ctx context.Context, svc *invitations.Service) [][]badCall {
	usage := func(change func(*invitations.UsageParams)) error {
		p := goodUsage()
		change(&p)
		return errOf(svc.Usage(ctx, olga, p))
	}
	noWorkspace := map[string]invitations.Workspace{"the zero Workspace": {}, "an empty organization": invitations.InOrganization("")}
	all := [][]badCall{
		each("Consume", "amount", badAmounts, func(v int64) error { return errOf(svc.Consume(ctx, inAcme, "dora", v)) }),
		each("Consume", "amount", badAmounts, func(v int64) error { return errOf(svc.Consume(ctx, invitations.Personal(), "dora", v)) }),

		each("Refund", "amount", badAmounts, func(v int64) error {
			p := goodRefund()
			p.Amount = v
			return errOf(svc.Refund(ctx, p))
		}),
		each("Refund", "at", badInstants, func(v time.Time) error {
			p := goodRefund()
			p.At = v
			return errOf(svc.Refund(ctx, p))
		}),
		each("Refund", "at", map[string]time.Time{"the zero time": {}}, func(v time.Time) error {
			p := goodRefund()
			p.At = v
			return errOf(svc.Refund(ctx, p))
		}),

		each("Usage", "period", map[string]invitations.Period{"empty": "", "unknown": "week", "upper case": "Day"}, func(v invitations.Period) error {
			return usage(func(p *invitations.UsageParams) { p.Period = v })
		}),
		each("Usage", "at", badInstants, func(v time.Time) error { return usage(func(p *invitations.UsageParams) { p.At = v }) }),
		each("Usage", "limit", badPageLimits, func(v int) error { return usage(func(p *invitations.UsageParams) { p.Limit = v }) }),
		each("Usage", "cursor", usageCursors.bad(), func(v string) error { return usage(func(p *invitations.UsageParams) { p.Cursor = v }) }),

		each("SetQuota", "actor", badActors(), func(v invitations.Actor) error { return svc.SetQuota(ctx, v, goodQuota()) }),
		each("SetQuota", "quota", badQuotas, func(v invitations.Quota) error {
			p := goodQuota()
			p.Quota = v
			return svc.SetQuota(ctx, olga, p)
		}),
		each("SetQuota", "quota", badQuotas, func(v invitations.Quota) error {
			p := invitations.SetQuotaParams{Workspace: invitations.Personal(), UserID: "dora", Quota: v}
			return svc.SetQuota(ctx, invitations.System(), p)
		}),

		each("Quota", "actor", badActors(), func(v invitations.Actor) error { return errOf(svc.Quota(ctx, v, "acme", "dora")) }),
		each("Quota", "organization", badNames, func(v string) error { return errOf(svc.Quota(ctx, olga, v, "")) }),
		each("Quota", "user_id", unlessZero(badNames), func(v string) error { return errOf(svc.Quota(ctx, olga, "acme", v)) }),
	}
	for operation, call := range map[string]func(w invitations.Workspace, user string) error{
		"Consume":   func(w invitations.Workspace, user string) error { return errOf(svc.Consume(ctx, w, user, 1)) },
		"Remaining": func(w invitations.Workspace, user string) error { return errOf(svc.Remaining(ctx, w, user)) },
		"Refund": func(w invitations.Workspace, user string) error {
			p := goodRefund()
			p.Workspace, p.UserID = w, user
			return errOf(svc.Refund(ctx, p))
		},
		"SetQuota": func(w invitations.Workspace, user string) error {
			p := goodQuota()
			p.Workspace, p.UserID = w, user
			return svc.SetQuota(ctx, invitations.System(), p)
		},
	} {
		badUsers := badNames
		if operation == "SetQuota" {
			badUsers = unlessZero(badNames) // an empty user stands for the organization
		}
		all = append(all,
			each(operation, "workspace", noWorkspace, func(v invitations.Workspace) error { return call(v, "dora") }),
			each(operation, "organization", unlessZero(badNames), func(v string) error { return call(invitations.InOrganization(v), "dora") }),
			each(operation, "user_id", badUsers, func(v string) error { return call(inAcme, v) }),
			each(operation, "user_id", badNames, func(v string) error { return call(invitations.Personal(), v) }),
		)
	}
	return all
}

// Every bad argument is refused by name and with a reason, before the store is called.
func TestClass41_BadArguments(t *testing.T) {
	t.Parallel()
	arguments := map[string]bool{}
	for _, calls := range badCalls(t.Context(), serviceOn(t, untouchable(), invitations.Config{})) {
		require.NotEmpty(t, calls)
		for _, c := range calls {
			t.Run(c.operation+"/"+c.field+"/"+c.reason, func(t *testing.T) { requireInvalid(t, c.call(), c.field) })
			arguments[c.operation+" "+c.field] = true
		}
	}
	require.Len(t, arguments, 164, "every argument of every operation")
}

// A bad row is refused like the argument of Invite, and the other rows go on.
func TestInviteAll_BadRow(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*invitations.InviteParams){
		"email":        func(p *invitations.InviteParams) { p.Email = "nina" },
		"organization": func(p *invitations.InviteParams) { p.Organization = "other" },
		"role":         func(p *invitations.InviteParams) { p.Role = "ghost" },
		"id":           func(p *invitations.InviteParams) { p.ID = badOwnIDs["version 4"] },
		"expires_in":   func(p *invitations.InviteParams) { p.ExpiresIn = time.Hour },
		"quota":        func(p *invitations.InviteParams) { p.Quota = badQuotas["negative"] },
		"message":      func(p *invitations.InviteParams) { p.Message = badMessages["NUL"] },
		"metadata":     func(p *invitations.InviteParams) { p.Metadata = badMetadata["17 pairs"] },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			bad := goodInvite()
			change(&bad)
			store := answering(factsFor("InviteAll"))
			rows := []invitations.InviteParams{bad, goodInvite()}
			outcomes, err := serviceOn(t, store, atNoon()).InviteAll(t.Context(), olga, "acme", rows)
			require.NoError(t, err)
			require.Len(t, outcomes, 2)
			requireInvalid(t, outcomes[0].Err, field)
			require.Zero(t, outcomes[0].Invitation)
			require.NoError(t, outcomes[1].Err)
			require.Equal(t, []string{"nina@example.com"}, store.UpdateCalls()[0].Q.Emails)
		})
	}
}

// An identity without a verified address is refused before the store is called.
func TestClass02_ReceivedNeedsVerifiedEmail(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), atNoon())
	unverified := invitations.Identity{UserID: "nina", Email: "nina@example.com"}
	offers, err := svc.Received(t.Context(), unverified, invitations.ReceivedParams{})
	require.Equal(t, invitations.ErrEmailUnverified, err)
	require.Zero(t, offers)
	member, err := svc.AcceptReceived(t.Context(), "acme", signedID, unverified)
	require.Equal(t, invitations.ErrEmailUnverified, err)
	require.Zero(t, member)
	require.Equal(t, invitations.ErrEmailUnverified, svc.DeclineReceived(t.Context(), "acme", signedID, unverified))
}

// No invitation is for an address without a canonical form, whether or not it is verified.
func TestClass01_ReceivedNeedsCanonicalEmail(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), atNoon())
	for reason, bad := range badEmails {
		for _, verified := range []bool{true, false} {
			identity := invitations.Identity{UserID: "nina", Email: bad, EmailVerified: verified}
			member, err := svc.AcceptReceived(t.Context(), "acme", signedID, identity)
			require.Equal(t, invitations.ErrNotFound, err, reason)
			require.Zero(t, member)
			require.Equal(t, invitations.ErrNotFound, svc.DeclineReceived(t.Context(), "acme", signedID, identity), reason)
		}
	}
}

// An InvalidError does not quote the argument.
func TestInvalidError_QuotesNothing(t *testing.T) {
	t.Parallel()
	svc, ctx := serviceOn(t, untouchable(), invitations.Config{}), t.Context()
	const secret = "s3cr3t@@"
	email, domains, message, metadata := goodInvite(), goodLink(), goodLink(), goodLink()
	email.Email = secret
	domains.AllowedDomains = []string{secret}
	message.Message = secret + "\x00"
	metadata.Metadata = map[string]string{secret: "\x00"}
	for _, err := range []error{
		errOf(svc.Invite(ctx, olga, email)),
		errOf(svc.CreateLink(ctx, olga, domains)),
		errOf(svc.CreateLink(ctx, olga, message)),
		errOf(svc.CreateLink(ctx, olga, metadata)),
		errOf(svc.Revoke(ctx, invitations.User(secret+"\n"), "acme", signedID)),
	} {
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
}

// Refusing a cursor costs the same, however long the cursor is. This test does not run in
// parallel, because it counts allocations.
func TestClass41_HugeCursor(t *testing.T) {
	svc, ctx := serviceOn(t, untouchable(), atNoon()), t.Context()
	huge := strings.Repeat("A", 32<<20)
	for name, call := range map[string]func() error{
		"Invitations": func() error {
			return errOf(svc.Invitations(ctx, olga, invitations.InvitationsParams{Organization: "acme", Cursor: huge}))
		},
		"Members": func() error {
			return errOf(svc.Members(ctx, olga, invitations.MembersParams{Organization: "acme", Cursor: huge}))
		},
		"Workspaces": func() error {
			return errOf(svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "nina", Cursor: huge}))
		},
		"Received": func() error { return errOf(svc.Received(ctx, nina, invitations.ReceivedParams{Cursor: huge})) },
		"Timeline": func() error {
			return errOf(svc.Timeline(ctx, olga, invitations.TimelineParams{Organization: "acme", Cursor: huge}))
		},
		"Usage": func() error {
			p := goodUsage()
			p.Cursor = huge
			return errOf(svc.Usage(ctx, olga, p))
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := call()
		runtime.ReadMemStats(&after)
		requireInvalid(t, err, "cursor")
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}

// longID has 255 bytes, which is the longest that an ID can be.
var longID = strings.Repeat("ü", 127) + "x"

// Values on the bounds are accepted and reach the store unchanged.
func TestBounds_Invitations(t *testing.T) {
	t.Parallel()
	facts := invitations.Facts{
		Organization: longID, Version: 1,
		Members: map[string]invitations.Member{longID: {Organization: longID, UserID: longID, Role: invitations.RoleOwner}},
	}
	store := answering(facts)
	svc := serviceOn(t, store, atNoon())
	for name, change := range map[string]func(*invitations.CreateLinkParams){
		"nothing optional":             func(*invitations.CreateLinkParams) {},
		"the greatest ID":              func(p *invitations.CreateLinkParams) { p.ID = uuid.MustParse("00000000-0000-7000-bfff-ffffffffffff") },
		"a day":                        func(p *invitations.CreateLinkParams) { p.ExpiresIn = day },
		"30 days":                      func(p *invitations.CreateLinkParams) { p.ExpiresIn = 30 * day },
		"30 days and 999 nanoseconds":  func(p *invitations.CreateLinkParams) { p.ExpiresIn = 30*day + 999 },
		"500 characters":               func(p *invitations.CreateLinkParams) { p.Message = strings.Repeat("x", 500) },
		"500 characters of four bytes": func(p *invitations.CreateLinkParams) { p.Message = strings.Repeat("🎉", 500) },
		"line breaks":                  func(p *invitations.CreateLinkParams) { p.Message = "Hello\n\nNina\n" },
		"a replacement character":      func(p *invitations.CreateLinkParams) { p.Message = "\ufffd" },
		"16 pairs":                     func(p *invitations.CreateLinkParams) { p.Metadata = pairs(16, 1) },
		"4096 bytes":                   func(p *invitations.CreateLinkParams) { p.Metadata = map[string]string{"k": strings.Repeat("v", 4095)} },
		"an empty value":               func(p *invitations.CreateLinkParams) { p.Metadata = map[string]string{"k": ""} },
		"other scripts":                func(p *invitations.CreateLinkParams) { p.Metadata = map[string]string{"ключ": "値"} },
		"one use":                      func(p *invitations.CreateLinkParams) { p.MaxUses = 1 },
		"10,000 uses":                  func(p *invitations.CreateLinkParams) { p.MaxUses = 10_000 },
		"100 domains":                  func(p *invitations.CreateLinkParams) { p.AllowedDomains = manyDomains(100) },
		"several at once": func(p *invitations.CreateLinkParams) {
			p.Message, p.Metadata = strings.Repeat("🎉", 500), pairs(16, 200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := invitations.CreateLinkParams{Organization: longID, Role: invitations.RoleOwner}
			change(&p)
			before := len(store.UpdateCalls())
			sent, err := svc.CreateLink(t.Context(), invitations.User(longID), p)
			require.NoError(t, err)
			require.Len(t, store.UpdateCalls(), before+1)
			require.Equal(t, p.Message, sent.Message)
			require.Equal(t, p.Metadata, sent.Metadata)
			require.Equal(t, p.MaxUses, sent.MaxUses)
			require.Len(t, sent.AllowedDomains, len(p.AllowedDomains))
			require.Equal(t, longID, sent.Organization)
			require.Equal(t, longID, sent.SentBy)
			if p.ID != uuid.Nil {
				require.Equal(t, p.ID, sent.ID)
			}
			want := 7 * day
			if p.ExpiresIn != 0 {
				want = p.ExpiresIn.Truncate(time.Microsecond)
			}
			require.Equal(t, noon.Add(want), sent.ExpiresAt)
		})
	}

	sent, err := svc.Invite(t.Context(), invitations.User(longID), invitations.InviteParams{
		Organization: longID, Role: invitations.RoleOwner, Email: strings.ToUpper(addressOf(254)),
	})
	require.NoError(t, err)
	require.Equal(t, addressOf(254), sent.Email)
}

func TestBounds_Rows(t *testing.T) {
	t.Parallel()
	hundred := make([]invitations.InviteParams, 100)
	for i := range hundred {
		hundred[i] = goodInvite()
		hundred[i].Organization, hundred[i].Email = "", fmt.Sprintf("n%d@example.com", i)
	}
	outcomes, err := serviceOn(t, answering(factsFor("InviteAll")), atNoon()).InviteAll(t.Context(), olga, "acme", hundred)
	require.NoError(t, err)
	require.Len(t, outcomes, 100)
	for i, o := range outcomes {
		if i < 10 {
			require.NoError(t, o.Err)
			require.Equal(t, "acme", o.Invitation.Organization)
			require.Equal(t, hundred[i].Email, o.Invitation.Email)
			continue
		}
		require.Equal(t, &invitations.PendingLimitError{Limit: 10, Pending: 10}, o.Err)
	}
}

func TestBounds_Lists(t *testing.T) {
	t.Parallel()
	store := working("Sweep")
	svc, ctx := serviceOn(t, store, atNoon()), t.Context()
	for _, n := range []int{1, 1000} {
		require.NoError(t, errOf(svc.Sweep(ctx, n)))
	}
	for _, after := range []int64{0, 1, math.MaxInt64 - 1} {
		require.NoError(t, errOf(svc.Feed(ctx, after, 100)))
	}
	longRole := invitations.Role(strings.Repeat("r", 64))
	for limit, want := range map[int]int{0: 50, 1: 1, 100: 100} {
		require.NoError(t, errOf(svc.Invitations(ctx, invitations.User(longID), invitations.InvitationsParams{
			Organization: longID, Limit: limit, SentBy: longID, Email: "NINA@example.com", Role: longRole,
			States: []invitations.State{invitations.StatePending, invitations.StateExpired, invitations.StatePending}, Kind: invitations.KindLink,
		})))
		lists := store.InvitationsCalls()
		require.Equal(t, invitations.InvitationQuery{
			Organization: longID, Viewer: longID, States: []invitations.State{invitations.StateExpired, invitations.StatePending}, At: noon, Kind: invitations.KindLink,
			Role: longRole, Email: "nina@example.com", SentBy: longID,
			Limit: want + 1, // the additional item tells whether there is a next page
		}, lists[len(lists)-1].Q)

		require.NoError(t, errOf(svc.Timeline(ctx, invitations.System(), invitations.TimelineParams{Organization: longID, Limit: limit})))
		timelines := store.EventsCalls()
		require.Equal(t, invitations.EventQuery{Organization: longID, Limit: want + 1}, timelines[len(timelines)-1].Q)

		require.NoError(t, errOf(svc.Feed(ctx, 0, limit)))
		feeds := store.FeedCalls()
		require.Equal(t, want, feeds[len(feeds)-1].Limit)
	}
}

func TestBounds_Statistics(t *testing.T) {
	t.Parallel()
	store := working("Statistics")
	svc, ctx := serviceOn(t, store, atNoon()), t.Context()
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	p := invitations.StatisticsParams{Organization: "acme", From: last.Add(-time.Microsecond), To: last}
	require.NoError(t, errOf(svc.Statistics(ctx, olga, p)))
	zone := time.FixedZone("+14", 14*60*60)
	p = invitations.StatisticsParams{Organization: "acme", From: noon.In(zone), To: noon.Add(1999).In(zone)}
	require.NoError(t, errOf(svc.Statistics(ctx, olga, p)))
	require.Equal(t, invitations.StatisticsQuery{
		Organization: "acme", Viewer: "olga", Roles: []invitations.Role{"admin", "owner"},
		From: noon, To: noon.Add(time.Microsecond), At: noon, MaxGroups: 100,
	}, store.StatisticsCalls()[1].Q)
}

func TestBounds_Quota(t *testing.T) {
	t.Parallel()
	for _, q := range []invitations.Quota{
		{}, {Period: invitations.PeriodDay}, {Limit: invitations.NoLimit, Period: invitations.PeriodDay}, {Limit: maxAmount, Period: invitations.PeriodMonth},
		{Limit: 1, Period: invitations.PeriodEndless},
	} {
		store := working("SetQuota")
		svc := serviceOn(t, store, atNoon())
		p := goodQuota()
		p.Quota = q
		require.NoError(t, svc.SetQuota(t.Context(), olga, p))
		p.Workspace = invitations.Personal()
		require.NoError(t, svc.SetQuota(t.Context(), invitations.System(), p))
		require.Equal(t, q, store.SetPersonalQuotaCalls()[0].Q)

		invite, link := goodInvite(), goodLink()
		invite.Quota, link.Quota = q, q
		svc = serviceOn(t, answering(factsFor("Invite")), atNoon())
		sent, err := svc.Invite(t.Context(), olga, invite)
		require.NoError(t, err)
		require.Equal(t, q, sent.Quota)
		sent, err = svc.CreateLink(t.Context(), olga, link)
		require.NoError(t, err)
		require.Equal(t, q, sent.Quota)
	}
	for _, amount := range []int64{1, maxAmount} {
		store := working("Consume")
		require.NoError(t, errOf(serviceOn(t, store, atNoon()).Consume(t.Context(), invitations.Personal(), "dora", amount)))
		require.Equal(t, amount, store.ConsumeCalls()[0].C.Amount)
	}
}

// Allowed domains are kept in canonical form, sorted, each once.
func TestCreateLink_CanonicalDomains(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, answering(invitations.Facts{Organization: "acme", Version: 1}), invitations.Config{})
	p := goodLink()
	p.AllowedDomains = []string{"example.org", "BÜCHER.example", "Example.com", "xn--bcher-kva.example", "example.org"}
	given := append([]string(nil), p.AllowedDomains...)
	sent, err := svc.CreateLink(t.Context(), invitations.System(), p)
	require.NoError(t, err)
	require.Equal(t, []string{"example.com", "example.org", "xn--bcher-kva.example"}, sent.AllowedDomains)
	require.Equal(t, given, p.AllowedDomains, "the caller's slice is unchanged")
}
