package sqlitestore

import (
	"testing"
	"time"

	"github.com/go-invitations/invitations"
)

// An amount beyond the greatest number of SQLite would be an error, at this consumption and at all
// later ones.
func TestUsage_ClosedAmountsNeverOverflow(t *testing.T) {
	t.Parallel()
	const greatest = 9_000_000_000_000_000 // amount of a quota
	store := openStore(t, newFile(t), fast)
	if err := join(t, store, "ada", nothing); err != nil {
		t.Fatal(err)
	}
	mustExec(t, store.db, `insert into invitations_closed_periods
		values ('acme', '', 'endless', '1970-01-01T00:00:00', 9000000000000000000 - 1)`)
	used := func() int64 {
		shared, _, err := store.Usage(t.Context(), invitations.UsageQuery{
			Organization: "acme", Period: invitations.PeriodEndless, PeriodStart: time.Unix(0, 0), Limit: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		return shared
	}
	set := func(period invitations.Period) {
		err := store.Update(t.Context(), invitations.Query{Organization: "acme"},
			func(invitations.Facts) (invitations.Changes, error) {
				quota := invitations.Quota{Limit: invitations.NoLimit, Period: period}
				return invitations.Changes{Quotas: []invitations.QuotaRecord{{Organization: "acme", Quota: quota}}}, nil
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		set(invitations.PeriodEndless)
		mustExec(t, store.db, `update invitations_quotas
			set value = json_set(value, '$.period_start', '1970-01-01T00:00:00Z', '$.used', 9000000000000000)`)
		if got, least := used(), int64(1000*greatest-1+greatest); got < least {
			t.Errorf("got the amount %d, want at least %d", got, least)
		}
		set(invitations.PeriodDay) // closes the amount
		if got := used(); got < 1000*greatest-1 {
			t.Errorf("got the closed amount %d", got)
		}
	}
}
