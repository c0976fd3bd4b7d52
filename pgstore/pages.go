package pgstore

import (
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// queueViewer queues what loads the membership of a page's viewer.
func (s *Store) queueViewer(b *pgx.Batch, organization, viewer string, out **invitations.Member) {
	if viewer == "" {
		return
	}
	st := s.statement()
	st.text("select ", memberColumns("m"), " from (select) as one", s.joinMember("m", st.param("text", organization), st.param("text", viewer)))
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var m memberRow
			if err := rows.Scan(m.targets()...); err != nil {
				return err
			}
			var err error
			if *out, err = m.member(); err != nil {
				return err
			}
		}
		return nil
	})
}

// queueInvitations queues a page. Its text depends on which filters are set, so that each
// combination can have the plan that fits it.
func (s *Store) queueInvitations(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	if q.Organization == "" {
		s.queueReceived(b, q, out)
		return
	}
	st := s.statement()
	organization := st.param("text", q.Organization)
	from, where := s.in+"invitations i", "i.organization = "+organization
	switch q.State {
	case "":
	case invitations.StatePending:
		st.text(s.live("i.organization = "+organization, st.param("timestamptz", q.At)))
		from = "live i"
	case invitations.StateExpired:
		where += " and i.state = 'pending' and i.expires_at <= " + st.param("timestamptz", q.At)
	default:
		where += " and i.state = " + st.param("text", string(q.State))
	}
	for _, filter := range []struct{ column, value string }{
		{"kind", string(q.Kind)}, {"role", string(q.Role)}, {"email", q.Email}, {"sent_by", q.SentBy},
	} {
		if filter.value != "" {
			where += " and i." + filter.column + " = " + st.param("text", filter.value)
		}
	}
	if q.Email != "" {
		where += " and i.email <> ''" // names the partial index
	}
	if q.After != nil {
		where += " and (i.created_at, i.id) < (" + st.param("timestamptz", q.After.CreatedAt) + ", " + st.param("uuid", pgUUID(q.After.ID)) + ")"
	}
	st.text("select ", invitationColumns, " from ", from, " where ", where,
		" order by i.created_at desc, i.id desc limit ", st.param("bigint", int64(q.Limit)))
	st.queue(b).Query(scanRecords(out))
}

// queueReceived queues a page of the pending invitations for an address, of all organizations.
func (s *Store) queueReceived(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	st := s.statement()
	st.text(s.live("i.email <> '' and i.email = "+st.param("text", q.Email), st.param("timestamptz", q.At)),
		"select ", invitationColumns, " from live i")
	if q.After != nil {
		st.text(" where (i.created_at, i.id, i.organization) < (", st.param("timestamptz", q.After.CreatedAt), ", ",
			st.param("uuid", pgUUID(q.After.ID)), ", ", st.param("text", q.After.Organization), ")")
	}
	st.text(" order by i.created_at desc, i.id desc, i.organization desc limit ", st.param("bigint", int64(q.Limit)))
	st.queue(b).Query(scanRecords(out))
}

// scanRecords adds rows of invitations to out.
func scanRecords(out *[]invitations.Record) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			var r invitationRow
			if err := rows.Scan(r.targets()...); err != nil {
				return err
			}
			record, err := r.record()
			if err != nil {
				return err
			}
			*out = append(*out, record)
		}
		return nil
	}
}

// queueMembers queues a page of members.
func (s *Store) queueMembers(b *pgx.Batch, q invitations.MemberQuery, out *[]invitations.Member) {
	st := s.statement()
	organization := st.param("text", q.Organization)
	user, where := s.userColumn(), s.isOf(organization)
	st.text(s.selectMembers(), " where ", where)
	if q.After != "" {
		st.text(" and ", user.order(), " > ", user.value(st.param("text", q.After)))
	}
	if q.Role != "" {
		st.text(" and ", s.hasRole(st.param("text", string(q.Role))))
	}
	st.text(" order by ", user.order(), " limit ", st.param("bigint", int64(q.Limit)))
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var row memberRow
			if err := rows.Scan(row.targets()...); err != nil {
				return err
			}
			m, err := row.member()
			if err != nil {
				return err
			}
			*out = append(*out, *m)
		}
		return nil
	})
}

// queuePersonal queues what loads the personal quota of a user.
func (s *Store) queuePersonal(b *pgx.Batch, user string, out **invitations.QuotaRecord) {
	st := s.statement()
	st.text("select ", quotaColumns("q"), " from ", s.in, "personal_quotas q where q.user_id = ", st.param("text", user))
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var row quotaRow
			if err := rows.Scan(row.targets()...); err != nil {
				return err
			}
			*out = row.record("", user)
		}
		return nil
	})
}

// queueWorkspaces queues a page of a user's memberships with the quotas that limit them.
func (s *Store) queueWorkspaces(b *pgx.Batch, q invitations.WorkspaceQuery, out *[]invitations.Membership) {
	st := s.statement()
	user := st.param("text", q.UserID)
	organization := s.organizationColumn()
	after := ""
	if q.After != "" {
		after = " and " + organization.order() + " > " + organization.value(st.param("text", q.After))
	}
	st.text("select ", memberColumns("m"), ", ", quotaColumns("o"), ", ", quotaColumns("s"), " from (", s.selectMembers(), " where ",
		s.userColumn().compared(), " = ", s.userColumn().value(user), after, " order by ", organization.order(), " limit ", st.param("bigint", int64(q.Limit)), ") as m",
		s.join("quotas", "o", "m.organization", user), s.join("quotas", "s", "m.organization", "''"),
		" order by ", organization.value("m.organization"))
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var row memberRow
			var own, shared quotaRow
			if err := rows.Scan(slices.Concat(row.targets(), own.targets(), shared.targets())...); err != nil {
				return err
			}
			m, err := row.member()
			if err != nil {
				return err
			}
			*out = append(*out, invitations.Membership{
				Member: *m, Own: own.record(m.Organization, q.UserID), Shared: shared.record(m.Organization, ""),
			})
		}
		return nil
	})
}

func (s *Store) queueEvents(b *pgx.Batch, q invitations.EventQuery, out *[]invitations.Event) {
	st := s.statement()
	st.text("select ", eventColumns, " from ", s.in, "events e where e.organization = ", st.param("text", q.Organization))
	behind, order := " > ", ""
	if q.NewestFirst {
		behind, order = " < ", " desc"
	}
	if q.After != nil {
		st.text(" and (e.version, e.index)", behind, "(", st.param("bigint", q.After.Version), ", ", st.param("integer", int32(q.After.Index)), ")")
	}
	if q.Invitation != uuid.Nil {
		st.text(" and e.invitation_id = ", st.param("uuid", pgUUID(q.Invitation)))
	}
	st.text(" order by e.version", order, ", e.index", order, " limit ", st.param("bigint", int64(q.Limit)))
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var row eventRow
			if err := rows.Scan(row.targets()...); err != nil {
				return err
			}
			*out = append(*out, row.event())
		}
		return nil
	})
}
