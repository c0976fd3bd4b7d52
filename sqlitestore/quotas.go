package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/go-invitations/invitations"
)

// Consume implements [invitations.Store].
func (s *Store) Consume(ctx context.Context, c invitations.Consumption) (invitations.Consumed, error) {
	var consumed invitations.Consumed
	err := s.change(ctx, func(tx *sql.Tx) (err error) {
		consumed, err = loadConsumed(ctx, tx, c)
		if err != nil {
			return err
		}
		var put []invitations.QuotaRecord
		put, consumed.Taken = c.Decide(consumed.Role, consumed.Quotas)
		for _, q := range put {
			if err := putQuota(ctx, tx, consumed.Quotas[q.UserID], q); err != nil {
				return err
			}
			consumed.Quotas[q.UserID] = q
		}
		return nil
	})
	if err != nil {
		return invitations.Consumed{}, err
	}
	return consumed, nil
}

// loadConsumed loads the role and the quotas of c.
func loadConsumed(
	ctx context.Context, tx *sql.Tx, c invitations.Consumption,
) (consumed invitations.Consumed, err error) {
	if c.Organization != "" {
		org, err := loadOrganization(ctx, tx, c.Organization)
		if err != nil || !org.exists() {
			return consumed, err
		}
		member, err := loadMember(ctx, tx, c.Organization, c.UserID)
		if err != nil {
			return consumed, err
		}
		if member != nil {
			consumed.Role = member.Role
		}
	}
	consumed.Quotas, err = loadQuotas(ctx, tx, c.Organization, []string{"", c.UserID})
	return consumed, err
}

// SetPersonalQuota implements [invitations.Store].
func (s *Store) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		return setQuota(ctx, tx, invitations.QuotaRecord{UserID: user, Quota: q})
	})
}

// setQuota puts q. The amount used stays if the period does.
func setQuota(ctx context.Context, tx *sql.Tx, q invitations.QuotaRecord) error {
	var old invitations.QuotaRecord
	if found, err := loadQuota(ctx, tx, q.Organization, q.UserID); err != nil {
		return err
	} else if found != nil {
		old = *found
	}
	if old.Period == q.Period {
		q.PeriodStart, q.Used = old.PeriodStart, old.Used
	} else {
		q.PeriodStart, q.Used = time.Time{}, 0
	}
	return putQuota(ctx, tx, old, q)
}

// putQuota puts q in place of old. If q is for another period, it closes that of old.
func putQuota(ctx context.Context, tx *sql.Tx, old, q invitations.QuotaRecord) error {
	if old.Organization != "" && old.Used > 0 && (old.Period != q.Period || !old.PeriodStart.Equal(q.PeriodStart)) {
		if err := closePeriod(ctx, tx, old); err != nil {
			return err
		}
	}
	return exec(ctx, tx, `insert into invitations_quotas (organization, user_id, value) values (?, ?, ?)
		on conflict (organization, user_id) do update set value = excluded.value`,
		q.Organization, q.UserID, document{q})
}

// loadQuota loads one quota, or nil if it was never set.
func loadQuota(ctx context.Context, tx *sql.Tx, organization, user string) (*invitations.QuotaRecord, error) {
	const query = `select value from invitations_quotas where organization = ? and user_id = ?`
	return first[invitations.QuotaRecord](ctx, tx, query, organization, user)
}

// loadQuotas loads the quotas of users, by user ID.
func loadQuotas(
	ctx context.Context, tx *sql.Tx, organization string, users []string,
) (map[string]invitations.QuotaRecord, error) {
	quotas := map[string]invitations.QuotaRecord{}
	for _, user := range users {
		quota, err := loadQuota(ctx, tx, organization, user)
		if err != nil {
			return nil, err
		}
		if quota != nil {
			quotas[user] = *quota
		}
	}
	return quotas, nil
}
