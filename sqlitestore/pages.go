package sqlitestore

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
	if q.Organization == "" {
		err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
			page.Items, err = listReceived(ctx, tx, q)
			return err
		})
		return page, err
	}
	err = s.snapshotOf(ctx, q.Organization, func(tx *sql.Tx) (err error) {
		page.Viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		page.Items, err = listInvitations(ctx, tx, q)
		return err
	})
	return page, err
}

// hasState is a condition on an invitation: its state at an instant is one of those in an array.
const hasState = `(:any_state or case
		when state = 'pending' and expires_at <= :at then 'expired'
		else state
	end in (select value from json_each(:states)))`

// listInvitations returns a page of an organization's invitations. The order comes from an
// index; a filter costs reading the rows that it skips.
func listInvitations(ctx context.Context, tx *sql.Tx, q invitations.InvitationQuery) ([]invitations.Record, error) {
	const query = `select value from invitations_invitations
		where organization = :organization
			and (:kind = '' or :kind = kind)
			and (:role = '' or :role = role)
			and (:email = '' or :email = email)
			and (:sent_by = '' or :sent_by = sent_by)
			and ` + hasState + ` and (created_at, id) < (:created_at, :id)
		order by created_at desc, id desc
		limit 0 + :limit`
	after := startOf(q)
	return all[invitations.Record](ctx, tx, query,
		sql.Named("organization", q.Organization),
		sql.Named("kind", q.Kind), sql.Named("role", q.Role),
		sql.Named("email", q.Email), sql.Named("sent_by", q.SentBy),
		sql.Named("any_state", len(q.States) == 0), sql.Named("states", array(q.States)), sql.Named("at", instant(q.At)),
		sql.Named("created_at", instant(after.CreatedAt)), sql.Named("id", after.ID),
		sql.Named("limit", q.Limit),
	)
}

// listReceived returns a page of the invitations for an address in all organizations. It sorts all
// of them for every page. There are few: some for each organization that invited the address.
func listReceived(ctx context.Context, tx *sql.Tx, q invitations.InvitationQuery) ([]invitations.Record, error) {
	const query = `select value from invitations_invitations
		where email = :email and ` + hasState + `
			and (created_at, id, organization) < (:created_at, :id, :organization)
			and not exists (select 1 from invitations_organizations o where o.id = organization and deleted)
		order by created_at desc, id desc, organization desc
		limit 0 + :limit`
	after := startOf(q)
	return all[invitations.Record](ctx, tx, query,
		sql.Named("email", q.Email),
		sql.Named("any_state", len(q.States) == 0), sql.Named("states", array(q.States)), sql.Named("at", instant(q.At)),
		sql.Named("created_at", instant(after.CreatedAt)), sql.Named("id", after.ID),
		sql.Named("organization", after.Organization), sql.Named("limit", q.Limit),
	)
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
) (page invitations.Page[invitations.Membership], err error) {
	const query = `select value from invitations_members
		where organization = :organization and user_id > :after and (:role = '' or :role = role)
		order by user_id
		limit 0 + :limit`
	err = s.snapshotOf(ctx, q.Organization, func(tx *sql.Tx) (err error) {
		page.Viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		members, err := all[invitations.Member](ctx, tx, query,
			sql.Named("organization", q.Organization), sql.Named("after", q.After),
			sql.Named("role", q.Role), sql.Named("limit", q.Limit))
		if err != nil {
			return err
		}
		for _, m := range members {
			membership := invitations.Membership{Member: m}
			if q.Quotas {
				if membership, err = loadMembership(ctx, tx, m); err != nil {
					return err
				}
			}
			page.Items = append(page.Items, membership)
		}
		return nil
	})
	return page, err
}

// loadMembership loads the quotas that limit a member.
func loadMembership(ctx context.Context, tx *sql.Tx, m invitations.Member) (invitations.Membership, error) {
	own, err := loadQuota(ctx, tx, m.Organization, m.UserID)
	if err != nil {
		return invitations.Membership{}, err
	}
	shared, err := loadQuota(ctx, tx, m.Organization, "")
	if err != nil {
		return invitations.Membership{}, err
	}
	return invitations.Membership{Member: m, Own: own, Shared: shared}, nil
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(
	ctx context.Context, q invitations.WorkspaceQuery,
) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	const query = `select value from invitations_members
		where user_id = ? and organization > ?
			and not exists (select 1 from invitations_organizations where id = organization and deleted)
		order by organization
		limit 0 + ?`
	err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		personal, err = loadQuota(ctx, tx, "", q.UserID)
		if err != nil {
			return err
		}
		members, err := all[invitations.Member](ctx, tx, query, q.UserID, q.After, q.Limit)
		if err != nil {
			return err
		}
		for _, m := range members {
			membership, err := loadMembership(ctx, tx, m)
			if err != nil {
				return err
			}
			memberships = append(memberships, membership)
		}
		return nil
	})
	return personal, memberships, err
}

// Events implements [invitations.Store].
func (s *Store) Events(
	ctx context.Context, q invitations.EventQuery,
) (page invitations.Page[invitations.Event], err error) {
	const filtered = `select value from invitations_events
		where organization = :organization
			and (:any_invitation or :invitation = invitation_id)
			and (:actor = '' or :actor = actor)
			and (:any_type or type in (select value from json_each(:types)))
			and at >= :from and (:no_end or at < :to)`
	const oldestFirst = filtered + ` and (version, place) > (:version, :place)
		order by version, place
		limit 0 + :limit`
	const newestFirst = filtered + ` and (version, place) < (:version, :place)
		order by version desc, place desc
		limit 0 + :limit`
	query, after := oldestFirst, invitations.EventPosition{} // versions begin at 1
	if q.NewestFirst {
		query, after = newestFirst, invitations.EventPosition{Version: math.MaxInt64}
	}
	if q.After != nil {
		after = *q.After
	}
	err = s.snapshotOf(ctx, q.Organization, func(tx *sql.Tx) (err error) {
		page.Viewer, err = loadMember(ctx, tx, q.Organization, q.Viewer)
		if err != nil {
			return err
		}
		page.Items, err = all[invitations.Event](ctx, tx, query,
			sql.Named("organization", q.Organization),
			sql.Named("any_invitation", q.Invitation == uuid.Nil), sql.Named("invitation", q.Invitation),
			sql.Named("actor", q.Actor),
			sql.Named("any_type", len(q.Types) == 0), sql.Named("types", array(q.Types)),
			sql.Named("from", instant(q.From)), sql.Named("no_end", q.To.IsZero()), sql.Named("to", instant(q.To)),
			sql.Named("version", after.Version), sql.Named("place", after.Index),
			sql.Named("limit", q.Limit))
		return err
	})
	return page, err
}
