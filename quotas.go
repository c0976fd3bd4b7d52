package invitations

import (
	"context"
	"time"
)

// Consume takes amount, 1 to 10^15, from the quotas of a user in the workspace. In an
// organization these are the member's own and the shared one, otherwise the personal one. It
// takes the amount from each of them or from none, in one atomic step and one round trip. It
// returns the balance afterwards. A quota that is not set limits and counts nothing. One with
// [NoLimit] counts.
//
// In an organization, the user's role at that instant must hold
// [PermissionOrganizationUse]. Consume knows no ceiling of an API key: see [Actor.AtMost].
//
// Consumers of one quota wait for each other's commit. One busy shared quota therefore allows
// about one Consume per commit time of the database, however many clients there are. Beyond
// that rate, consume larger amounts, or give the members quotas of their own and the
// organization none.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], and [ErrQuotaExceeded] as a
// [QuotaExceededError]. After [ErrOutcomeUnknown] the amount may have been taken; repeating
// the call takes it again.
func (s *Service) Consume(ctx context.Context, w Workspace, user string, amount int64) (_ Balance, err error) {
	ctx, op := s.observe(ctx, "Consume")
	defer op.end(&err)
	if err := checkUse(w, user); err != nil {
		return Balance{}, err
	}
	if err := checkAmount(amount); err != nil {
		return Balance{}, err
	}
	r := s.rules()
	c := Consumption{Organization: w.organization, UserID: user, Amount: amount, Periods: periodStarts(r.now)}
	if !w.personal {
		c.Roles = r.policy.rolesWith(PermissionOrganizationUse)
	}
	consumed, err := s.store.Consume(ctx, c)
	if err != nil {
		return Balance{}, err
	}
	b := balance(consumed.Quotas, user, r.now)
	switch {
	case consumed.Taken:
		return b, nil
	case !w.personal && !r.policy.Allows(consumed.Role, PermissionOrganizationUse):
		return Balance{}, ErrPermissionDenied
	}
	return Balance{}, &QuotaExceededError{Amount: amount, Balance: b}
}

// RefundParams are the parameters of [Service.Refund].
type RefundParams struct {
	Workspace Workspace
	UserID    string
	Amount    int64     // 1 to 10^15
	At        time.Time // the At of the balance that Consume returned
}

// Refund gives back an amount that [Service.Consume] took, and returns the balance afterwards.
// It lowers each quota that is still in the period from which the amount was taken, to 0 at the
// least. A period that is over stays as it is. Refund has no actor: it is for the host itself.
// The user need not be a member any more. The library does not remember single consumptions: the
// host must not give back more than a quota counted, because the excess lowers other use.
// Repeating the call gives the amount back again.
//
// Refusals: [ErrInvalid].
func (s *Service) Refund(ctx context.Context, p RefundParams) (_ Balance, err error) {
	ctx, op := s.observe(ctx, "Refund")
	defer op.end(&err)
	if err := checkUse(p.Workspace, p.UserID); err != nil {
		return Balance{}, err
	}
	if err := checkAmount(p.Amount); err != nil {
		return Balance{}, err
	}
	switch {
	case p.At.IsZero():
		return Balance{}, required("at")
	case !storable(p.At.UTC()):
		return Balance{}, outOfYears("at")
	}
	now, periods := s.now(), periodStarts(p.At)
	for period, start := range periodStarts(now) {
		if periods[period].Before(start) { // over, even if nothing was used since
			periods[period] = time.Time{}
		}
	}
	consumed, err := s.store.Consume(ctx, Consumption{
		Organization: p.Workspace.organization, UserID: p.UserID, Amount: -p.Amount, Periods: periods,
	})
	if err != nil {
		return Balance{}, err
	}
	return balance(consumed.Quotas, p.UserID, now), nil
}

func checkAmount(amount int64) error {
	if amount < 1 || amount > maxAmount {
		return outOfRange[int64]("amount", 1, maxAmount)
	}
	return nil
}

// Remaining returns the balance of a user in the workspace. In an organization it is for
// members: others are refused with [ErrPermissionDenied].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Remaining(ctx context.Context, w Workspace, user string) (_ Balance, err error) {
	ctx, op := s.observe(ctx, "Remaining")
	defer op.end(&err)
	if err := checkUse(w, user); err != nil {
		return Balance{}, err
	}
	now := s.now()
	if w.personal {
		personal, _, err := s.store.Workspaces(ctx, WorkspaceQuery{UserID: user})
		if err != nil {
			return Balance{}, err
		}
		return Balance{Own: personal.usage(now), At: now}, nil
	}
	f, err := s.store.View(ctx, Query{Organization: w.organization, Members: []string{user}, Quotas: true})
	if err != nil {
		return Balance{}, err
	}
	if _, ok := f.Members[user]; !ok {
		return Balance{}, ErrPermissionDenied
	}
	return balance(f.Quotas, user, now), nil
}

func checkUse(w Workspace, user string) error {
	if err := w.check(); err != nil {
		return err
	}
	return checkUser("user_id", user)
}

// SetQuotaParams are the parameters of [Service.SetQuota].
type SetQuotaParams struct {
	Workspace Workspace
	UserID    string // empty for the shared quota of an organization
	Quota     Quota  // the zero Quota removes the present one
}

// SetQuota sets a quota. The amount used in the present period remains, unless the kind of
// period changes: then it starts from 0, and [Service.Usage] still knows the former amount.
//
// To set a member's own quota the actor needs [PermissionQuotaUpdate] and every permission of
// the member's role. Only [System] can set the shared quota of an organization and a user's
// personal quota. A member's quota remains when they leave or are removed, and limits them
// when they return; an email invitation sent after it was set can bring another one.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (no such member or, for
// System, no such organization).
func (s *Service) SetQuota(ctx context.Context, actor Actor, p SetQuotaParams) (err error) {
	ctx, op := s.observe(ctx, "SetQuota")
	defer op.end(&err)
	if err := actor.check(); err != nil {
		return err
	}
	if err := p.Workspace.check(); err != nil {
		return err
	}
	if p.UserID != "" || p.Workspace.personal {
		if err := checkUser("user_id", p.UserID); err != nil {
			return err
		}
	}
	if err := p.Quota.check(); err != nil {
		return err
	}
	if p.Workspace.personal {
		if !actor.unlimited() {
			return ErrPermissionDenied
		}
		return s.store.SetPersonalQuota(ctx, p.UserID, p.Quota)
	}
	_, err = run(ctx, s, quotaChange{actor, p.Workspace.organization, p.UserID, p.Quota})
	return err
}

type quotaChange struct {
	actor              Actor
	organization, user string // an empty user: the shared quota
	quota              Quota
}

func (a quotaChange) needs(rules) Query { return needQuotas(a.actor, a.organization, a.user) }

func (a quotaChange) decide(r rules, f Facts) (Quota, Changes, error) {
	if a.user == "" {
		if !a.actor.unlimited() {
			return Quota{}, Changes{}, ErrPermissionDenied
		}
		if err := r.may(f, a.actor, PermissionQuotaUpdate); err != nil {
			return Quota{}, Changes{}, err
		}
	} else if _, err := r.findMember(f, a.actor, PermissionQuotaUpdate, a.user); err != nil {
		return Quota{}, Changes{}, err
	}
	return a.quota, r.putQuota(Changes{}, f, a.actor.user, a.user, a.quota), nil
}

func needQuotas(actor Actor, organization, user string) Query {
	q := Query{Organization: organization, Members: actor.members(), Quotas: true}
	if user != "" {
		q.Members = append(q.Members, user)
	}
	return q
}

// Quota returns the balance of a member, or of the shared quota for an empty user. The actor
// needs [PermissionQuotaUpdate]. For a user's own balance, use [Service.Remaining].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (no such member or, for
// System, no such organization).
func (s *Service) Quota(ctx context.Context, actor Actor, organization, user string) (_ Balance, err error) {
	ctx, op := s.observe(ctx, "Quota")
	defer op.end(&err)
	if err := checkActing(actor, organization); err != nil {
		return Balance{}, err
	}
	if user != "" {
		if err := checkUser("user_id", user); err != nil {
			return Balance{}, err
		}
	}
	r, f, err := s.view(ctx, needQuotas(actor, organization, user))
	if err != nil {
		return Balance{}, err
	}
	if err := r.may(f, actor, PermissionQuotaUpdate); err != nil {
		return Balance{}, err
	}
	if _, ok := f.Members[user]; user != "" && !ok {
		return Balance{}, ErrNotFound
	}
	return balance(f.Quotas, user, r.now), nil
}
