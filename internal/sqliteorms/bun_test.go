package sqliteorms_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/go-invitations/invitations"
)

type bunHost struct {
	*host
	orm *bun.DB
}

func (h *bunHost) accept(ctx context.Context, token string, user invitations.Identity, title string) error {
	return h.orm.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		member, err := h.svc.WithStore(h.store.WithTx(tx.Tx)).Accept(ctx, token, user)
		if err != nil {
			return err
		}
		profile := &Profile{UserID: member.UserID, Title: title}
		_, err = tx.NewInsert().Model(profile).On("conflict do nothing").Exec(ctx)
		return err
	})
}

func openBun(db *sql.DB) *bun.DB {
	return bun.NewDB(db, sqlitedialect.New())
}

func TestBun(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	b := &bunHost{h, openBun(h.db)}
	testAccept(t, h, b.accept)
	testImmediate(t, h, func(f func() error) error {
		return b.orm.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewSelect().Model((*Profile)(nil)).Count(ctx)
			return errors.Join(err, f())
		})
	})
}
