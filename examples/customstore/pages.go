package customstore

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// Invitations implements [invitations.Store].
func (s *Store) Invitations(
	ctx context.Context, q invitations.InvitationQuery,
) (page invitations.Page[invitations.Record], err error) {
	err = snapshot(ctx, s.read, func(tx *sql.Tx) (err error) {
		if q.Organization == "" {
			page.Items, err = listReceived(ctx, tx, q)
			return err
		}
		page.Viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		page.Items, err = listInvitations(ctx, tx, q)
		return err
	})
	return page, err
}

// listInvitations returns a page of an organization's invitations. The order comes from an
// index; a filter costs reading the rows that it skips.
func listInvitations(ctx context.Context, tx *sql.Tx, q invitations.InvitationQuery) ([]invitations.Record, error) {
	const query = `select value from invitations
		where organization = :organization
			and (created_at, id) < (:created_at, :id)
			and (:state = '' or :state = case
				when state = 'pending' and expires_at <= :at then 'expired'
				else state
			end)
			and (:kind = '' or :kind = kind)
			and (:role = '' or :role = role)
			and (:email = '' or :email = email)
			and (:sent_by = '' or :sent_by = sent_by)
		order by created_at desc, id desc
		limit 0 + :limit`
	after := startOf(q)
	return all[invitations.Record](ctx, tx, query,
		sql.Named("organization", q.Organization),
		sql.Named("created_at", instant(after.CreatedAt)), sql.Named("id", after.ID),
		sql.Named("state", q.State), sql.Named("at", instant(q.At)),
		sql.Named("kind", q.Kind), sql.Named("role", q.Role),
		sql.Named("email", q.Email), sql.Named("sent_by", q.SentBy),
		sql.Named("limit", q.Limit),
	)
}

// listReceived returns a page of the pending invitations for an address. It sorts all of them for
// every page. There are few: about one for each organization that invited the address.
func listReceived(ctx context.Context, tx *sql.Tx, q invitations.InvitationQuery) ([]invitations.Record, error) {
	const query = `select value from invitations
		where email = ? and state = 'pending' and expires_at > ?
			and (created_at, id, organization) < (?, ?, ?)
		order by created_at desc, id desc, organization desc
		limit 0 + ?`
	after := startOf(q)
	return all[invitations.Record](ctx, tx, query, q.Email, instant(q.At),
		instant(after.CreatedAt), after.ID, after.Organization, q.Limit)
}

// startOf returns the position that a page begins behind. Without one, it is a position before
// all others.
func startOf(q invitations.InvitationQuery) invitations.InvitationPosition {
	if q.After != nil {
		return *q.After
	}
	lastInstant := time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	return invitations.InvitationPosition{CreatedAt: lastInstant, ID: uuid.Max}
}

// Members implements [invitations.Store].
func (s *Store) Members(
	ctx context.Context, q invitations.MemberQuery,
) (page invitations.Page[invitations.Member], err error) {
	const query = `select value from members
		where organization = :organization and user_id > :after and (:role = '' or :role = role)
		order by user_id
		limit 0 + :limit`
	err = snapshot(ctx, s.read, func(tx *sql.Tx) (err error) {
		page.Viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		page.Items, err = all[invitations.Member](ctx, tx, query,
			sql.Named("organization", q.Organization), sql.Named("after", q.After),
			sql.Named("role", q.Role), sql.Named("limit", q.Limit))
		return err
	})
	return page, err
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(
	ctx context.Context, q invitations.WorkspaceQuery,
) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	const query = `select value from members
		where user_id = ? and organization > ?
		order by organization
		limit 0 + ?`
	err = snapshot(ctx, s.read, func(tx *sql.Tx) (err error) {
		personal, err = loadQuota(ctx, tx, "", q.UserID)
		if err != nil {
			return err
		}
		members, err := all[invitations.Member](ctx, tx, query, q.UserID, q.After, q.Limit)
		if err != nil {
			return err
		}
		for _, m := range members {
			own, err := loadQuota(ctx, tx, m.Organization, m.UserID)
			if err != nil {
				return err
			}
			shared, err := loadQuota(ctx, tx, m.Organization, "")
			if err != nil {
				return err
			}
			memberships = append(memberships, invitations.Membership{Member: m, Own: own, Shared: shared})
		}
		return nil
	})
	return personal, memberships, err
}

// Events implements [invitations.Store].
func (s *Store) Events(
	ctx context.Context, q invitations.EventQuery,
) (page invitations.Page[invitations.Event], err error) {
	const oldestFirst = `select value from events
		where organization = ? and (version, place) > (?, ?) and (? or invitation_id = ?)
		order by version, place
		limit 0 + ?`
	const newestFirst = `select value from events
		where organization = ? and (version, place) < (?, ?) and (? or invitation_id = ?)
		order by version desc, place desc
		limit 0 + ?`
	query, after := oldestFirst, invitations.EventPosition{} // versions begin at 1
	if q.NewestFirst {
		query, after = newestFirst, invitations.EventPosition{Version: math.MaxInt64}
	}
	if q.After != nil {
		after = *q.After
	}
	err = snapshot(ctx, s.read, func(tx *sql.Tx) (err error) {
		page.Viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		page.Items, err = all[invitations.Event](ctx, tx, query,
			q.Organization, after.Version, after.Index, q.Invitation == uuid.Nil, q.Invitation, q.Limit)
		return err
	})
	return page, err
}
