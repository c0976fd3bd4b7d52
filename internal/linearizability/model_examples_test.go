package linearizability

import (
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
