//go:build unix

package bench_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// BenchmarkMemstore invites and accepts, in pairs: with the service on memstore, and by hand with maps
// and a mutex. It fills half of the rows first and measures the other half, so that the heap
// doubles and the garbage collector has its share. A row is an invitation that was accepted, with
// its member and, in memstore, its events.
//
// It counts processor time and not time that passes, garbage collection included. It reports the
// medians of the pairs in a second of processor time, and of their ratios. It touches the memory
// first, because on some machines the first touch of a page costs more than the pairs that fill it.
// GODEBUG=madvdontneed=0 keeps it.
func BenchmarkMemstore(b *testing.B) {
	for _, p := range []population{
		{organizations: 1, rows: 1_000},
		{organizations: 1, rows: 100_000},
		{organizations: 1, rows: 1_000_000},
		{organizations: 100_000, rows: 200_000},
	} {
		b.Run(fmt.Sprintf("organizations=%d/rows=%d", p.organizations, p.rows), func(b *testing.B) {
			var ratios, ofService, ofHand, bytes, allocations []float64
			touchMemory(p.rows * 8 << 10)
			for b.Loop() {
				s := p.measure(b, newServicePairs(b, p.organizations))
				h := p.measure(b, newHandPairs(p.organizations))
				ratios = append(ratios, s.perSecond/h.perSecond)
				ofService, ofHand = append(ofService, s.perSecond), append(ofHand, h.perSecond)
				bytes, allocations = append(bytes, s.bytes), append(allocations, s.allocations)
			}
			b.ReportMetric(0, "ns/op") // of both together, which has no meaning
			b.ReportMetric(median(ratios), "ratio")
			b.ReportMetric(median(ofService), "service/s")
			b.ReportMetric(median(ofHand), "map/s")
			b.ReportMetric(median(bytes), "B/pair")
			b.ReportMetric(median(allocations), "allocs/pair")
		})
	}
}

// A pair invites the nth person to an organization and accepts.
type pair func(organization string, n int) error

type population struct{ organizations, rows int }

// A speed is that of pairs: in a second of processor time, and what one of them allocates.
type speed struct{ perSecond, bytes, allocations float64 }

// measure makes all rows with pair. It returns the speed of the second half.
func (p population) measure(b *testing.B, pair pair) speed {
	run := func(from, to int) {
		for n := from; n < to; n++ {
			require.NoError(b, pair(organizationID(n%p.organizations), n))
		}
	}
	run(0, p.rows/2)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := processorTime(b)
	run(p.rows/2, p.rows)
	took := processorTime(b) - began
	runtime.ReadMemStats(&after)
	pairs := float64(p.rows - p.rows/2)
	return speed{
		perSecond:   pairs / took.Seconds(),
		bytes:       float64(after.TotalAlloc-before.TotalAlloc) / pairs,
		allocations: float64(after.Mallocs-before.Mallocs) / pairs,
	}
}

// touchMemory gives the process that much memory, which the pairs use again.
func touchMemory(bytes int) {
	const chunk, page = 1 << 20, 1 << 12
	chunks := make([][]byte, bytes/chunk)
	for n := range chunks {
		chunks[n] = make([]byte, chunk)
		for i := 0; i < chunk; i += page {
			chunks[n][i] = 1
		}
	}
	runtime.KeepAlive(chunks)
	runtime.GC()
}

// processorTime returns the processor time of this process so far.
func processorTime(t testing.TB) time.Duration {
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func organizationID(n int) string { return fmt.Sprintf("organization %d", n) }

// personID returns the ID of the nth person. The IDs are in no order, like those of most hosts.
func personID(n int) string { return fmt.Sprintf("%016x", uint64(n)*0x9e3779b97f4a7c15) }

func newServicePairs(b *testing.B, organizations int) pair {
	ctx := context.Background()
	svc, err := invitations.New(memstore.New(), newKeyring(b), invitations.Config{
		SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1,
	})
	require.NoError(b, err)
	for n := range organizations {
		_, err := svc.CreateOrganization(ctx, organizationID(n), "ada")
		require.NoError(b, err)
	}
	return func(organization string, n int) error {
		person := personID(n)
		email := person + "@example.com"
		sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
			Organization: organization, Email: email, Role: invitations.RoleDeveloper,
		})
		if err != nil {
			return err
		}
		_, err = svc.Accept(ctx, sent.Token.Reveal(), invitations.Identity{UserID: person, Email: email, EmailVerified: true})
		return err
	}
}

// byMaps are invitations in three maps with one mutex. They make IDs, nonces and tokens like the
// service and refuse a stranger, a second invitation of an address, and a second acceptance. They
// keep no events, no order and no other index, and know no other rule.
type byMaps struct {
	mu          sync.Mutex
	invitations map[uuid.UUID]invitations.Record
	pending     map[[2]string]uuid.UUID          // by organization and address
	members     map[[2]string]invitations.Member // by organization and user ID
	tokens      *signer
}

func newHandPairs(organizations int) pair {
	m := &byMaps{
		invitations: map[uuid.UUID]invitations.Record{}, pending: map[[2]string]uuid.UUID{},
		members: map[[2]string]invitations.Member{}, tokens: newSigner(secret),
	}
	for n := range organizations {
		m.members[[2]string{organizationID(n), "ada"}] = invitations.Member{Role: invitations.RoleOwner}
	}
	return func(organization string, n int) error {
		person := personID(n)
		email := person + "@example.com"
		token, err := m.invite(organization, "ada", email, invitations.RoleDeveloper)
		if err != nil {
			return err
		}
		return m.accept(token, person, email)
	}
}

func (m *byMaps) invite(organization, actor, email string, role invitations.Role) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	now := time.Now().UTC()
	r := invitations.Record{Nonce: newNonce(), Invitation: invitations.Invitation{
		ID: id, Organization: organization, Kind: invitations.KindEmail, State: invitations.StatePending,
		Email: strings.ToLower(email), Role: role, MaxUses: 1, CreatedBy: actor, SentBy: actor,
		CreatedAt: now, SentAt: now, ExpiresAt: now.Add(7 * 24 * time.Hour),
	}}
	m.mu.Lock()
	defer m.mu.Unlock()
	address := [2]string{organization, r.Email}
	_, invited := m.pending[address]
	if invited || m.members[[2]string{organization, actor}].Role != invitations.RoleOwner {
		return "", errRefused
	}
	m.invitations[id], m.pending[address] = r, id
	return m.tokens.sign(organization, id, r.Nonce), nil
}

func (m *byMaps) accept(token, user, email string) error {
	id, nonce, err := m.tokens.verify(token)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.invitations[id]
	member := [2]string{r.Organization, user}
	_, isMember := m.members[member]
	if !ok || isMember || r.Nonce != nonce || r.State != invitations.StatePending || r.Email != strings.ToLower(email) || !now.Before(r.ExpiresAt) {
		return errRefused
	}
	r.State, r.Uses, r.AcceptedBy, r.EndedAt = invitations.StateAccepted, 1, user, now
	m.invitations[id] = r
	delete(m.pending, [2]string{r.Organization, r.Email})
	m.members[member] = invitations.Member{
		Organization: r.Organization, UserID: user, Role: r.Role, JoinedAt: now, InvitationID: id, InvitedBy: r.SentBy,
	}
	return nil
}

// verify returns the ID and the nonce of a token of s.
func (s *signer) verify(token string) (id uuid.UUID, nonce [16]byte, err error) {
	state := s.states.Get().(*signerState)
	defer s.states.Put(state)
	text, ok := strings.CutPrefix(token, "inv_")
	state.text = append(state.text[:0], text...)
	b, err := base64.RawURLEncoding.AppendDecode(state.binary[:0], state.text)
	state.binary = b
	if !ok || err != nil || len(b) < 38+sha256.Size {
		return id, nonce, errRefused
	}
	signed := b[:len(b)-sha256.Size]
	state.mac.Reset()
	state.mac.Write(signed)
	if !hmac.Equal(state.mac.Sum(nil), b[len(signed):]) {
		return id, nonce, errRefused
	}
	copy(id[:], signed[5:])
	copy(nonce[:], signed[21:])
	return id, nonce, nil
}

// The pairs by hand must do the work that they are compared with.
func TestMemstore_ByHandDoesTheSame(t *testing.T) {
	t.Parallel()
	m := &byMaps{
		invitations: map[uuid.UUID]invitations.Record{}, pending: map[[2]string]uuid.UUID{},
		members: map[[2]string]invitations.Member{{"acme", "ada"}: {Role: invitations.RoleOwner}}, tokens: newSigner(secret),
	}
	token, err := m.invite("acme", "ada", "bob@example.com", invitations.RoleViewer)
	require.NoError(t, err)
	_, err = m.invite("acme", "ada", "bob@example.com", invitations.RoleViewer)
	require.ErrorIs(t, err, errRefused, "the address again")
	_, err = m.invite("acme", "eve", "eve@example.com", invitations.RoleViewer)
	require.ErrorIs(t, err, errRefused, "a stranger")
	forged := []byte(token)
	slices.Reverse(forged[60:100])
	require.ErrorIs(t, m.accept(string(forged), "bob", "bob@example.com"), errRefused, "a forged token")
	require.ErrorIs(t, m.accept(token, "bob", "eve@example.com"), errRefused, "another address")
	require.NoError(t, m.accept(token, "bob", "bob@example.com"))
	require.ErrorIs(t, m.accept(token, "carl", "bob@example.com"), errRefused, "a second time")
	require.Equal(t, invitations.RoleViewer, m.members[[2]string{"acme", "bob"}].Role)
}
