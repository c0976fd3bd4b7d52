package invitations

import (
	"math"
	"strconv"
	"time"
)

// A Period is how long a quota counts before it begins anew.
type Period string

const (
	PeriodDay   Period = "day"   // from midnight, UTC
	PeriodMonth Period = "month" // from midnight of the first, UTC
	// PeriodEndless never begins anew.
	PeriodEndless Period = "endless"
)

// A Quota is how much may be used within a period. What is counted is the host's to say:
// calls, tokens, cents. The zero Quota is none: nothing is limited, and nothing counted. A
// Limit of 0 with a Period lets nothing be used.
type Quota struct {
	Limit  int64  `json:"limit"` // 0 to 10^15
	Period Period `json:"period"`
}

// maxAmount bounds limits and what is consumed at once, so that no sum overflows.
const maxAmount = 1_000_000_000_000_000

func (q Quota) check() error {
	switch {
	case q == Quota{}:
		return nil
	case q.Limit < 0 || q.Limit > maxAmount:
		return invalid("quota", "has a limit that is not between 0 and "+strconv.Itoa(maxAmount))
	case q.Period != PeriodDay && q.Period != PeriodMonth && q.Period != PeriodEndless:
		return invalid("quota", "has an unknown period")
	}
	return nil
}

// Usage is a quota and how much of it is used in the present period.
type Usage struct {
	Quota
	Used int64 `json:"used"`
	// ResetsAt is when the next period begins; zero for an endless one.
	ResetsAt time.Time `json:"resets_at,omitzero"`
}

// Left returns how much can still be used. It is never negative, also where the limit was
// lowered below what is used.
func (u Usage) Left() int64 { return max(0, u.Limit-u.Used) }

// A Balance is what limits a user in a workspace.
type Balance struct {
	// Own is the user's own quota: the personal one, or the member's within the
	// organization. Nil: there is none.
	Own *Usage `json:"own,omitempty"`
	// Shared is the quota of the organization, which all its members use. Nil: there is
	// none.
	Shared *Usage `json:"shared,omitempty"`
}

// Left returns how much the quotas still allow, and whether they limit it at all; without a
// limit amount is [math.MaxInt64]. Whether the user may consume is not said.
func (b Balance) Left() (amount int64, limited bool) {
	amount = math.MaxInt64
	for _, u := range []*Usage{b.Own, b.Shared} {
		if u != nil {
			amount, limited = min(amount, u.Left()), true
		}
	}
	return amount, limited
}
