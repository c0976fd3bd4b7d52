package sqlitestore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-invitations/invitations"
)

// The disk is full: changes fail, change nothing and quote nothing, and reads go on. When there
// is space again, changes do too.
func TestUpdate_FullDisk(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	store := openStore(t, path, fast)
	full := fast
	pages := count1(t, store.db, `pragma page_count`)
	full.more = []string{fmt.Sprintf("_pragma=max_page_count(%d)", pages+2)}
	limited := openStore(t, path, full)
	acknowledged := int64(0)
	var err error
	for err == nil {
		if err = join(t, limited, fmt.Sprintf("secret%d", acknowledged), nothing); err == nil {
			acknowledged++
		}
	}
	if acknowledged == 0 {
		t.Error("the disk was full from the start: the test shows nothing")
	}
	for _, other := range []error{invitations.ErrConcurrentChange, invitations.ErrOutcomeUnknown} {
		if errors.Is(err, other) {
			t.Errorf("got error %v, which matches %v", err, other)
		}
	}
	if !strings.Contains(err.Error(), "full") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got error %q, want one of a full disk that quotes no value", err)
	}
	exact := func() bool {
		return versionOf(t, limited) == acknowledged &&
			count1(t, limited.db, `select count(*) from invitations_members`) == int(acknowledged) &&
			count1(t, limited.db, `select count(*) from pragma_integrity_check where integrity_check <> 'ok'`) == 0
	}
	check := func(what string) {
		t.Helper()
		if !exact() {
			t.Errorf("%s: the file has not exactly the %d acknowledged changes", what, acknowledged)
		}
	}
	check("after the failure")

	// In a transaction of the host, nothing of the failed change is committed.
	tx := begin(t, limited.db, nil)
	if err := join(t, limited.WithTx(tx), strings.Repeat("x", 10_000), nothing); err == nil {
		t.Error("the full disk took a change")
	}
	_ = tx.Commit() // SQLite may have rolled back, which is an error
	check("after the host's commit")

	if err := join(t, store, "grace", nothing); err != nil {
		t.Errorf("with more space: %v", err)
	}
	acknowledged++
	check("with more space")

	// Without a transaction, the half of a change would be there.
	mustExec(t, limited.db, `update invitations_organizations set version = version + 1`)
	_, err = limited.db.ExecContext(t.Context(), `insert into invitations_members (organization, user_id, value)
		values ('acme', ?, '{}')`, strings.Repeat("x", 10_000))
	if err == nil || exact() {
		t.Errorf("a change without a transaction was not found: the test shows nothing (error %v)", err)
	}
}
