package sqlitestore

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-invitations/invitations"
)

// deleteAcme deletes the organization of join. It may be deleted already.
func deleteAcme(t *testing.T, store *Store, also invitations.Changes) {
	t.Helper()
	q := invitations.Query{Organization: "acme", AlsoDeleted: true}
	err := store.Update(t.Context(), q, func(invitations.Facts) (invitations.Changes, error) {
		also.Deleted = true
		return also, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mustPurge purges up to limit rows, all of which are young, and checks how many are deleted.
func mustPurge(t *testing.T, store *Store, limit, want int) {
	t.Helper()
	got, err := store.Purge(t.Context(), invitations.PurgeQuery{Before: time.Unix(0, 0), Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("purged %d rows, want %d", got, want)
	}
}

// A deleted organization without rows must not be looked at by every purge that follows. A row that
// the store does not know of shows whether a purge has looked.
func TestPurge_DeletedOrganizationIsDoneOnce(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"all at once": 100, "up to the last row": 2, "one by one": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := openStore(t, newFile(t), fast)
			for _, user := range []string{"ada", "bob"} {
				if err := join(t, store, user, nothing); err != nil {
					t.Fatal(err)
				}
			}
			deleteAcme(t, store, invitations.Changes{})
			const bait = `insert into invitations_removals values ('acme', 'bait', 1)`
			const baits = `select count(*) from invitations_removals where user_id = 'bait'`
			mustExec(t, store.db, bait)
			for left := 3; left > 0; left -= limit {
				mustPurge(t, store, limit, min(left, limit))
			}
			mustPurge(t, store, limit, 0)
			mustExec(t, store.db, bait)
			mustPurge(t, store, limit, 0)
			if count1(t, store.db, baits) != 1 {
				t.Error("a purge has looked at an organization that was purged")
			}

			// A store can be asked to change it even now.
			deleteAcme(t, store, invitations.Changes{Removals: []string{"cy"}})
			for left := 2; left > 0; left -= limit {
				mustPurge(t, store, limit, min(left, limit))
			}
			mustPurge(t, store, limit, 0)
			if facts, err := store.View(t.Context(), invitations.Query{Organization: "acme", AlsoDeleted: true}); err != nil || facts.Version != 4 {
				t.Errorf("got version %d, error %v: the organization is not there", facts.Version, err)
			}
		})
	}
}

// The cost of a purge without work does not depend on how many organizations were deleted before:
// it searches a list without them. The rows of the others are searched by their organization.
func TestPurge_Plans(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	parameters := regexp.MustCompile(`:[a-z]+|\?`)
	plan := func(statement string) string {
		rows, err := store.db.QueryContext(t.Context(), "explain query plan "+parameters.ReplaceAllString(statement, "'1'"))
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var plan strings.Builder
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(detail + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return plan.String()
	}
	if got := plan(nextDeleted); !strings.Contains(got, "INDEX invitations_organizations_deleted (id>?)") || strings.Contains(got, "B-TREE") {
		t.Errorf("deleted organizations are found by\n%s", got)
	}
	for _, statement := range append(purgeDeleted, markPurged, purgeInvitations, purgeEvents) {
		if got := plan(statement); strings.Contains(got, "SCAN") || !strings.Contains(got, "SEARCH") {
			t.Errorf("%s\nhas the plan\n%s", statement, got)
		}
	}
	if got := plan(`delete from invitations_members where role > ''`); !strings.Contains(got, "SCAN") {
		t.Errorf("the control does not scan:\n%s", got)
	}
}

// A row that a constraint of the host keeps must not keep the other rows.
func TestPurge_ConstraintOfTheHost(t *testing.T) {
	t.Parallel()
	store := openStore(t, newFile(t), fast)
	mustExec(t, store.db, `create table badges (organization text, user_id text,
		foreign key (organization, user_id) references invitations_members)`)
	for _, organization := range []string{"a", "b"} {
		err := store.Create(t.Context(), invitations.Query{Organization: organization},
			func(invitations.Facts) (invitations.Changes, error) {
				return invitations.Changes{Members: []invitations.Member{{Organization: organization, UserID: "ada"}}, Deleted: true}, nil
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	mustExec(t, store.db, `insert into badges values ('a', 'ada')`)
	mustPurge(t, store, 10, 1)
	if got := count1(t, store.db, `select count(*) from invitations_members where organization = 'a'`); got != 1 {
		t.Error("the row of the other organization is there, and that of the badge is not")
	}
	refused := func(store *Store) {
		t.Helper()
		n, err := store.Purge(t.Context(), invitations.PurgeQuery{Before: time.Unix(0, 0), Limit: 10})
		if !errors.As(err, new(constraintError)) || n != 0 {
			t.Errorf("got %d rows and error %v, want that of the constraint", n, err)
		}
	}
	refused(store)
	tx := begin(t, store.db, nil)
	refused(store.WithTx(tx))
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	mustExec(t, store.db, `delete from badges`)
	mustPurge(t, store, 10, 1)
	mustPurge(t, store, 10, 0)
}
