package invitations_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// untouchable panics at every call: what is refused for its arguments never reaches a
// store.
func untouchable() *StoreMock { return &StoreMock{} }

// badNames are bad wherever an id or a name is taken.
var badNames = map[string]string{
	"empty":            "",
	"256 bytes":        strings.Repeat("x", 256),
	"256 bytes, runes": strings.Repeat("ü", 128),
	"a megabyte":       strings.Repeat("x", 1<<20),
	"invalid UTF-8":    "ac\xffme",
	"cut UTF-8":        "acme\xc3",
	"a surrogate":      "acme\xed\xa0\x80",
	"NUL":              "acme\x00",
	"a line break":     "acme\n",
	"a tab":            "ac\tme",
	"DEL":              "acme\x7f",
	"a C1 control":     "acme\u0085",
}

var badIDs = map[string]uuid.UUID{"no id": uuid.Nil}

// badOwnIDs are no version 7 UUIDs.
var badOwnIDs = map[string]uuid.UUID{
	"version 4":     uuid.MustParse("7d444840-9dc0-41d1-b245-5ffdce74fad2"),
	"version 1":     uuid.MustParse("c232ab00-9414-11ec-b3c8-9e6bdeced846"),
	"version 0":     uuid.MustParse("019531f0-0000-0000-8000-000000000001"),
	"version 8":     uuid.MustParse("019531f0-0000-8000-8000-000000000001"),
	"wrong variant": uuid.MustParse("019531f0-0000-7000-0000-000000000001"),
	"all ones":      uuid.Max,
}

var badEmails = map[string]string{
	"empty": "", "no at sign": "nina", "a list": "a@example.com,b@example.com", "a name": "N <n@example.com>",
	"too long": exactly(255), "a line break": "n@example.com\nBcc: x@example.com", "a megabyte": strings.Repeat("n", 1<<20),
}

var badLifetimes = map[string]time.Duration{
	"negative": -time.Hour, "a nanosecond": 1, "a microsecond less than a day": 24*time.Hour - time.Microsecond,
	"a nanosecond less than a day":        24*time.Hour - 1,
	"a microsecond more than 30 days":     30*24*time.Hour + time.Microsecond,
	"the longest there is":                1<<63 - 1,
	"the most negative there is":          -1 << 63,
	"a day in milliseconds, by a mistake": 24 * 60 * 60 * 1000,
}

var badMessages = map[string]string{
	"501 characters":   strings.Repeat("x", 501),
	"501 of two bytes": strings.Repeat("ü", 501),
	"501 line breaks":  strings.Repeat("\n", 501),
	"a megabyte":       strings.Repeat("x", 1<<20),
	"invalid UTF-8":    "Hello \xff",
	"NUL":              "Hello\x00",
	"carriage return":  "Hello\r\nNina",
	"a tab":            "Hello\tNina",
	"an escape":        "Hello \x1b[31m",
	"a C1 control":     "Hello\u0085",
}

var badMetadata = map[string]map[string]string{
	"17 pairs":                  pairs(17, 1),
	"100,000 pairs":             pairs(100_000, 1),
	"4097 bytes in a value":     {"k": strings.Repeat("v", 4096)},
	"4097 bytes in a key":       {strings.Repeat("k", 4097): ""},
	"4097 bytes in all":         {"a": strings.Repeat("v", 2048), "b": strings.Repeat("v", 2047)},
	"a megabyte":                {"k": strings.Repeat("v", 1<<20)},
	"an empty key":              {"": "v"},
	"a key that is not UTF-8":   {"\xff": "v"},
	"a value that is not UTF-8": {"k": "v\xc3"},
	"a key with a control":      {"k\n": "v"},
	"a value with a NUL":        {"k": "\x00"},
	"a value with a line break": {"k": "a\nb"},
}

var badMaxUses = map[string]int{"negative": -1, "10,001": 10_001, "the most": 1<<31 - 1, "the least": -1 << 31}

var badDomains = map[string][]string{
	"101":     manyDomains(101),
	"100,000": manyDomains(100_000),
	"a few":   {"example.com", "not a domain"},
	"empty":   {""},
	"address": {"nina@example.com"},
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

// The arguments that every test changes one of.
func goodInvite() invitations.InviteParams {
	return invitations.InviteParams{Organization: "acme", Email: "nina@example.com", Role: invitations.RoleDeveloper}
}

func goodLink() invitations.CreateLinkParams {
	return invitations.CreateLinkParams{Organization: "acme", Role: invitations.RoleDeveloper}
}

func goodEdit() invitations.EditParams {
	return invitations.EditParams{Organization: "acme", ID: signedID, Role: invitations.RoleViewer}
}

func goodResend() invitations.ResendParams {
	return invitations.ResendParams{Organization: "acme", ID: signedID}
}

// refused collects what is refused for one argument of one operation.
type refused struct {
	operation, field, reason string
	call                     func(ctx context.Context, svc *invitations.Service) error
}

// each makes a refused of every bad value.
func each[T any](operation, field string, bad map[string]T, call func(ctx context.Context, svc *invitations.Service, v T) error) []refused {
	var all []refused
	for name, v := range bad {
		all = append(all, refused{operation, field, name, func(ctx context.Context, svc *invitations.Service) error {
			return call(ctx, svc, v)
		}})
	}
	return all
}

type (
	ctxT = context.Context
	svcT = *invitations.Service
)

var olgaActs = invitations.User("olga")

func badArguments() [][]refused {
	token := validWire().text()
	invite := func(change func(p *invitations.InviteParams)) func(ctxT, svcT, invitations.Actor) error {
		return func(ctx ctxT, svc svcT, actor invitations.Actor) error {
			p := goodInvite()
			change(&p)
			_, err := svc.Invite(ctx, actor, p)
			return err
		}
	}
	link := func(change func(p *invitations.CreateLinkParams)) func(ctxT, svcT, invitations.Actor) error {
		return func(ctx ctxT, svc svcT, actor invitations.Actor) error {
			p := goodLink()
			change(&p)
			_, err := svc.CreateLink(ctx, actor, p)
			return err
		}
	}
	list := func(ctx ctxT, svc svcT, actor invitations.Actor, change func(p *invitations.InvitationsParams)) error {
		p := invitations.InvitationsParams{Organization: "acme"}
		change(&p)
		_, err := svc.Invitations(ctx, actor, p)
		all := 0
		for _, e := range svc.AllInvitations(ctx, actor, p) {
			all++
			if e == nil || e.Error() != err.Error() {
				return fmt.Errorf("All yields %v, List returns %v", e, err)
			}
		}
		if all != 1 {
			return fmt.Errorf("All yields %d times", all)
		}
		return err
	}
	actors := map[string]invitations.Actor{"the zero Actor": {}}
	for name, id := range badNames {
		actors["a user, "+name] = invitations.User(id)
	}
	badRoles := map[string]invitations.Role{"no role": "", "unknown": "ghost", "in capitals": "Owner", "a space": "owner ", "a megabyte": invitations.Role(strings.Repeat("r", 1<<20))}
	badFilterRoles := map[string]invitations.Role{
		"65 bytes": invitations.Role(strings.Repeat("r", 65)), "invalid UTF-8": "\xff", "a control": "owner\n",
	}
	badUsers := map[string]string{}
	badFilters := map[string]string{} // an empty one lets everything pass
	for name, v := range badNames {
		badUsers[name] = v
		if v != "" {
			badFilters[name] = v
		}
	}
	badFilterEmails := map[string]string{}
	for name, v := range badEmails {
		if v != "" {
			badFilterEmails[name] = v
		}
	}

	all := [][]refused{
		each("CreateOrganization", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.CreateOrganization(ctx, v, "olga")
			return err
		}),
		each("CreateOrganization", "owner", badUsers, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.CreateOrganization(ctx, "acme", v)
			return err
		}),
		each("Member", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.Member(ctx, v, "olga")
			return err
		}),
		each("Member", "user_id", badUsers, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.Member(ctx, "acme", v)
			return err
		}),

		each("Invite", "actor", actors, invite(func(*invitations.InviteParams) {})),
		each("Invite", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			return invite(func(p *invitations.InviteParams) { p.Organization = v })(ctx, svc, olgaActs)
		}),
		each("Invite", "email", badEmails, func(ctx ctxT, svc svcT, v string) error {
			return invite(func(p *invitations.InviteParams) { p.Email = v })(ctx, svc, olgaActs)
		}),
		each("Invite", "role", badRoles, func(ctx ctxT, svc svcT, v invitations.Role) error {
			return invite(func(p *invitations.InviteParams) { p.Role = v })(ctx, svc, olgaActs)
		}),
		each("Invite", "id", badOwnIDs, func(ctx ctxT, svc svcT, v uuid.UUID) error {
			return invite(func(p *invitations.InviteParams) { p.ID = v })(ctx, svc, olgaActs)
		}),
		each("Invite", "expires_in", badLifetimes, func(ctx ctxT, svc svcT, v time.Duration) error {
			return invite(func(p *invitations.InviteParams) { p.ExpiresIn = v })(ctx, svc, olgaActs)
		}),
		each("Invite", "message", badMessages, func(ctx ctxT, svc svcT, v string) error {
			return invite(func(p *invitations.InviteParams) { p.Message = v })(ctx, svc, olgaActs)
		}),
		each("Invite", "metadata", badMetadata, func(ctx ctxT, svc svcT, v map[string]string) error {
			return invite(func(p *invitations.InviteParams) { p.Metadata = v })(ctx, svc, olgaActs)
		}),

		each("CreateLink", "actor", actors, link(func(*invitations.CreateLinkParams) {})),
		each("CreateLink", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			return link(func(p *invitations.CreateLinkParams) { p.Organization = v })(ctx, svc, olgaActs)
		}),
		each("CreateLink", "role", badRoles, func(ctx ctxT, svc svcT, v invitations.Role) error {
			return link(func(p *invitations.CreateLinkParams) { p.Role = v })(ctx, svc, olgaActs)
		}),
		each("CreateLink", "id", badOwnIDs, func(ctx ctxT, svc svcT, v uuid.UUID) error {
			return link(func(p *invitations.CreateLinkParams) { p.ID = v })(ctx, svc, olgaActs)
		}),
		each("CreateLink", "expires_in", badLifetimes, func(ctx ctxT, svc svcT, v time.Duration) error {
			return link(func(p *invitations.CreateLinkParams) { p.ExpiresIn = v })(ctx, svc, olgaActs)
		}),
		each("CreateLink", "message", badMessages, func(ctx ctxT, svc svcT, v string) error {
			return link(func(p *invitations.CreateLinkParams) { p.Message = v })(ctx, svc, olgaActs)
		}),
		each("CreateLink", "metadata", badMetadata, func(ctx ctxT, svc svcT, v map[string]string) error {
			return link(func(p *invitations.CreateLinkParams) { p.Metadata = v })(ctx, svc, olgaActs)
		}),
		each("CreateLink", "max_uses", badMaxUses, func(ctx ctxT, svc svcT, v int) error {
			return link(func(p *invitations.CreateLinkParams) { p.MaxUses = v })(ctx, svc, olgaActs)
		}),
		each("CreateLink", "allowed_domains", badDomains, func(ctx ctxT, svc svcT, v []string) error {
			return link(func(p *invitations.CreateLinkParams) { p.AllowedDomains = v })(ctx, svc, olgaActs)
		}),

		each("Resend", "expires_in", badLifetimes, func(ctx ctxT, svc svcT, v time.Duration) error {
			p := goodResend()
			p.ExpiresIn = v
			_, err := svc.Resend(ctx, olgaActs, p)
			return err
		}),

		each("Accept", "user_id", badUsers, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.Accept(ctx, token, invitations.Identity{UserID: v, Email: "nina@example.com", EmailVerified: true})
			return err
		}),
		each("NextStep", "user_id", badUsers, func(ctx ctxT, svc svcT, v string) error {
			_, err := svc.NextStep(ctx, token, invitations.Visitor{
				Identity: invitations.Identity{UserID: v, Email: "nina@example.com"},
			})
			return err
		}),

		each("Invitations", "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error {
			return list(ctx, svc, v, func(*invitations.InvitationsParams) {})
		}),
		each("Invitations", "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.Organization = v })
		}),
		each("Invitations", "state", map[string]invitations.State{"unknown": "open", "capitals": "Pending", "a space": " "}, func(ctx ctxT, svc svcT, v invitations.State) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.State = v })
		}),
		each("Invitations", "kind", map[string]invitations.Kind{"unknown": "sms", "capitals": "Email", "a space": " "}, func(ctx ctxT, svc svcT, v invitations.Kind) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.Kind = v })
		}),
		each("Invitations", "role", badFilterRoles, func(ctx ctxT, svc svcT, v invitations.Role) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.Role = v })
		}),
		each("Invitations", "email", badFilterEmails, func(ctx ctxT, svc svcT, v string) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.Email = v })
		}),
		each("Invitations", "sent_by", badFilters, func(ctx ctxT, svc svcT, v string) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.SentBy = v })
		}),
		each("Invitations", "limit", map[string]int{"negative": -1, "101": 101, "the most": 1<<31 - 1}, func(ctx ctxT, svc svcT, v int) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.Limit = v })
		}),
		each("Invitations", "cursor", badCursors(), func(ctx ctxT, svc svcT, v string) error {
			return list(ctx, svc, olgaActs, func(p *invitations.InvitationsParams) { p.Cursor = v })
		}),
	}

	// The operations that name an invitation.
	for operation, call := range map[string]func(ctxT, svcT, invitations.Actor, string, uuid.UUID) error{
		"Resend": func(ctx ctxT, svc svcT, actor invitations.Actor, organization string, id uuid.UUID) error {
			_, err := svc.Resend(ctx, actor, invitations.ResendParams{Organization: organization, ID: id})
			return err
		},
		"Revoke": func(ctx ctxT, svc svcT, actor invitations.Actor, organization string, id uuid.UUID) error {
			_, err := svc.Revoke(ctx, actor, organization, id)
			return err
		},
		"PendingToken": func(ctx ctxT, svc svcT, actor invitations.Actor, organization string, id uuid.UUID) error {
			_, err := svc.PendingToken(ctx, actor, organization, id)
			return err
		},
		"Edit": func(ctx ctxT, svc svcT, actor invitations.Actor, organization string, id uuid.UUID) error {
			_, err := svc.Edit(ctx, actor, invitations.EditParams{Organization: organization, ID: id, Role: "viewer"})
			return err
		},
		"Invitation": func(ctx ctxT, svc svcT, actor invitations.Actor, organization string, id uuid.UUID) error {
			_, err := svc.Invitation(ctx, actor, organization, id)
			return err
		},
	} {
		all = append(all,
			each(operation, "actor", actors, func(ctx ctxT, svc svcT, v invitations.Actor) error {
				return call(ctx, svc, v, "acme", signedID)
			}),
			each(operation, "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, olgaActs, v, signedID)
			}),
			each(operation, "organization", badNames, func(ctx ctxT, svc svcT, v string) error {
				return call(ctx, svc, invitations.System(), v, signedID) // the host is checked like everybody
			}),
			each(operation, "id", badIDs, func(ctx ctxT, svc svcT, v uuid.UUID) error {
				return call(ctx, svc, olgaActs, "acme", v)
			}),
		)
	}
	all = append(all, badLifecycleArguments(actors, badRoles)...)
	return append(all, badMemberArguments(actors, badRoles)...)
}

// Every argument that is not acceptable is named, with a reason, before any store is asked;
// the store of this test panics if it is.
func TestClass41_BadArguments(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), invitations.Config{})
	seen := map[string]bool{}
	for _, group := range badArguments() {
		require.NotEmpty(t, group)
		for _, c := range group {
			t.Run(c.operation+"/"+c.field+"/"+c.reason, func(t *testing.T) {
				requireInvalid(t, c.call(t.Context(), svc), c.field)
			})
			seen[c.operation+" "+c.field] = true
		}
	}
	require.Len(t, seen, 121, "every argument of every operation")
}

// An error about an argument never quotes it.
func TestInvalidError_QuotesNothing(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), invitations.Config{})
	const secret = "s3cr3t@@"
	p, l := goodInvite(), goodLink()
	p.Email = secret
	_, err := svc.Invite(t.Context(), olgaActs, p)
	require.NotContains(t, err.Error(), "s3cr3t")
	l.AllowedDomains = []string{secret}
	_, err = svc.CreateLink(t.Context(), olgaActs, l)
	require.NotContains(t, err.Error(), "s3cr3t")
	l = goodLink()
	l.Message = secret + "\x00"
	_, err = svc.CreateLink(t.Context(), olgaActs, l)
	require.NotContains(t, err.Error(), "s3cr3t")
	l = goodLink()
	l.Metadata = map[string]string{secret: "\x00"}
	_, err = svc.CreateLink(t.Context(), olgaActs, l)
	require.NotContains(t, err.Error(), "s3cr3t")
	_, err = svc.Revoke(t.Context(), invitations.User(secret+"\n"), "acme", signedID)
	require.NotContains(t, err.Error(), "s3cr3t")
}

// What lies exactly on the bounds is fine, and reaches the store as it is.
func TestBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 127) + "x" // 255 bytes
	facts := invitations.Facts{
		Organization: long, Version: 1,
		Members: map[string]invitations.Member{long: {Organization: long, UserID: long, Role: invitations.RoleOwner}},
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	store := answering(facts)
	svc := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return now }})
	ownID := uuid.MustParse("00000000-0000-7000-bfff-ffffffffffff")

	for name, change := range map[string]func(*invitations.CreateLinkParams){
		"nothing optional":             func(*invitations.CreateLinkParams) {},
		"an id":                        func(p *invitations.CreateLinkParams) { p.ID = ownID },
		"a day":                        func(p *invitations.CreateLinkParams) { p.ExpiresIn = 24 * time.Hour },
		"30 days":                      func(p *invitations.CreateLinkParams) { p.ExpiresIn = 30 * 24 * time.Hour },
		"30 days and some nanoseconds": func(p *invitations.CreateLinkParams) { p.ExpiresIn = 30*24*time.Hour + 999 },
		"500 characters":               func(p *invitations.CreateLinkParams) { p.Message = strings.Repeat("x", 500) },
		"500 characters of four bytes": func(p *invitations.CreateLinkParams) { p.Message = strings.Repeat("🎉", 500) },
		"lines":                        func(p *invitations.CreateLinkParams) { p.Message = "Hello\n\nNina\n" },
		"16 pairs":                     func(p *invitations.CreateLinkParams) { p.Metadata = pairs(16, 1) },
		"4096 bytes":                   func(p *invitations.CreateLinkParams) { p.Metadata = map[string]string{"k": strings.Repeat("v", 4095)} },
		"an empty value":               func(p *invitations.CreateLinkParams) { p.Metadata = map[string]string{"k": ""} },
		"one use":                      func(p *invitations.CreateLinkParams) { p.MaxUses = 1 },
		"10,000 uses":                  func(p *invitations.CreateLinkParams) { p.MaxUses = 10_000 },
		"100 domains":                  func(p *invitations.CreateLinkParams) { p.AllowedDomains = manyDomains(100) },
		"a replacement character":      func(p *invitations.CreateLinkParams) { p.Message = "\ufffd" },
		"the whole of it": func(p *invitations.CreateLinkParams) {
			p.Message, p.Metadata = strings.Repeat("🎉", 500), pairs(16, 200)
		},
		"metadata in several languages": func(p *invitations.CreateLinkParams) { p.Metadata = map[string]string{"ключ": "値"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := invitations.CreateLinkParams{Organization: long, Role: invitations.RoleOwner}
			change(&p)
			before := len(store.UpdateCalls())
			sent, err := svc.CreateLink(t.Context(), invitations.User(long), p)
			require.NoError(t, err)
			require.Len(t, store.UpdateCalls(), before+1)
			require.Equal(t, p.Message, sent.Message)
			require.Equal(t, p.Metadata, sent.Metadata)
			require.Equal(t, p.MaxUses, sent.MaxUses)
			require.Len(t, sent.AllowedDomains, len(p.AllowedDomains))
			require.Equal(t, long, sent.Organization)
			require.Equal(t, long, sent.SentBy)
			if p.ID != uuid.Nil {
				require.Equal(t, p.ID, sent.ID)
			}
			want := 7 * 24 * time.Hour
			if p.ExpiresIn != 0 {
				want = p.ExpiresIn.Truncate(time.Microsecond)
			}
			require.Equal(t, now.Add(want), sent.ExpiresAt)
		})
	}

	sent, err := svc.Invite(t.Context(), invitations.User(long), invitations.InviteParams{
		Organization: long, Role: invitations.RoleOwner, Email: strings.ToUpper(exactly(254)),
	})
	require.NoError(t, err)
	require.Equal(t, exactly(254), sent.Email)

	var asked invitations.InvitationQuery
	store.InvitationsFunc = func(_ context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
		asked = q
		owner := facts.Members[long]
		return invitations.Page[invitations.Record]{Viewer: &owner}, nil
	}
	for limit, want := range map[int]int{0: 50, 1: 1, 100: 100} {
		_, err := svc.Invitations(t.Context(), invitations.User(long), invitations.InvitationsParams{
			Organization: long, Limit: limit, SentBy: long, Email: "NINA@example.com",
			Role: invitations.Role(strings.Repeat("r", 64)), State: invitations.StateExpired, Kind: invitations.KindLink,
		})
		require.NoError(t, err)
		require.Equal(t, invitations.InvitationQuery{
			Organization: long, Viewer: long, State: invitations.StateExpired, At: now, Kind: invitations.KindLink,
			Role: invitations.Role(strings.Repeat("r", 64)), Email: "nina@example.com", SentBy: long,
			Limit: want + 1, // one more tells whether there is a next page
		}, asked)
	}
}

// Domains are kept in one form, in one order, each once.
func TestAllowedDomains(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, answering(invitations.Facts{Organization: "acme", Version: 1}), invitations.Config{})
	p := goodLink()
	p.AllowedDomains = []string{"example.org", "BÜCHER.example", "Example.com", "xn--bcher-kva.example", "example.org"}
	given := append([]string(nil), p.AllowedDomains...)
	sent, err := svc.CreateLink(t.Context(), invitations.System(), p)
	require.NoError(t, err)
	require.Equal(t, []string{"example.com", "example.org", "xn--bcher-kva.example"}, sent.AllowedDomains)
	require.Equal(t, given, p.AllowedDomains, "the caller's own stay as they are")
}
