package invitations

import "context"

// A Workspace is the context in which a call spends quotas: [Personal] or [InOrganization].
// Every such call names one, so that a personal quota is never spent for an organization or
// the other way round. The zero Workspace is refused.
type Workspace struct {
	organization string
	personal     bool
}

// Personal returns the workspace of the user outside of all organizations.
func Personal() Workspace { return Workspace{personal: true} }

// InOrganization returns the workspace of an organization.
func InOrganization(id string) Workspace { return Workspace{organization: id} }

func (w Workspace) check() error {
	switch {
	case w.personal:
		return nil
	case w == Workspace{}:
		return required("workspace")
	}
	return checkOrganization(w.organization)
}

// WorkspacesParams are the parameters of [Service.Workspaces].
type WorkspacesParams struct {
	UserID string
	Limit  int    // organizations per page: 1 to 100; 0 means 50
	Cursor string // NextCursor of the page before; empty: start with the first
}

// A WorkspaceList is one page of the workspaces that a user can switch to.
type WorkspaceList struct {
	Personal      Balance                 `json:"personal"` // outside of all organizations
	Organizations []OrganizationWorkspace `json:"organizations"`
	NextCursor    string                  `json:"next_cursor,omitempty"` // asks for the next page; empty on the last
}

// An OrganizationWorkspace is an organization of a user, with their role and balance.
type OrganizationWorkspace struct {
	ID      string  `json:"id"`
	Role    Role    `json:"role"`
	Balance Balance `json:"balance"`
}

// Workspaces returns the workspaces that a user can switch to, the organizations in the order
// of their IDs. It has no actor: it is for the host itself.
//
// Refusals: [ErrInvalid].
func (s *Service) Workspaces(ctx context.Context, p WorkspacesParams) (_ WorkspaceList, err error) {
	ctx, op := s.observe(ctx, "Workspaces")
	defer op.end(&err)
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
	memberships := list(found, limit, func(last Membership) string { return encodeIDCursor(last.Organization) })
	workspaces := WorkspaceList{
		Personal:      Balance{Own: personal.usage(now), At: now},
		Organizations: make([]OrganizationWorkspace, len(memberships.Items)),
		NextCursor:    memberships.NextCursor,
	}
	for i, m := range memberships.Items {
		workspaces.Organizations[i] = OrganizationWorkspace{
			ID: m.Organization, Role: m.Role, Balance: m.balance(now),
		}
	}
	return workspaces, nil
}
