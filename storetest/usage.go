package storetest

import (
	"github.com/go-invitations/invitations"
)

// uses are what [invitations.Store.Usage] returns.
type uses struct {
	Shared int64
	Page   invitations.Page[invitations.MemberUsage]
}

func (w *world) usage(q invitations.UsageQuery) uses {
	w.Helper()
	shared, page, err := w.store.Usage(w.ctx, q)
	w.ok(err)
	return uses{shared, page}
}
