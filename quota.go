package invitations

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// A Period is the time after which a quota starts again from zero.
type Period string

const (
	PeriodDay     Period = "day"     // from midnight, UTC
	PeriodMonth   Period = "month"   // from midnight of the first day, UTC
	PeriodEndless Period = "endless" // never starts again
)

// NoLimit as the Limit of a [Quota] limits nothing. The use is counted, up to 9*10^15 in a period.
// As the Members of [Limits] it takes away the member limit of [Config].
const NoLimit = -1

// A Quota is how much can be used within a period. The host chooses the unit: calls,
// tokens, cents. The zero Quota means no quota: nothing is limited and nothing is counted. A
// Limit of 0 with a Period forbids all use.
type Quota struct {
	Limit  int64  `json:"limit"` // 0 to 10^15, or NoLimit
	Period Period `json:"period"`
}

const (
	// maxAmount bounds limits and amounts, so that no sum overflows.
	maxAmount = 1_000_000_000_000_000
	// maxUsed bounds the amount that is counted in a period without a limit. JSON readers can
	// keep it in a number (2^53, RFC 8259, 6).
	maxUsed = 9_000_000_000_000_000
)

func (q Quota) check() error {
	switch {
	case q == Quota{}:
		return nil
	case q.Limit != NoLimit && (q.Limit < 0 || q.Limit > maxAmount):
		return outOfRangeBecause[int64]("quota", fmt.Sprintf("must have a limit between 0 and %d", int64(maxAmount)), 0, maxAmount)
	case q.Period != PeriodDay && q.Period != PeriodMonth && q.Period != PeriodEndless:
		return invalid("quota", "unknown_value", "must have the period day, month or endless")
	}
	return nil
}

// Usage is a quota and the amount used in the present period.
type Usage struct {
	Quota
	Used     int64     `json:"used"`
	ResetsAt time.Time `json:"resets_at,omitzero"` // start of the next period; zero if endless
}

// Left returns the amount that can still be used. It is never negative, even if the limit was
// lowered below the amount used. Without a limit it is [math.MaxInt64].
func (u Usage) Left() int64 {
	if u.Limit == NoLimit {
		return math.MaxInt64
	}
	return max(0, u.Limit-u.Used)
}

// A Balance is the usage of the quotas that limit a user in a workspace.
type Balance struct {
	// Own is the user's own quota: personal, or of the member within the organization. Nil
	// means none.
	Own *Usage `json:"own,omitempty"`
	// Shared is the quota that all members of the organization share. Nil means none.
	Shared *Usage `json:"shared,omitempty"`
	// At is the instant of the call. [Service.Refund] asks for that of the Consume.
	At time.Time `json:"at,omitzero"`
}

// Left returns the amount that the quotas still allow, and whether any quota has a limit;
// without one the amount is [math.MaxInt64]. It does not say whether the user has the
// permission to use it.
func (b Balance) Left() (amount int64, limited bool) {
	amount = math.MaxInt64
	for _, u := range []*Usage{b.Own, b.Shared} {
		if u != nil && u.Limit != NoLimit {
			amount, limited = min(amount, u.Left()), true
		}
	}
	return amount, limited
}

// A QuotaRecord is a quota as a store keeps it, with the amount used. A store must keep the
// zero Quota like any other. When a quota is set again, PeriodStart and Used must stay if the
// Period stays the same. Otherwise they must become zero, and [UsageQuery] says what stays of
// the former ones.
type QuotaRecord struct {
	Organization string `json:"organization"` // empty for a personal quota
	UserID       string `json:"user_id"`      // empty for the organization's shared quota
	Quota
	Version int64 `json:"version"` // of the change that set it; 0 for a personal quota
	// PeriodStart is the start of the period to which Used belongs; the zero time before
	// anything is used.
	PeriodStart time.Time `json:"period_start"`
	Used        int64     `json:"used"`
}

// periodStarts returns the starts of the periods that contain an instant.
func periodStarts(now time.Time) map[Period]time.Time {
	year, month, day := now.UTC().Date()
	return map[Period]time.Time{
		PeriodDay:     time.Date(year, month, day, 0, 0, 0, 0, time.UTC),
		PeriodMonth:   time.Date(year, month, 1, 0, 0, 0, 0, time.UTC),
		PeriodEndless: time.Unix(0, 0).UTC(),
	}
}

// in returns q in the present periods. A later period stays: the clock of an earlier call was
// ahead.
func (q QuotaRecord) in(starts map[Period]time.Time) QuotaRecord {
	if start := starts[q.Period]; q.PeriodStart.Before(start) {
		q.PeriodStart, q.Used = start, 0
	}
	return q
}

// usage returns the usage at the instant now, or nil if there is no quota.
func (q *QuotaRecord) usage(now time.Time) *Usage {
	if q == nil || q.Quota == (Quota{}) {
		return nil
	}
	present := q.in(periodStarts(now))
	return &Usage{Quota: q.Quota, Used: present.Used, ResetsAt: q.Period.end(present.PeriodStart)}
}

// end returns the start of the next period, or the zero time if the period is endless.
func (p Period) end(start time.Time) time.Time {
	switch year, month, day := start.Date(); p {
	case PeriodDay:
		return time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
	case PeriodMonth:
		return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}
}

// balance returns the balance of a user, from the quotas by user ID.
func balance(quotas map[string]QuotaRecord, user string, now time.Time) Balance {
	own, shared := quotas[user], quotas[""]
	b := Balance{Shared: shared.usage(now), At: now}
	if user != "" {
		b.Own = own.usage(now)
	}
	return b
}

// A Consumption asks a store to take an amount, or to give one back: in an organization from
// its shared quota and the member's own, otherwise from the user's personal quota.
type Consumption struct {
	Organization string // empty: the personal quota
	UserID       string
	Roles        []Role // in an organization, the roles that may consume; a refund needs none
	Amount       int64  // at least 1; at most -1 for a refund
	// Periods are the starts of the periods of all three kinds: the present ones or, for a
	// refund, those in which the amount was taken. The zero time stands for one that is over.
	Periods map[Period]time.Time
}

// Decide returns the quotas to write, given the member's role (empty if the user is not a
// member) and the existing quotas by user ID, the shared one under "". It returns false, and
// nothing is to be written, if the role may not consume or a quota has too little left. The
// empty role may never consume in an organization, even if Roles contains it.
//
// A refund needs no role. It lowers the amounts of the quotas that are still in the period of
// the consumption, to 0 at the least.
func (c Consumption) Decide(role Role, quotas map[string]QuotaRecord) (put []QuotaRecord, ok bool) {
	refund := c.Amount < 0
	if c.Organization != "" && !refund && (role == "" || !slices.Contains(c.Roles, role)) {
		return nil, false
	}
	for _, user := range []string{"", c.UserID} {
		q := quotas[user]
		switch {
		case q.Quota == (Quota{}):
		case !refund:
			q = q.in(c.Periods)
			switch q.Used += c.Amount; {
			case q.Limit == NoLimit:
				q.Used = min(q.Used, maxUsed)
			case q.Used > q.Limit:
				return nil, false
			}
			put = append(put, q)
		case q.PeriodStart.Equal(c.Periods[q.Period]) && q.Used > 0:
			q.Used = max(0, q.Used+c.Amount)
			put = append(put, q)
		}
	}
	return put, true
}

// Consumed is the answer of a store to a [Consumption].
type Consumed struct {
	Taken bool
	Role  Role // of the member; empty if the user is not a member, and for a personal quota
	// Quotas are the shared quota, under "", and the user's own, as they are afterwards. They
	// are returned also if nothing was taken and if the user is not a member. A zero Quota may
	// be left out. If the organization does not exist, there are none.
	Quotas map[string]QuotaRecord
}
