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
	if org == nil {
		return invitations.Consumed{}, nil
	}
	org.mu.Lock()
	defer org.mu.Unlock()
	return consume(c, org.members[c.UserID].Role, org.quotas), nil
}

// consume takes from the quotas what c may take.
func consume(c invitations.Consumption, role invitations.Role, quotas map[string]invitations.QuotaRecord) invitations.Consumed {
	put, ok := c.Decide(role, quotas)
	for _, q := range put {
		quotas[q.UserID] = q
	}
	consumed := invitations.Consumed{Taken: ok, Role: role, Quotas: map[string]invitations.QuotaRecord{}}
	for _, user := range []string{"", c.UserID} {
		if q := quotas[user]; q.Quota != (invitations.Quota{}) {
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

// setQuota puts q. What is used stays if the period does.
func setQuota(quotas map[string]invitations.QuotaRecord, q invitations.QuotaRecord) {
	old := quotas[q.UserID]
	q.PeriodStart, q.Used = old.PeriodStart, old.Used
	if old.Period != q.Period {
		q.PeriodStart, q.Used = time.Time{}, 0
	}
	quotas[q.UserID] = q
}
