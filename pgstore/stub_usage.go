package pgstore

import (
	"context"

	"github.com/go-invitations/invitations"
)

func (s *Store) Usage(context.Context, invitations.UsageQuery) (n int64, p invitations.Page[invitations.MemberUsage], err error) {
	return
}
func (s *Store) Purge(context.Context, invitations.PurgeQuery) (int, error) { return 0, nil }
func (s *Store) Traces(context.Context, invitations.Person, int) (o []string, err error) {
	return
}
