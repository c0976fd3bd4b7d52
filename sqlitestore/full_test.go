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
	check := func(what string) {
		t.Helper()
		if got := versionOf(t, limited); got != acknowledged {
			t.Errorf("%s: got version %d, want %d", what, got, acknowledged)
		}
		if got := count1(t, limited.db, `select count(*) from invitations_members`); got != int(acknowledged) {
			t.Errorf("%s: got %d members, want %d", what, got, acknowledged)
		}
		if got := count1(t, limited.db, `select count(*) from pragma_integrity_check where integrity_check <> 'ok'`); got != 0 {
			t.Errorf("%s: the file is damaged", what)
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
}
