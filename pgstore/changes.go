package pgstore

import (
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// queueVersion queues what gives the organization its next version.
func (s *Store) queueVersion(b *pgx.Batch, f invitations.Facts) {
	var st statement
	st.text("update ", s.in, "organizations set version = ", st.param("bigint", f.Version+1), " where id = ", st.param("text", f.Organization))
	st.queue(b)
}

// queueChanges queues what applies changes. The organization has its new version already.
func (s *Store) queueChanges(b *pgx.Batch, f invitations.Facts, changes invitations.Changes) {
	org := f.Organization
	var writes []func(*statement)
	for _, r := range changes.Invitations {
		writes = append(writes, func(st *statement) { st.put(s.in, recordsTable, recordArgs(org, r)) })
	}
	for _, m := range changes.Members {
		writes = append(writes, s.putMember(org, m)...)
	}
	for _, user := range changes.Gone {
		writes = append(writes, s.deleteMember(org, user)...)
	}
	for _, r := range changes.Removals {
		writes = append(writes, func(st *statement) { st.put(s.in, removalsTable, []any{org, r.UserID, r.Version, r.At}) })
	}
	if len(changes.Quotas) > 0 { // in the order in which a consumption locks
		var st statement
		st.text("select from ", s.in, "quotas q where q.organization = ", st.param("text", org), " and q.user_id = '' for no key update")
		st.queue(b)
	}
	for _, q := range changes.Quotas {
		writes = append(writes, func(st *statement) {
			st.insert(s.in, quotasTable, []any{org, q.UserID, q.Limit, string(q.Period), q.Version})
			st.text(keepUsed("organization, user_id"), ", version = excluded.version")
		})
	}
	for i, e := range changes.Events {
		writes = append(writes, func(st *statement) { st.insert(s.in, eventsTable, eventArgs(org, f.Version+1, i, e)) })
	}
	// Each statement has its cost, so a few writes go as one. All of them would make too many
	// different statements.
	for together := range slices.Chunk(writes, 4) {
		st := statement{sql: make([]byte, 0, 2048), args: make([]any, 0, 64)}
		for i, write := range together {
			last := i == len(together)-1
			switch {
			case last:
				st.text(" ")
			case i == 0:
				st.text("with w0 as (")
			default:
				st.text(", w", strconv.Itoa(i), " as (")
			}
			write(&st)
			if !last {
				st.text(")")
			}
		}
		st.queue(b)
	}
}
