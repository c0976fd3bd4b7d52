package pgstore

import (
	"context"

	"github.com/go-invitations/invitations"
)

func (s *Store) Usage(context.Context, invitations.UsageQuery) (int64, invitations.Page[invitations.MemberUsage], error) {
	panic("stub")
}
func (s *Store) Purge(context.Context, invitations.PurgeQuery) (int, error) { panic("stub") }
func (s *Store) Traces(context.Context, invitations.Person, int) ([]string, error) {
	panic("stub")
}
