package storetest

import (
	"context"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// faulty is a store with a fault: functions that change what goes into the store beneath, or
// what comes out of it. A function that is nil changes nothing.
type faulty struct {
	*memstore.Store

	context func(context.Context) context.Context
	query   func(*invitations.Query)
	facts   func(invitations.Query, *invitations.Facts)
	changes func(*invitations.Changes)
	update  func(change) change
	create  func(change) change

	invitationQuery func(*invitations.InvitationQuery)
	invitationPage  func(invitations.InvitationQuery, *invitations.Page[invitations.Record])
	memberQuery     func(*invitations.MemberQuery)
	memberPage      func(*invitations.Page[invitations.Membership])
	eventQuery      func(*invitations.EventQuery)
	eventPage       func(*invitations.Page[invitations.Event])
	workspaceQuery  func(*invitations.WorkspaceQuery)
	memberships     func([]invitations.Membership)
	personal        func(user *string, q *invitations.Quota)
	consumption     func(*invitations.Consumption)
	consumed        func(*invitations.Consumed)
	feedQuery       func(after *int64, limit *int)
	statisticsQuery func(*invitations.StatisticsQuery)
	viewer          func(**invitations.Member)
	sweepQuery      func(at *time.Time, limit *int)
	due             func([]invitations.Facts)
	swept           func([]invitations.Changes)
	feed            func([]invitations.Event) []invitations.Event
	usageQuery      func(*invitations.UsageQuery)
	usage           func(shared *int64, p *invitations.Page[invitations.MemberUsage])
	purge           func(purge) purge
	tracesQuery     func(p *invitations.Person, limit *int)
	traces          func([]string) []string

	// lasting, if not nil, is a store in which nothing is ever deleted or purged. The method of
	// the name lasts reads it.
	lasting *memstore.Store
	lasts   string
}

// A change is Update or Create.
type change func(context.Context, invitations.Query, invitations.Decision) error

// A purge is Purge.
type purge func(context.Context, invitations.PurgeQuery) (int, error)

// beneath returns the store that a method uses.
func (s *faulty) beneath(method string) *memstore.Store {
	if s.lasting != nil && s.lasts == method {
		return s.lasting
	}
	return s.Store
}

// last applies changes to the lasting store too.
func (s *faulty) last(organization string, c invitations.Changes) {
	if s.lasting == nil || c.Empty() {
		return
	}
	c.Deleted = false
	err := s.lasting.Create(context.Background(), invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) {
		return c, nil
	})
	if err != nil {
		panic(err)
	}
}

func call[T any](f func(*T), v *T) {
	if f != nil {
		f(v)
	}
}

func (s *faulty) with(ctx context.Context) context.Context {
	if s.context != nil {
		return s.context(ctx)
	}
	return ctx
}

// decision returns decide with the faults of facts and changes.
func (s *faulty) decision(q invitations.Query, decide invitations.Decision) invitations.Decision {
	return func(f invitations.Facts) (invitations.Changes, error) {
		if s.facts != nil {
			s.facts(q, &f)
		}
		c, err := decide(f)
		if err == nil && !c.Empty() {
			call(s.changes, &c)
			s.last(q.Organization, c)
		}
		return c, err
	}
}

func (s *faulty) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	do := change(s.Store.Update)
	if s.update != nil {
		do = s.update(do)
	}
	asked := q
	call(s.query, &q)
	return do(s.with(ctx), q, s.decision(asked, decide))
}

func (s *faulty) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	do := change(s.Store.Create)
	if s.create != nil {
		do = s.create(do)
	}
	asked := q
	call(s.query, &q)
	return do(s.with(ctx), q, s.decision(asked, decide))
}

func (s *faulty) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	asked := q
	call(s.query, &q)
	f, err := s.beneath("View").View(s.with(ctx), q)
	if s.facts != nil && err == nil {
		s.facts(asked, &f)
	}
	return f, err
}

func (s *faulty) Invitations(ctx context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
	asked := q
	call(s.invitationQuery, &q)
	page, err := s.beneath("Invitations").Invitations(s.with(ctx), q)
	call(s.viewer, &page.Viewer)
	if s.invitationPage != nil {
		s.invitationPage(asked, &page)
	}
	return page, err
}

func (s *faulty) Members(ctx context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Membership], error) {
	call(s.memberQuery, &q)
	page, err := s.beneath("Members").Members(s.with(ctx), q)
	call(s.viewer, &page.Viewer)
	call(s.memberPage, &page)
	return page, err
}

func (s *faulty) Events(ctx context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	call(s.eventQuery, &q)
	page, err := s.beneath("Events").Events(s.with(ctx), q)
	call(s.viewer, &page.Viewer)
	call(s.eventPage, &page)
	return page, err
}

func (s *faulty) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
	call(s.workspaceQuery, &q)
	personal, memberships, err := s.beneath("Workspaces").Workspaces(s.with(ctx), q)
	if s.memberships != nil {
		s.memberships(memberships)
	}
	return personal, memberships, err
}

func (s *faulty) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	if s.personal != nil {
		s.personal(&user, &q)
	}
	return s.Store.SetPersonalQuota(s.with(ctx), user, q)
}

func (s *faulty) Consume(ctx context.Context, c invitations.Consumption) (invitations.Consumed, error) {
	call(s.consumption, &c)
	consumed, err := s.Store.Consume(s.with(ctx), c)
	if s.lasting != nil {
		lasting, _ := s.lasting.Consume(ctx, c)
		if s.lasts == "Consume" {
			consumed = lasting
		}
	}
	call(s.consumed, &consumed)
	return consumed, err
}

func (s *faulty) Feed(ctx context.Context, after int64, limit int) ([]invitations.Event, error) {
	if s.feedQuery != nil {
		s.feedQuery(&after, &limit)
	}
	found, err := s.beneath("Feed").Feed(s.with(ctx), after, limit)
	if s.feed != nil {
		found = s.feed(found)
	}
	return found, err
}

func (s *faulty) Statistics(ctx context.Context, q invitations.StatisticsQuery) (*invitations.Member, invitations.Statistics, error) {
	call(s.statisticsQuery, &q)
	viewer, statistics, err := s.beneath("Statistics").Statistics(s.with(ctx), q)
	call(s.viewer, &viewer)
	return viewer, statistics, err
}

func (s *faulty) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	if s.sweepQuery != nil {
		s.sweepQuery(&at, &limit)
	}
	return s.beneath("Sweep").Sweep(s.with(ctx), at, limit, func(all []invitations.Facts) []invitations.Changes {
		if s.due != nil {
			s.due(all)
		}
		changes := decide(all)
		if s.swept != nil {
			s.swept(changes)
		}
		return changes
	})
}

func (s *faulty) Usage(ctx context.Context, q invitations.UsageQuery) (int64, invitations.Page[invitations.MemberUsage], error) {
	call(s.usageQuery, &q)
	shared, page, err := s.beneath("Usage").Usage(s.with(ctx), q)
	call(s.viewer, &page.Viewer)
	if s.usage != nil {
		s.usage(&shared, &page)
	}
	return shared, page, err
}

func (s *faulty) Purge(ctx context.Context, q invitations.PurgeQuery) (int, error) {
	do := purge(s.Store.Purge)
	if s.purge != nil {
		do = s.purge(do)
	}
	return do(s.with(ctx), q)
}

func (s *faulty) Traces(ctx context.Context, p invitations.Person, limit int) ([]string, error) {
	if s.tracesQuery != nil {
		s.tracesQuery(&p, &limit)
	}
	found, err := s.Store.Traces(s.with(ctx), p, limit)
	if s.traces != nil {
		found = s.traces(found)
	}
	return found, err
}
