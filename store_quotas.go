package invitations

import (
	"slices"
	"time"
)

// A QuotaRecord is a quota as a store keeps it, with what is used of it. The zero Quota is
// kept like any other.
type QuotaRecord struct {
	Organization string `json:"organization"` // empty for a personal quota
	UserID       string `json:"user_id"`      // empty for the organization's own
	Quota
	Version int64 `json:"version"` // of the change that set it; zero for a personal quota
	// PeriodStart is when the period began that Used belongs to: the zero time before
	// anything is used.
	PeriodStart time.Time `json:"period_start"`
	Used        int64     `json:"used"`
}

// periods are the starts of the periods that an instant lies in.
func periods(now time.Time) map[Period]time.Time {
	year, month, day := now.UTC().Date()
	return map[Period]time.Time{
		PeriodDay:     time.Date(year, month, day, 0, 0, 0, 0, time.UTC),
		PeriodMonth:   time.Date(year, month, 1, 0, 0, 0, 0, time.UTC),
		PeriodEndless: time.Unix(0, 0).UTC(),
	}
}

// usage returns what a record says at the instant now, or nil for none.
func (q *QuotaRecord) usage(now time.Time) *Usage {
	if q == nil || q.Quota == (Quota{}) {
		return nil
	}
	present := q.in(periods(now))
	u := &Usage{Quota: q.Quota, Used: present.Used}
	switch year, month, day := present.PeriodStart.Date(); q.Period {
	case PeriodDay:
		u.ResetsAt = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
	case PeriodMonth:
		u.ResetsAt = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return u
}

// in returns q as it counts in the present periods. One that began later stays: the clock
// of whoever counted last was ahead.
func (q QuotaRecord) in(starts map[Period]time.Time) QuotaRecord {
	if start := starts[q.Period]; q.PeriodStart.Before(start) {
		q.PeriodStart, q.Used = start, 0
	}
	return q
}

// balance returns what limits user, from the quotas by user id.
func balance(quotas map[string]QuotaRecord, user string, now time.Time) Balance {
	var b Balance
	if own, ok := quotas[user]; ok && user != "" {
		b.Own = own.usage(now)
	}
	if shared, ok := quotas[""]; ok {
		b.Shared = shared.usage(now)
	}
	return b
}

// A Consumption asks to take an amount from quotas: in an organization from its own and from
// that of the member, otherwise from the user's personal one.
type Consumption struct {
	Organization string // empty: the personal quota
	UserID       string
	Roles        []Role // in an organization, the roles that may
	Amount       int64  // at least 1
	// Periods are the starts of the present periods, of all three kinds.
	Periods map[Period]time.Time
}

// Decide returns the quotas to put for the role of the member (empty if they are none) and
// the quotas that exist, by user id as in [Facts]. It reports false, and nothing is to be
// put, if the role may not or one of the quotas has not the amount left.
func (c Consumption) Decide(role Role, quotas map[string]QuotaRecord) (put []QuotaRecord, ok bool) {
	if c.Organization != "" && (role == "" || !slices.Contains(c.Roles, role)) {
		return nil, false
	}
	for _, user := range []string{"", c.UserID} {
		q, limited := quotas[user]
		if !limited || q.Quota == (Quota{}) {
			continue
		}
		q = q.in(c.Periods)
		if q.Used += c.Amount; q.Used > q.Limit {
			return nil, false
		}
		put = append(put, q)
	}
	return put, true
}

// Consumed is the answer to a [Consumption].
type Consumed struct {
	Taken bool
	Role  Role // of the member; empty if they are none, or outside organizations
	// Quotas are those that limit, by user id as in [Facts] and as they are afterwards. A
	// zero Quota limits nothing, and may be among them.
	Quotas map[string]QuotaRecord
}
