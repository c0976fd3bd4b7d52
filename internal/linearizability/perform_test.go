package linearizability

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-invitations/invitations"
)

// perform makes a call. It returns the answer of each organization that the call concerns.
func (w *world) perform(ctx context.Context, svc *invitations.Service, c call) (map[string]answer, error) {
	switch c.Op {
	case "Received", "Workspaces", "Sweep", "Purge", "Erase":
		return w.performAcross(ctx, svc, c)
	}
	a, err := w.performIn(ctx, svc, c)
	return map[string]answer{c.Org: a}, err
}

func (c call) actor() invitations.Actor {
	actor := invitations.User(c.Actor)
	if c.Actor == system {
		actor = invitations.System()
	}
	if c.Ceiling != "" {
		actor = actor.AtMost(c.Ceiling)
	}
	return actor
}

func (c call) identity() invitations.Identity {
	return invitations.Identity{UserID: c.User, Email: c.Email, EmailVerified: c.Verified}
}

// personal begins the name of a personal workspace, which is in the place of an organization.
const personal = "personal of "

func (c call) workspace() invitations.Workspace {
	if strings.HasPrefix(c.Org, personal) {
		return invitations.Personal()
	}
	return invitations.InOrganization(c.Org)
}

func (c call) metadata() map[string]string {
	if c.Metadata == "" {
		return nil
	}
	return map[string]string{"key": c.Metadata}
}

func (c call) inviteParams() invitations.InviteParams {
	return invitations.InviteParams{
		Organization: c.Org, Email: c.Email, Role: c.Role, ID: idOf(c.ID), ExpiresIn: c.Lifetime, Quota: c.Quota,
		Message: c.Message, Metadata: c.metadata(),
	}
}

func (c call) editParams() invitations.EditParams {
	p := invitations.EditParams{Organization: c.Org, ID: idOf(c.ID)}
	for _, field := range c.Fields {
		switch field {
		case "role":
			p.Role = c.Role
		case "message":
			p.Message = &c.Message
		case "expires_at":
			p.ExpiresIn = c.Lifetime
		case "max_uses":
			p.MaxUses = &c.MaxUses
		case "allowed_domains":
			p.AllowedDomains = &c.Domains
		case "quota":
			p.Quota = &c.Quota
		case "metadata":
			metadata := c.metadata()
			p.Metadata = &metadata
		}
	}
	return p
}

// sent returns the answer with an invitation and its token.
func (w *world) sent(org string, s invitations.SentInvitation) answer {
	a := answer{Body: renderSent(s.Invitation, s.Repeated, !s.Token.IsZero())}
	if !s.Token.IsZero() {
		a.Tokens = []string{w.books[org].name(s.Token.Reveal(), numberOf(s.ID))}
	}
	return a
}

// performIn makes a call that concerns one organization.
func (w *world) performIn(ctx context.Context, svc *invitations.Service, c call) (answer, error) {
	book, actor := w.books[c.Org], c.actor()
	workspace := c.workspace()
	switch c.Op {
	case "CreateOrganization":
		m, err := svc.CreateOrganization(ctx, c.Org, c.User)
		return answer{Body: renderMember(m)}, err
	case "DeleteOrganization":
		return answer{}, svc.DeleteOrganization(ctx, actor, c.Org)
	case "SetLimits":
		return answer{}, svc.SetLimits(ctx, actor, c.Org, c.Limits)
	case "Invite":
		sent, err := svc.Invite(ctx, actor, c.inviteParams())
		return w.sent(c.Org, sent), err
	case "CreateLink":
		sent, err := svc.CreateLink(ctx, actor, invitations.CreateLinkParams{
			Organization: c.Org, Role: c.Role, MaxUses: c.MaxUses, AllowedDomains: c.Domains, ID: idOf(c.ID), ExpiresIn: c.Lifetime,
			Quota: c.Quota, Message: c.Message, Metadata: c.metadata(),
		})
		return w.sent(c.Org, sent), err
	case "InviteAll":
		var rows []invitations.InviteParams
		for _, r := range c.Rows {
			p := r.inviteParams()
			p.Organization = ""
			rows = append(rows, p)
		}
		outcomes, err := svc.InviteAll(ctx, actor, c.Org, rows)
		var a answer
		for _, outcome := range outcomes {
			if outcome.Err != nil {
				problem, _ := invitations.ProblemOf(outcome.Err)
				a.Rows = append(a.Rows, answer{Code: problem.Code})
			} else {
				a.Rows = append(a.Rows, w.sent(c.Org, outcome.Invitation))
			}
		}
		return a, err
	case "Resend":
		sent, err := svc.Resend(ctx, actor, invitations.ResendParams{Organization: c.Org, ID: idOf(c.ID), ExpiresIn: c.Lifetime})
		return w.sent(c.Org, sent), err
	case "PendingToken":
		sent, err := svc.PendingToken(ctx, actor, c.Org, idOf(c.ID))
		return w.sent(c.Org, sent), err
	case "Revoke":
		i, err := svc.Revoke(ctx, actor, c.Org, idOf(c.ID))
		return answer{Body: renderInvitation(i)}, err
	case "Edit":
		i, err := svc.Edit(ctx, actor, c.editParams())
		return answer{Body: renderInvitation(i)}, err
	case "Accept":
		j, err := svc.Accept(ctx, book.text(c.Token), c.identity())
		return answer{Body: renderJoined(j.Member, j.Repeated)}, err
	case "AcceptReceived":
		j, err := svc.AcceptReceived(ctx, c.Org, idOf(c.ID), c.identity())
		return answer{Body: renderJoined(j.Member, j.Repeated)}, err
	case "Decline":
		return answer{}, svc.Decline(ctx, book.text(c.Token))
	case "DeclineReceived":
		return answer{}, svc.DeclineReceived(ctx, c.Org, idOf(c.ID), c.identity())
	case "AddMember":
		j, err := svc.AddMember(ctx, actor, invitations.AddMemberParams{
			Organization: c.Org, UserID: c.User, Role: c.Role, Email: c.Email, Quota: c.Quota, Metadata: c.metadata(),
		})
		return answer{Body: renderJoined(j.Member, j.Repeated)}, err
	case "ChangeRole":
		m, err := svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{Organization: c.Org, UserID: c.User, Role: c.Role})
		return answer{Body: renderMember(m)}, err
	case "RemoveMember":
		m, err := svc.RemoveMember(ctx, actor, c.Org, c.User)
		return answer{Body: renderMember(m)}, err
	case "Leave":
		m, err := svc.Leave(ctx, c.Org, c.User)
		return answer{Body: renderMember(m)}, err
	case "TransferOwnership":
		m, err := svc.TransferOwnership(ctx, actor, invitations.TransferOwnershipParams{
			Organization: c.Org, From: c.User, To: c.Other, Role: c.Role,
		})
		return answer{Body: renderMember(m)}, err
	case "SetMetadata":
		m, err := svc.SetMetadata(ctx, actor, invitations.SetMetadataParams{Organization: c.Org, UserID: c.User, Metadata: c.metadata()})
		return answer{Body: renderMember(m)}, err
	case "SetQuota":
		return answer{}, svc.SetQuota(ctx, actor, invitations.SetQuotaParams{Workspace: workspace, UserID: c.User, Quota: c.Quota})
	case "Consume":
		b, err := svc.Consume(ctx, workspace, c.User, c.Amount)
		return answer{Body: renderBalance(b)}, err
	case "Refund":
		b, err := svc.Refund(ctx, invitations.RefundParams{Workspace: workspace, UserID: c.User, Amount: c.Amount, At: epoch.Add(c.Since)})
		return answer{Body: renderBalance(b)}, err
	}
	return w.readIn(ctx, svc, c)
}

// readIn makes a call that reads one organization.
func (w *world) readIn(ctx context.Context, svc *invitations.Service, c call) (answer, error) {
	book, actor := w.books[c.Org], c.actor()
	switch c.Op {
	case "Lookup":
		o, err := svc.Lookup(ctx, book.text(c.Token))
		return answer{Body: renderOffer(o)}, err
	case "NextStep":
		n, err := svc.NextStep(ctx, book.text(c.Token), invitations.Visitor{Identity: c.identity()})
		reason := ""
		if n.Reason != nil && n.Step != invitations.StepOpen {
			problem, _ := invitations.ProblemOf(n.Reason)
			reason = problem.Code
		}
		return answer{Body: renderStep(string(n.Step), reason, n.Offer)}, err
	case "Invitation":
		i, err := svc.Invitation(ctx, actor, c.Org, idOf(c.ID))
		return answer{Body: renderInvitation(i)}, err
	case "Invitations":
		p := invitations.InvitationsParams{Organization: c.Org, Email: c.Email, Limit: 100}
		if c.State != "" {
			p.States = []invitations.State{c.State}
		}
		l, err := svc.Invitations(ctx, actor, p)
		return answer{Body: renderLines(l.Items, renderInvitation)}, cmp.Or(err, whole(l.NextCursor))
	case "Member":
		m, err := svc.Member(ctx, c.Org, c.User)
		return answer{Body: renderMember(m)}, err
	case "Members":
		l, err := svc.Members(ctx, actor, invitations.MembersParams{Organization: c.Org, Balances: c.Amount > 0, Limit: 100})
		return answer{Body: renderLines(l.Items, func(m invitations.TeamMember) string {
			if m.Balance != nil {
				return renderMember(m.Member) + " " + renderBalance(*m.Balance)
			}
			return renderMember(m.Member)
		})}, cmp.Or(err, whole(l.NextCursor))
	case "Authorize":
		m, err := svc.Authorize(ctx, c.Org, c.User, c.Permission)
		return answer{Body: renderMember(m)}, err
	case "Overview":
		o, err := svc.Overview(ctx, actor, c.Org)
		return answer{Body: renderOverview(o)}, err
	case "Timeline":
		l, err := svc.Timeline(ctx, actor, invitations.TimelineParams{
			Organization: c.Org, Invitation: idOf(c.ID), NewestFirst: true, Limit: c.Newest,
		})
		return answer{Body: renderPage(l.Items, c.ID != 0, l.NextCursor != "")}, err
	case "Statistics":
		s, err := svc.Statistics(ctx, actor, invitations.StatisticsParams{Organization: c.Org})
		return answer{Body: renderFunnel(s.Total)}, err
	case "Quota":
		b, err := svc.Quota(ctx, actor, c.Org, c.User)
		return answer{Body: renderBalance(b)}, err
	case "Remaining":
		b, err := svc.Remaining(ctx, c.workspace(), c.User)
		return answer{Body: renderBalance(b)}, err
	case "Usage":
		u, err := svc.Usage(ctx, actor, invitations.UsageParams{Organization: c.Org, Period: c.Period, Limit: 100})
		return answer{Body: renderPeriod(u.Shared, u.Members)}, cmp.Or(err, whole(u.NextCursor))
	}
	panic("no operation " + c.Op)
}

// whole refuses a list that has a second page, which would be of another instant.
func whole(cursor string) error {
	if cursor != "" {
		return errors.New("a list has more than one page")
	}
	return nil
}

// performAcross makes a call that concerns all organizations. Each one is a step of its own, so
// each one's history has the call with its part of the answer.
func (w *world) performAcross(ctx context.Context, svc *invitations.Service, c call) (map[string]answer, error) {
	all := map[string]answer{}
	each := func(answerOf func(org string) answer) {
		for _, org := range w.organizations {
			all[org] = answerOf(org)
		}
	}
	switch c.Op {
	case "Received":
		l, err := svc.Received(ctx, c.identity(), invitations.ReceivedParams{Limit: 100})
		each(func(org string) answer {
			mine := slices.DeleteFunc(slices.Clone(l.Items), func(o invitations.Offer) bool { return o.Organization != org })
			return answer{Body: renderLines(mine, renderOffer)}
		})
		return all, cmp.Or(err, whole(l.NextCursor))
	case "Workspaces":
		l, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: c.User, Limit: 100})
		each(func(org string) answer {
			for _, o := range l.Organizations {
				if o.ID == org {
					return answer{Body: string(o.Role) + " " + renderBalance(o.Balance)}
				}
			}
			return answer{Body: "-"}
		})
		all[personal+c.User] = answer{Body: renderBalance(l.Personal)}
		return all, cmp.Or(err, whole(l.NextCursor))
	case "Sweep":
		swept, err := svc.Sweep(ctx, 1000)
		each(func(org string) answer {
			of := func(i invitations.Invitation) bool { return i.Organization != org }
			return answer{Body: renderSwept(
				slices.DeleteFunc(slices.Clone(swept.Reminders), of), slices.DeleteFunc(slices.Clone(swept.Expired), of))}
		})
		return all, err
	case "Purge":
		_, err := svc.Purge(ctx, epoch.Add(c.Since), 1000)
		each(func(string) answer { return answer{} })
		return all, err
	case "Erase":
		return w.erase(ctx, svc, c)
	}
	panic("no operation " + c.Op)
}

// erase is Erase. A refusal names one organization. The call may have erased the person in the
// others.
func (w *world) erase(ctx context.Context, svc *invitations.Service, c call) (map[string]answer, error) {
	p := invitations.EraseParams{Email: c.Email}
	if c.User != "" {
		p = invitations.EraseParams{UserID: c.User, Pseudonym: c.Other}
	}
	erasure, err := svc.Erase(ctx, p)
	all := map[string]answer{}
	var membership *invitations.MembershipError
	isRefused := errors.As(err, &membership)
	for _, org := range w.organizations {
		switch {
		case isRefused && org == membership.Organization:
			all[org] = answer{Code: "conflict"}
		case isRefused:
			all[org] = answer{Unknown: true}
		case erasure.Done:
			all[org] = answer{Body: "done"}
		default:
			all[org] = answer{}
		}
	}
	if isRefused {
		return all, nil
	}
	return all, err
}
