package sqlitestore

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-invitations/invitations"
)

// An erased address is not in the file any more, also not in space that is free.
func TestErase_LeavesNothingInTheFile(t *testing.T) {
	t.Parallel()
	const address = "nina@example.com"
	path := newFile(t)
	store := openStore(t, path, fast)
	svc, err := newService(store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.CreateOrganization(t.Context(), acme, owner); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"before@example.com", address, "after@example.com"} {
		_, err := svc.Invite(t.Context(), invitations.User(owner), invitations.InviteParams{
			Organization: acme, Email: email, Role: invitations.RoleViewer, Message: strings.Repeat("Welcome, "+email+". ", 10),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	has := func(text string) bool {
		mustExec(t, store.db, `pragma wal_checkpoint(truncate)`)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(content, []byte(text))
	}
	if !has(address) {
		t.Error("the address is not in the file: the test shows nothing")
	}
	for done := false; !done; {
		erasure, err := svc.Erase(t.Context(), invitations.EraseParams{Email: address})
		if err != nil {
			t.Fatal(err)
		}
		done = erasure.Done
	}
	if has(address) {
		t.Error("the address is still in the file")
	}
	if !has("after@example.com") {
		t.Error("another address is not in the file")
	}
}
