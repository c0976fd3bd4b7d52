package sqliteorms_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/libtnb/sqlite"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/go-invitations/invitations"
)

// A Profile is a model of the host, for GORM and Bun.
type Profile struct {
	UserID string `gorm:"primaryKey" bun:",pk"`
	Title  string
}

type gormHost struct {
	*host
	orm *gorm.DB
}

func newGORM(t *testing.T, config gorm.Config) *gormHost {
	t.Helper()
	h := newHost(t)
	config.Logger = logger.Discard
	orm, err := openGORM(h.db, &config)
	require.NoError(t, err)
	return &gormHost{h, orm}
}

func openGORM(db *sql.DB, config *gorm.Config) (*gorm.DB, error) {
	return gorm.Open(sqlite.New(sqlite.Config{Conn: db}), config)
}

// sqlTx returns the transaction in a transaction of GORM, which nests it if it prepares statements.
func sqlTx(tx *gorm.DB) (*sql.Tx, error) {
	switch pool := tx.Statement.ConnPool.(type) {
	case *sql.Tx:
		return pool, nil
	case *gorm.PreparedStmtTX:
		return sqlTx(&gorm.DB{Statement: &gorm.Statement{ConnPool: pool.Tx}})
	default:
		return nil, fmt.Errorf("%T is not in a transaction", pool)
	}
}

func (h *gormHost) accept(ctx context.Context, token string, user invitations.Identity, title string) error {
	return h.orm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		sqlTx, err := sqlTx(tx)
		if err != nil {
			return err
		}
		member, err := h.svc.WithStore(h.store.WithTx(sqlTx)).Accept(ctx, token, user)
		if err != nil {
			return err
		}
		profile := Profile{UserID: member.UserID, Title: title}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&profile).Error
	})
}

func TestGORM(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]gorm.Config{"plain": {}, "prepared statements": {PrepareStmt: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newGORM(t, config)
			testAccept(t, h.host, h.accept)
			testImmediate(t, h.host, func(f func() error) error {
				return h.orm.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
					var profiles []Profile
					return errors.Join(tx.Find(&profiles).Error, f())
				})
			})
			_, err := sqlTx(h.orm)
			require.ErrorContains(t, err, "is not in a transaction")
			require.NoError(t, h.orm.AutoMigrate(&Profile{}))
			require.NoError(t, h.store.Check(t.Context()))
			h.check(t, "grace", true)
		})
	}
}

// GORM's nested transactions are savepoints, as the steps of the store are. One that fails takes back
// its own acceptance only.
func TestGORM_NestedTransactions(t *testing.T) {
	t.Parallel()
	h := newGORM(t, gorm.Config{})
	first, grace := h.invite(t, "grace")
	second, bob := h.invite(t, "bob")
	err := h.orm.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		nested := &gormHost{h.host, tx}
		if err := nested.accept(t.Context(), first, grace, "Rear Admiral"); err != nil {
			return err
		}
		require.ErrorContains(t, nested.accept(t.Context(), second, bob, ""), "CHECK constraint failed")
		return nil
	})
	require.NoError(t, err)
	h.check(t, "grace", true)
	h.check(t, "bob", false)
	require.NoError(t, h.accept(t.Context(), second, bob, "Builder"))
	h.check(t, "bob", true)
}
