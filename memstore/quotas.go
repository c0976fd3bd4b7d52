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
		return consume(c, "", s.personal), nil
	}
	org := s.find(c.Organization)
	org.mu.Lock()
	defer org.mu.Unlock()
	if !org.exists() {
		return invitations.Consumed{Taken: c.Amount < 0}, nil
	}
	role := org.members[c.UserID].Role
	if put, ok := c.Decide(role, org.quotas); ok {
		for _, q := range put {
			org.close(q)
		}
	}
	return consume(c, role, org.quotas), nil
}

// consume takes the amount of c from quotas, if they have it left.
func consume(
	c invitations.Consumption, role invitations.Role, quotas map[string]invitations.QuotaRecord,
) invitations.Consumed {
	put, ok := c.Decide(role, quotas)
	for _, q := range put {
		quotas[q.UserID] = q
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
	setQuota(s.personal, invitations.QuotaRecord{UserID: user, Quota: q})
	return nil
}

// personalQuota returns a copy of a user's personal quota, or nil if none was set.
func (s *Store) personalQuota(user string) *invitations.QuotaRecord {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return quotaOf(s.personal, user)
}

// setQuota puts q among quotas. The amount used stays if the period does.
func setQuota(quotas map[string]invitations.QuotaRecord, q invitations.QuotaRecord) {
	old := quotas[q.UserID]
	if old.Period == q.Period {
		q.PeriodStart, q.Used = old.PeriodStart, old.Used
	} else {
		q.PeriodStart, q.Used = time.Time{}, 0
	}
	quotas[q.UserID] = q
}

// quotaOf returns a copy of a user's quota, or nil if none was set.
func quotaOf(quotas map[string]invitations.QuotaRecord, user string) *invitations.QuotaRecord {
	if q, ok := quotas[user]; ok {
		return &q
	}
	return nil
}
