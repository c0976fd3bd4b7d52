package memstore

import (
	"context"
	"time"

	"github.com/go-invitations/invitations"
)

// Consume implements [invitations.Store].
func (s *Store) Consume(ctx context.Context, c invitations.Consumption) (invitations.Consumed, error) {
	if err := ctx.Err(); err != nil {
		return invitations.Consumed{}, err
	}
	if c.Organization == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return consume(c, "", s.personal, s.putPersonalQuota), nil
	}
	org := s.find(c.Organization)
	org.mu.Lock()
	defer org.mu.Unlock()
	if !org.exists() {
		return consume(c, "", nil, nil), nil
	}
	var role invitations.Role
	if m, ok := org.members.byUser[c.UserID]; ok {
		role = m.Role
	}
	return consume(c, role, org.quotas, org.putQuota), nil
}

// consume takes the amount of c from quotas, if they have it left. It writes them with put.
func consume(
	c invitations.Consumption, role invitations.Role,
	quotas map[string]invitations.QuotaRecord, put func(invitations.QuotaRecord),
) invitations.Consumed {
	changed, ok := c.Decide(role, quotas)
	for _, q := range changed {
		put(q)
	}
	consumed := invitations.Consumed{Taken: ok, Role: role, Quotas: map[string]invitations.QuotaRecord{}}
	for _, user := range []string{"", c.UserID} {
		if q, ok := quotas[user]; ok {
			consumed.Quotas[user] = q
		}
	}
	return consumed
}

// SetPersonalQuota implements [invitations.Store].
func (s *Store) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putPersonalQuota(keepUsed(s.personal, invitations.QuotaRecord{UserID: user, Quota: q}))
	return nil
}

// putPersonalQuota keeps q. The caller must hold s.mu.
func (s *Store) putPersonalQuota(q invitations.QuotaRecord) { s.personal[q.UserID] = q }

// personalQuota returns a copy of a user's personal quota, or nil if none was set.
func (s *Store) personalQuota(user string) *invitations.QuotaRecord {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return quotaOf(s.personal, user)
}

// putQuota keeps q. If q is for another period than before, it closes the former one.
func (o *organization) putQuota(q invitations.QuotaRecord) {
	old := o.quotas[q.UserID]
	if old.Used > 0 && (old.Period != q.Period || !old.PeriodStart.Equal(q.PeriodStart)) {
		period := closedPeriod{old.Period, instantOf(old.PeriodStart)}
		if o.closed[period] == nil {
			put(&o.closed, period, map[string]int64{})
		}
		o.closed[period][q.UserID] += old.Used
	}
	put(&o.quotas, q.UserID, q)
}

// keepUsed returns q as it is to be kept among quotas. The amount used stays if the period does.
func keepUsed(quotas map[string]invitations.QuotaRecord, q invitations.QuotaRecord) invitations.QuotaRecord {
	old := quotas[q.UserID]
	if old.Period == q.Period {
		q.PeriodStart, q.Used = old.PeriodStart, old.Used
	} else {
		q.PeriodStart, q.Used = time.Time{}, 0
	}
	return q
}

// quotaOf returns a copy of a user's quota, or nil if none was set.
func quotaOf(quotas map[string]invitations.QuotaRecord, user string) *invitations.QuotaRecord {
	if q, ok := quotas[user]; ok {
		return &q
	}
	return nil
}
