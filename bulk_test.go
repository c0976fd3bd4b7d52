package invitations

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func createAll(t require.TestingT, r rules, f Facts, actor Actor, drafts []draft) ([]created, Changes, error) {
	return decided(t, f, func(f Facts) ([]created, Changes, error) { return createdBy(r, f, actor, drafts) })
}

// A draft is an invitation to make, or the reason why its arguments are refused.
type draft struct {
	Record
	err error
}

// created is the result of a draft.
type created struct {
	record   Record
	err      error
	repeated bool
}

func createdBy(r rules, f Facts, actor Actor, drafts []draft) (all []created, changes Changes, err error) {
	b := bulk{actor: actor, organization: acme}
	for _, d := range drafts {
		b.rows = append(b.rows, bulkRow{creationOf(actor, d.Record), d.err})
	}
	results, changes, err := b.decide(r, f)
	for _, result := range results {
		all = append(all, created{result.record, result.err, result.repeated})
	}
	return all, changes, err
}

// row is a draft by Adam to the nth person, with an id of that number.
func row(n byte, change ...func(*Record)) draft {
	d := draft{Record: draftOf(KindEmail)}
	d.ID[15], d.Nonce = n, [16]byte{n}
	d.Email = string('a'+rune(n)) + "@example.com"
	for _, change := range change {
		change(&d.Record)
	}
	return d
}

func rows(n byte) (all []draft) {
	for i := range n {
		all = append(all, row(i))
	}
	return all
}

// asMade is what a draft becomes; the facts are at version 9.
func asMade(d draft) Record {
	return changed(d.Record, func(r *Record) { r.SentVersion, r.SweepAt = 10, r.ExpiresAt })
}

var errBad = invalid("email", "is bad")

// noneYet are the facts when nothing is invited and the ids of the rows are asked for.
func noneYet() Facts {
	f := noInvitation()
	f.Invitations = map[uuid.UUID]Record{}
	return f
}

// All rows are one change; each is told.
func TestCreateAll(t *testing.T) {
	t.Parallel()
	drafts := rows(3)
	all, changes, err := createAll(t, atNoon(), noneYet(), User(adam), drafts)
	require.NoError(t, err)
	var want Changes
	for i, d := range drafts {
		require.Equal(t, created{record: asMade(d)}, all[i])
		want.Invitations = append(want.Invitations, asMade(d))
		want.Events = append(want.Events, eventOf(EventInvitationCreated, asMade(d), adam))
		require.Equal(t, d.Email, changes.Events[i].Email)
	}
	require.Equal(t, want, changes)
}

// What stands against all rows is the answer to the call, and the rows are not looked at.
func TestCreateAll_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts  Facts
		actor  Actor
		drafts []draft
		want   error
	}{
		"a viewer":                  {noneYet(), User(vera), rows(2), ErrPermissionDenied},
		"a stranger":                {noneYet(), User(nina), rows(2), ErrPermissionDenied},
		"nobody":                    {noneYet(), Actor{}, rows(2), ErrPermissionDenied},
		"a viewer, with bad rows":   {noneYet(), User(vera), []draft{{err: errBad}}, ErrPermissionDenied},
		"a user of no organization": {Facts{}, User(olga), rows(2), ErrPermissionDenied},
		"the host, of none":         {Facts{}, System(), rows(2), ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := createAll(t, atNoon(), c.facts, c.actor, c.drafts)
			require.Equal(t, c.want, err)
		})
	}
}

// Each row is answered for itself, and those that are fine go through.
func TestCreateAll_Rows(t *testing.T) {
	t.Parallel()
	owner := func(r *Record) { r.Role = RoleOwner }
	same := func(r *Record) { r.Email = "a@example.com" }
	id := func(n byte) func(*Record) { return func(r *Record) { r.ID[15] = n } }
	message := func(r *Record) { r.Message = "another" }
	first := row(0).ID
	for name, c := range map[string]struct {
		drafts []draft
		want   []error
	}{
		"a bad one":                           {[]draft{row(0), {err: errBad}, row(2)}, []error{nil, errBad, nil}},
		"nothing but bad ones":                {[]draft{{err: errBad}, {err: errBad}}, []error{errBad, errBad}},
		"a role above":                        {[]draft{row(0, owner), row(1)}, []error{ErrRoleNotAssignable, nil}},
		"an address twice":                    {[]draft{row(0), row(1, same), row(2)}, []error{nil, &AlreadyInvitedError{first}, nil}},
		"an address thrice":                   {[]draft{row(0), row(1, same), row(2, same)}, []error{nil, &AlreadyInvitedError{first}, &AlreadyInvitedError{first}}},
		"an address twice, first refused":     {[]draft{row(0, owner), row(1, same), row(2, same)}, []error{ErrRoleNotAssignable, nil, &AlreadyInvitedError{row(1).ID}}},
		"an id twice, the same":               {[]draft{row(0), row(0), row(2)}, []error{nil, nil, nil}},
		"an id twice, another message":        {[]draft{row(0), row(0, message), row(2)}, []error{nil, ErrConflict, nil}},
		"an id twice, another address":        {[]draft{row(0), row(1, id(0)), row(2)}, []error{nil, ErrConflict, nil}},
		"an id twice, first refused":          {[]draft{row(0, owner), row(0), row(2)}, []error{ErrRoleNotAssignable, nil, nil}},
		"an id twice, first bad":              {[]draft{{Record: row(0).Record, err: errBad}, row(0)}, []error{errBad, nil}},
		"an id twice, its address in between": {[]draft{row(0), row(1, same), row(0)}, []error{nil, &AlreadyInvitedError{first}, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, changes, err := createAll(t, atNoon(), noneYet(), User(adam), c.drafts)
			require.NoError(t, err)
			require.Len(t, all, len(c.want))
			var made []Record
			for i, want := range c.want {
				require.Equal(t, want, all[i].err, "row %d", i)
				if want != nil {
					require.Zero(t, all[i].record)
					continue
				}
				require.Equal(t, asMade(draft{Record: all[i].record}), all[i].record)
				require.Equal(t, asMade(c.drafts[i]), all[i].record)
				if len(made) == 0 || made[len(made)-1].ID != all[i].record.ID && made[0].ID != all[i].record.ID {
					made = append(made, all[i].record)
				}
			}
			require.Equal(t, made, changes.Invitations, "each once")
			require.Len(t, changes.Events, len(made))
		})
	}
}

// What exists under the id of a row is given back, whatever became of it, and takes no place.
func TestCreateAll_Again(t *testing.T) {
	t.Parallel()
	before := asMade(row(0))
	revoked := changed(before, func(r *Record) { r.State, r.EndedAt = StateRevoked, noon })
	for name, existing := range map[string]Record{"pending": before, "revoked": revoked} {
		r, f := limitedTo(sendingLimits{perOrganization: 2}), noneYet()
		f.Invitations[before.ID] = existing
		f.Sendings = sendingsAt(time.Hour)
		all, changes, err := createAll(t, r, f, User(adam), []draft{row(0), row(1)})
		require.NoError(t, err)
		require.Equal(t, []created{{record: existing, repeated: true}, {record: asMade(row(1))}}, all, name)
		require.Equal(t, []Record{asMade(row(1))}, changes.Invitations)
		all, changes, err = createAll(t, r, f, User(adam), []draft{row(0), row(0)})
		require.NoError(t, err)
		require.Equal(t, []created{{record: existing, repeated: true}, {record: existing, repeated: true}}, all, name)
		require.Zero(t, changes, "nothing is new")
		all, _, err = createAll(t, r, f, User(olga), []draft{row(0, func(r *Record) { r.CreatedBy, r.SentBy = olga, olga })})
		require.NoError(t, err)
		require.Equal(t, []created{{err: ErrConflict}}, all, "of somebody else")
	}
}

// A limit is met by exactly the row that is one too many, and rows that are refused take no
// place.
func TestCreateAll_Limits(t *testing.T) {
	t.Parallel()
	toA := func(d draft) draft { d.Email = "a@example.com"; return d }
	link := func(n byte) draft {
		d := draft{Record: draftOf(KindLink)}
		d.ID[15] = n
		return d
	}
	for name, c := range map[string]struct {
		rules rules
		facts func(*Facts)
		rows  []draft
		want  []error
	}{
		"pending": {
			atNoon(), func(f *Facts) { f.PendingCount = 8 }, rows(4), []error{nil, nil, ErrPendingLimit, ErrPendingLimit},
		},
		"pending, full": {atNoon(), func(f *Facts) { f.PendingCount = 10 }, rows(1), []error{ErrPendingLimit}},
		"pending, bad rows between": {
			atNoon(), func(f *Facts) { f.PendingCount = 8 },
			[]draft{{err: errBad}, row(1), row(1, func(r *Record) { r.Message = "x" }), toA(row(1, func(r *Record) { r.ID[15] = 3 })), row(4)},
			[]error{errBad, nil, ErrConflict, nil, ErrPendingLimit},
		},
		"pending, links count": {
			atNoon(), func(f *Facts) { f.PendingCount = 8 }, []draft{link(1), row(2), row(3)}, []error{nil, nil, ErrPendingLimit},
		},
		"seats": {
			limited(10, true), func(f *Facts) { f.MemberCount, f.PendingEmailCount = 5, 3 }, rows(3), []error{nil, nil, ErrMemberLimit},
		},
		"seats, links hold none": {
			limited(10, true), func(f *Facts) { f.MemberCount, f.PendingEmailCount = 5, 4 }, []draft{link(1), row(2), row(3)}, []error{nil, nil, ErrMemberLimit},
		},
		"seats, not reserved": {
			limited(10, false), func(f *Facts) { f.MemberCount, f.PendingEmailCount = 9, 9 }, rows(3), []error{nil, nil, nil},
		},
		"organization": {
			limitedTo(sendingLimits{perOrganization: 3}), func(f *Facts) { f.Sendings = with(sendingsAt(time.Hour), byOlga) }, rows(4),
			[]error{nil, nil, rateLimited(23 * time.Hour), rateLimited(23 * time.Hour)},
		},
		"sender": {
			limitedTo(sendingLimits{perSender: 2}), func(f *Facts) { f.Sendings = with(sendingsAt(time.Hour), byOlga) }, rows(3),
			[]error{nil, nil, rateLimited(day)},
		},
		"recipient": {
			limitedTo(sendingLimits{perRecipient: 1}), func(f *Facts) {
				f.Sendings = with(sendingsAt(time.Hour), func(s *Sending) { s.Email = "b@example.com" })
			},
			rows(3), []error{nil, rateLimited(23 * time.Hour), nil},
		},
		"recipient, in the batch": {
			limitedTo(sendingLimits{perRecipient: 1}), func(*Facts) {}, []draft{row(0), toA(row(1)), row(2)},
			[]error{nil, &AlreadyInvitedError{row(0).ID}, nil},
		},
		"links are not mailed": {
			limitedTo(sendingLimits{perOrganization: 1, perSender: 1}), func(*Facts) {}, []draft{link(1), link(2), row(3), link(4), row(5)},
			[]error{nil, nil, nil, nil, rateLimited(day)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := noneYet()
			c.facts(&f)
			all, changes, err := createAll(t, c.rules, f, User(adam), c.rows)
			require.NoError(t, err)
			made := 0
			for i, want := range c.want {
				require.Equal(t, want, all[i].err, "row %d", i)
				if want == nil {
					made++
				}
			}
			require.Len(t, changes.Invitations, made)
		})
	}
}

// rateLimited is the refusal at noon that ends after a while.
func rateLimited(wait time.Duration) error {
	return &RateLimitError{At: noon.Add(wait)}
}

// A batch by the host is of no sender, who could send too much.
func TestCreateAll_ByTheHost(t *testing.T) {
	t.Parallel()
	drafts := rows(3)
	for i := range drafts {
		drafts[i].CreatedBy, drafts[i].SentBy = "", ""
	}
	all, _, err := createAll(t, limitedTo(sendingLimits{perSender: 1, perOrganization: 2}), noneYet(), System(), drafts)
	require.NoError(t, err)
	require.Equal(t, []error{nil, nil, rateLimited(day)}, []error{all[0].err, all[1].err, all[2].err})
}

// Facts that a store has nothing for may be nil.
func TestCreateAll_NilFacts(t *testing.T) {
	t.Parallel()
	f := noneYet()
	f.Invitations, f.PendingByEmail, f.Sendings, f.Removals = nil, nil, nil, nil
	require.NotPanics(t, func() {
		all, changes, err := createAll(t, atNoon(), f, User(adam), rows(2))
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Len(t, changes.Invitations, 2)
	})
}

// Where another process's clock is ahead, a batch is answered like one call after the other.
func TestCreateAll_ClockAhead(t *testing.T) {
	t.Parallel()
	r, f := limitedTo(sendingLimits{perOrganization: 2}), noneYet()
	f.Sendings = with(sendingsAt(-time.Hour), byOlga) // the newest of all
	all, _, err := createAll(t, r, f, User(adam), rows(2))
	require.NoError(t, err)
	require.NoError(t, all[0].err)

	f.Sendings = append(f.Sendings, Sending{At: noon, Actor: adam, Email: "a@example.com"})
	_, _, want := create(t, r, f, User(adam), row(1).Record)
	require.Equal(t, rateLimited(day), want)
	require.Equal(t, want, all[1].err)
}
