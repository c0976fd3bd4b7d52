package linearizability

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A link with one use is accepted by two people at the same time.
func TestModel_LinkWithOneUse(t *testing.T) {
	s := settings{PendingLimit: 3, ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1}
	made := []operation{
		{Call: 1, Return: 2, In: call{Op: "CreateOrganization", Org: "org1", User: "ada"}, Out: answer{
			Body: `ada owner joined=0s through=0 by="" metadata=""`,
		}},
		{Call: 3, Return: 4, In: call{
			Op: "CreateLink", Org: "org1", Actor: "ada", ID: 1, Role: "viewer", MaxUses: 1, Lifetime: span("10m0s"),
		}, Out: answer{
			Body: `#1 link pending viewer email="" uses=0/1 created=0s by="ada" sent=0s by="ada" accepted by="" ` +
				`expires=10m0s ended=- quota=- domains=[] message="" metadata="" repeated=false token=true`,
			Tokens: []string{"token1"},
		}},
	}
	accept := func(client int, begin, end int64, user string, out answer) operation {
		return operation{Client: client, Call: begin, Return: end, Out: out, In: call{
			Op: "Accept", Org: "org1", At: span("1m0s"), Token: "token1", User: user, Email: emailOf(user), Verified: true,
		}}
	}
	joined := func(user string) answer {
		return answer{Body: renderJoined(invitations.Member{
			UserID: user, Role: "viewer", JoinedAt: epoch.Add(span("1m0s")), InvitationID: idOf(1), InvitedBy: "ada",
		}, false)}
	}
	exhausted, unknown := answer{Code: "exhausted"}, answer{Unknown: true}
	isMember := operation{Client: 3, Call: 9, Return: 10, In: call{Op: "Authorize", Org: "org1", User: "ben", Permission: "member:list"}, Out: answer{
		Body: `ben viewer joined=1m0s through=1 by="ada" metadata=""`,
	}}
	of := func(more ...operation) history { return history{s, nil, append(made, more...)} }

	requireLinearizable(t, of(accept(1, 5, 8, "ben", joined("ben")), accept(2, 6, 7, "cem", exhausted)))
	requireLinearizable(t, of(accept(1, 5, never, "ben", unknown), accept(2, 6, 7, "cem", exhausted), isMember))
	requireLinearizable(t, of(accept(1, 5, never, "ben", unknown), accept(2, 6, 7, "cem", joined("cem"))))
	for name, h := range map[string]history{
		"both join":                       of(accept(1, 5, 8, "ben", joined("ben")), accept(2, 6, 7, "cem", joined("cem"))),
		"nobody joins":                    of(accept(1, 5, 8, "ben", exhausted), accept(2, 6, 7, "cem", exhausted)),
		"the refused one was before":      of(accept(2, 5, 6, "cem", exhausted), accept(1, 7, 8, "ben", joined("ben"))),
		"a lost answer cannot be in both": of(accept(1, 5, never, "ben", unknown), accept(2, 6, 7, "cem", joined("cem")), isMember),
		"the feed has it otherwise": {s, []logged{
			{Version: 1, Type: "member.joined", Actor: "ada", Subject: "ada"}, {Version: 2, Type: "invitation.created", Actor: "ada", ID: 1},
			{Version: 3, Type: "invitation.accepted", Actor: "cem", ID: 1}, {Version: 3, Type: "member.joined", Actor: "cem", Subject: "cem", ID: 1},
		}, append(made, accept(1, 5, 8, "ben", joined("ben")), accept(2, 6, 7, "cem", exhausted))},
	} {
		require.True(t, h.isFault(), name)
	}
}

// An invitation has the ID of a purged one, through which a member joined. Its erasure leaves the
// metadata of this member, because nobody accepted it.
func TestModel_EraseWithTheIDOfAPurgedInvitation(t *testing.T) {
	s := settings{PendingLimit: 3, ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1}
	invite := func(begin int64, at, expires string) operation {
		return operation{Call: begin, Return: begin + 1, In: call{
			Op: "Invite", Org: "org1", At: span(at), Actor: "system", ID: 1, Email: emailOf("ben"), Role: "viewer", Metadata: "x", Lifetime: span("1h0m0s"),
		}, Out: answer{
			Body: `#1 email pending viewer email="` + emailOf("ben") + `" uses=0/1 created=` + at + ` by="" sent=` + at + ` by="" accepted by="" ` +
				`expires=` + expires + ` ended=- quota=- domains=[] message="" metadata="x" repeated=false token=true`,
			Tokens: []string{"token" + at},
		}}
	}
	ben := `ben viewer joined=1m0s through=1 by="" metadata="x"`
	made := []operation{
		{Call: 1, Return: 2, In: call{Op: "CreateOrganization", Org: "org1", User: "ada"}, Out: answer{Body: `ada owner joined=0s through=0 by="" metadata=""`}},
		invite(3, "1m0s", "1h1m0s"),
		{Call: 5, Return: 6, In: call{
			Op: "Accept", Org: "org1", At: span("1m0s"), Token: "token1m0s", User: "ben", Email: emailOf("ben"), Verified: true,
		}, Out: answer{Body: ben + " repeated=false"}},
		{Call: 7, Return: 8, In: call{Op: "Purge", Org: "org1", At: span("48h0m0s"), Since: span("24h0m0s"), Alone: true}},
		invite(9, "48h0m0s", "49h0m0s"),
		{Call: 11, Return: 12, In: call{Op: "Erase", Org: "org1", At: span("48h0m0s"), Email: emailOf("ben")}},
	}
	member := func(body string) history {
		return history{s, nil, append(made, operation{
			Call: 13, Return: 14, In: call{Op: "Member", Org: "org1", At: span("48h0m0s"), User: "ben"}, Out: answer{Body: body},
		})}
	}
	requireLinearizable(t, member(ben))
	require.True(t, member(strings.Replace(ben, `"x"`, `""`, 1)).isFault())
}

// A sweep beside other calls may leave out what they have just made due.
func TestModel_SweepLeavesOut(t *testing.T) {
	s := settings{PendingLimit: 3, ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1}
	link := func(begin int64, id int) operation {
		return operation{Call: begin, Return: begin + 1, In: call{
			Op: "CreateLink", Org: "org1", Actor: "ada", ID: id, Role: "viewer", MaxUses: 1, Lifetime: span("10m0s"),
		}, Out: answer{
			Body: fmt.Sprintf(`#%d link pending viewer email="" uses=0/1 created=0s by="ada" sent=0s by="ada" accepted by="" `+
				`expires=10m0s ended=- quota=- domains=[] message="" metadata="" repeated=false token=true`, id),
			Tokens: []string{fmt.Sprint("token", id)},
		}}
	}
	swept := func(alone bool, first, second string) history {
		sweep := call{Op: "Sweep", Org: "org1", At: span("20m0s"), Alone: alone}
		return history{s, nil, []operation{
			{Call: 1, Return: 2, In: call{Op: "CreateOrganization", Org: "org1", User: "ada"}, Out: answer{
				Body: `ada owner joined=0s through=0 by="" metadata=""`,
			}},
			link(3, 1), link(5, 2),
			{Call: 7, Return: 8, In: sweep, Out: answer{Body: first}},
			{Call: 9, Return: 10, In: sweep, Out: answer{Body: second}},
		}}
	}
	const one, two, both = "reminded=[] expired=[1]", "reminded=[] expired=[2]", "reminded=[] expired=[1 2]"
	for _, h := range []history{swept(false, two, one), swept(false, "", both), swept(true, both, "")} {
		requireLinearizable(t, h)
	}
	for _, h := range []history{swept(true, two, one), swept(true, "", both), swept(false, both, one), swept(false, one, both)} {
		require.True(t, h.isFault(), h.literal())
	}
}
