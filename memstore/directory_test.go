package memstore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A change can end between the look into an agenda and the lock of an organization. Here, the
// instant is another one as soon as the organization is locked.
func TestAgenda_LeavesOutWhatHasChanged(t *testing.T) {
	t.Parallel()
	for name, changed := range map[string]int64{"deleted": never, "later": 6, "unchanged": 5} {
		kept := never
		a := newAgenda(func(o *organization) *int64 {
			if o.mu.TryLock() {
				o.mu.Unlock()
				return &kept
			}
			return &changed
		})
		o := &organization{id: "acme"}
		a.set(o, 5)
		worked := 0
		a.due(10, func(o *organization) bool {
			worked++
			o.mu.Unlock()
			return true
		})
		require.Equal(t, name == "unchanged", worked == 1, name)
		require.True(t, o.mu.TryLock(), "it is locked no more")
	}
}
