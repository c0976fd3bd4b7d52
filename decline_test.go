package invitations

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecline(t *testing.T) {
	t.Parallel()
	want := emailRecord()
	want.State, want.EndedAt, want.SweepAt = StateDeclined, noon, time.Time{}
	record, changes, err := decided(t, factsOf(emailRecord()), func(f Facts) (Record, Changes, error) {
		return declining{token}.decide(atNoon(), f)
	})
	require.NoError(t, err)
	require.Equal(t, want.Invitation, record.Invitation)
	require.Equal(t, Changes{
		Invitations: []Record{want},
		Events: []Event{{
			Organization: acme, Type: EventInvitationDeclined, At: noon,
			InvitationID: invitedID, Role: RoleDeveloper, MaxUses: 1, ExpiresAt: want.ExpiresAt,
		}},
	}, changes)
}

// Saying no needs nobody's authority.
func TestDecline_SenderGone(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Sender = nil
	_, _, err := declining{token}.decide(atNoon(), f)
	require.NoError(t, err)
}

func TestDecline_Link(t *testing.T) {
	t.Parallel()
	_, _, err := declining{token}.decide(atNoon(), factsOf(linkRecord()))
	var refused *InvalidError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "token", refused.Field)
	require.NotEmpty(t, refused.Reason)
}

// stepAfter knows every refusal that a signed-in person can meet.
func TestStepAfter(t *testing.T) {
	t.Parallel()
	for want, reasons := range map[Step][]error{
		StepAccept:        {nil},
		StepOpen:          {ErrAlreadyMember},
		StepSwitchAccount: {ErrRecipientMismatch, ErrDomainNotAllowed},
		StepVerifyEmail:   {ErrEmailUnverified},
		StepStop: {
			ErrInvalidToken, ErrNotPending, ErrExpired, ErrRevoked, ErrDeclined, ErrAccepted, ErrExhausted,
			ErrSenderNotEntitled, ErrMemberLimit, ErrNotFound, errors.New("something new"),
		},
	} {
		for _, reason := range reasons {
			require.Equal(t, want, stepAfter(reason, false), "%v", reason)
		}
	}
	require.Equal(t, StepOpen, stepAfter(nil, true), "a member by this very invitation")
}
