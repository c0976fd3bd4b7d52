package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// A Membership is a model of your application. The library keeps the members in its table: see
// membersTable.
type Membership struct {
	ID        uint   `gorm:"primaryKey"`
	TeamID    string `gorm:"not null;uniqueIndex:idx_team_user"`
	UserID    string `gorm:"not null;uniqueIndex:idx_team_user"`
	Role      string `gorm:"not null"`
	CreatedAt time.Time
	DeletedAt gorm.DeletedAt
}

// A Profile is a model of your application too.
type Profile struct {
	TeamID string `gorm:"primaryKey"`
	UserID string `gorm:"primaryKey"`
	Title  string `gorm:"not null;check:profiles_title_check,title <> ''"`
}

// membersTable describes the table of Membership to the library.
func membersTable(schema string) *pgstore.MembersTable {
	return &pgstore.MembersTable{
		Schema: schema, Name: "memberships",
		Organization: pgstore.Column{Name: "team_id"},
		UserID:       pgstore.Column{Name: "user_id"},
		Role:         pgstore.Column{Name: "role"},
		JoinedAt:     pgstore.Column{Name: "created_at"},
		DeletedAt:    pgstore.Column{Name: "deleted_at"},
	}
}

// An app is your application.
type app struct {
	db    *gorm.DB
	store *pgstore.Store
	svc   *invitations.Service
}

// accept accepts an invitation and creates the profile of the new member, in one transaction of
// GORM. The team stays locked until the transaction ends, so do nothing slow in it.
func (a *app) accept(ctx context.Context, token string, user invitations.Identity, title string) error {
	return a.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		svc, err := a.inTx(tx)
		if err != nil {
			return err
		}
		member, err := svc.Accept(ctx, token, user)
		if err != nil {
			return err
		}
		// If the answer to the commit is lost, call accept again. The library then returns the same
		// membership, so the profile may exist too.
		profile := Profile{TeamID: member.Organization, UserID: member.UserID, Title: title}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&profile).Error
	})
}

// inTx returns the service in a transaction of GORM.
func (a *app) inTx(tx *gorm.DB) (*invitations.Service, error) {
	pool := tx.Statement.ConnPool
	for { // GORM nests these, if it prepares statements
		prepared, ok := pool.(*gorm.PreparedStmtTX)
		if !ok {
			break
		}
		pool = prepared.Tx
	}
	sqlTx, ok := pool.(*sql.Tx)
	if !ok {
		return nil, fmt.Errorf("%T is not in a transaction", pool)
	}
	return a.svc.WithStore(a.store.WithSQLTx(sqlTx)), nil
}
