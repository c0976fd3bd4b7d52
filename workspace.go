package invitations

import (
	"context"
	"strconv"
)

// A Workspace is the context that a call acts in: [Personal], or [InOrganization]. It is
// always named, so that a personal quota is never spent for an organization, nor the other
// way round. The zero Workspace is none, and every call refuses it.
type Workspace struct {
	organization string
	personal     bool
}

// Personal returns the workspace that is the user's alone.
func Personal() Workspace { return Workspace{personal: true} }

// InOrganization returns the workspace of an organization.
func InOrganization(id string) Workspace { return Workspace{organization: id} }

func (w Workspace) check() error {
	switch {
	case w.personal:
		return nil
	case w == Workspace{}:
		return invalid("workspace", "is missing")
	}
	return checkOrganization(w.organization)
}

// Consume takes amount, 1 to 10^15, from the quotas that limit user in the workspace: in an
// organization the member's own and the shared one, otherwise the personal one. It takes all
// from each or nothing, as one atomic step that costs one round trip, and returns what is
// left. A quota that does not exist limits nothing: who has no personal one is not limited.
//
// In an organization the user needs [PermissionOrganizationUse], by the role that they have
// at that instant.
//
// Those who consume one quota wait for each other's commit, so one hot organization reaches
// about one consumption per commit of the database, however many clients there are. Beyond
// that, consume in larger bites, or give members quotas of their own and the organization
// none.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], and [ErrQuotaExceeded] as a
// [QuotaExceededError]. After an [ErrOutcomeUnknown] the amount may have been taken;
// repeating the call takes it again.
func (s *Service) Consume(ctx context.Context, w Workspace, user string, amount int64) (Balance, error) {
	if err := s.checkWorkspace(w, user); err != nil {
		return Balance{}, err
	}
	if amount < 1 || amount > maxAmount {
		return Balance{}, invalid("amount", "is not between 1 and "+strconv.Itoa(maxAmount))
	}
	r := s.rules()
	c := Consumption{Organization: w.organization, UserID: user, Amount: amount, Periods: periods(r.now)}
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

func (s *Service) checkWorkspace(w Workspace, user string) error {
	if err := w.check(); err != nil {
		return err
	}
	return checkUser("user_id", user)
}

// Remaining returns what limits user in the workspace. In an organization they must be a
// member, or it is [ErrPermissionDenied].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied].
func (s *Service) Remaining(ctx context.Context, w Workspace, user string) (Balance, error) {
	if err := s.checkWorkspace(w, user); err != nil {
		return Balance{}, err
	}
	now := s.now()
	if w.personal {
		personal, _, err := s.store.Workspaces(ctx, WorkspaceQuery{UserID: user})
		if err != nil {
			return Balance{}, err
		}
		return Balance{Own: personal.usage(now)}, nil
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

// QuotaParams is what [Service.SetQuota] takes.
type SetQuotaParams struct {
	Workspace Workspace
	// UserID is whose quota it is. It is empty for the shared one of an organization.
	UserID string
	Quota  Quota // the zero Quota takes away the one that is set
}

// SetQuota sets a quota. What is used in the present period stays used, unless the period
// becomes another kind of period.
//
// For a member's own quota the actor needs [PermissionQuotaUpdate] and every permission of
// the member's role. The shared quota of an organization and a user's personal one are what
// the host grants them: only [System] sets those. A member's quota stays theirs when they
// leave or are removed, and limits them when they return; an email invitation that was sent
// after it was set can bring another one.
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (no such member, or for
// System no such organization).
func (s *Service) SetQuota(ctx context.Context, actor Actor, p SetQuotaParams) error {
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
		if !actor.system {
			return ErrPermissionDenied
		}
		return s.store.SetPersonalQuota(ctx, p.UserID, p.Quota)
	}
	q := Query{Organization: p.Workspace.organization, Members: actor.members(), Quotas: true}
	if p.UserID != "" {
		q.Members = append(q.Members, p.UserID)
	}
	_, err := update(ctx, s, q, func(r rules, f Facts) (Quota, Changes, error) {
		return r.setQuota(f, actor, p.UserID, p.Quota)
	})
	return err
}

// Quota returns the quotas that limit a member, or with an empty user the shared one alone,
// for those who set them. The actor needs [PermissionQuotaUpdate]. Users read their own with
// [Service.Remaining].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (no such member, or for
// System no such organization).
func (s *Service) Quota(ctx context.Context, actor Actor, organization, user string) (Balance, error) {
	if err := checkActing(actor, organization); err != nil {
		return Balance{}, err
	}
	q := Query{Organization: organization, Members: actor.members(), Quotas: true}
	if user != "" {
		if err := checkUser("user_id", user); err != nil {
			return Balance{}, err
		}
		q.Members = append(q.Members, user)
	}
	r, f, err := s.view(ctx, q)
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

// WorkspacesParams is what [Service.Workspaces] takes.
type WorkspacesParams struct {
	UserID string
	Limit  int    // organizations a page has at most: 1 to 100; 0 is 50
	Cursor string // [WorkspaceList].NextCursor of the page before; empty: at the first
}

// A WorkspaceList is a part of the workspaces that a user can switch to.
type WorkspaceList struct {
	// Personal is what limits the user outside all organizations.
	Personal      Balance                 `json:"personal"`
	Organizations []OrganizationWorkspace `json:"organizations"`
	NextCursor    string                  `json:"next_cursor,omitempty"` // cursor of the next page; empty on the last
}

// An OrganizationWorkspace is an organization that a user is a member of, with their role and
// what limits them.
type OrganizationWorkspace struct {
	ID      string  `json:"id"`
	Role    Role    `json:"role"`
	Balance Balance `json:"balance"`
}

// Workspaces returns the workspaces that a user can switch to, organizations in the order of
// their ids. Like [Service.Member] it is the host's own read.
//
// Refusals: [ErrInvalid].
func (s *Service) Workspaces(ctx context.Context, p WorkspacesParams) (WorkspaceList, error) {
	if err := checkUser("user_id", p.UserID); err != nil {
		return WorkspaceList{}, err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return WorkspaceList{}, err
	}
	q := WorkspaceQuery{UserID: p.UserID, Limit: limit + 1}
	if q.After, err = decodeIDCursor(p.Cursor); err != nil {
		return WorkspaceList{}, err
	}
	now := s.now()
	personal, found, err := s.store.Workspaces(ctx, q)
	if err != nil {
		return WorkspaceList{}, err
	}
	for _, m := range found {
		if checkOrganization(m.Organization) != nil {
			return WorkspaceList{}, errForeignID
		}
	}
	memberships, next := cut(found, limit, func(last Membership) string { return encodeIDCursor(last.Organization) })
	list := WorkspaceList{
		Personal: Balance{Own: personal.usage(now)}, Organizations: make([]OrganizationWorkspace, len(memberships)), NextCursor: next,
	}
	for i, m := range memberships {
		list.Organizations[i] = OrganizationWorkspace{
			ID: m.Organization, Role: m.Role, Balance: Balance{Own: m.Own.usage(now), Shared: m.Shared.usage(now)},
		}
	}
	return list, nil
}
