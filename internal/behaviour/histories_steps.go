package behaviour

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// step makes a call of a kind, with random arguments.
func (h *history) step(kind, organization string) error {
	people := h.people
	roles := []invitations.Role{"owner", "admin", "admin", "developer", "viewer"}
	quotas := []invitations.Quota{{}, {}, {Limit: 5, Period: invitations.PeriodDay}, {Limit: invitations.NoLimit, Period: invitations.PeriodMonth}}
	actor := invitations.User(pick(h.random, people[:4]))
	if h.random.IntN(5) == 0 {
		actor = invitations.System()
	}
	user, role, quota := pick(h.random, people), pick(h.random, roles), pick(h.random, quotas)
	email := user + "@example.com"
	lives := time.Duration(1+h.random.IntN(9)) * day
	mail := func(email string) invitations.InviteParams {
		return invitations.InviteParams{Organization: organization, Email: email, Role: role, Quota: quota, ExpiresIn: lives, ID: h.perhapsID()}
	}
	add := func(sent invitations.SentInvitation, err error) error {
		if err == nil {
			h.sent = append(h.sent, sent)
		}
		return err
	}
	switch kind {
	case "invite", "invite again":
		return add(h.svc.Invite(h.ctx, actor, mail(email)))
	case "link":
		return add(h.svc.CreateLink(h.ctx, actor, invitations.CreateLinkParams{
			Organization: organization, Role: role, Quota: quota, ExpiresIn: lives, MaxUses: h.random.IntN(4), ID: h.perhapsID(),
		}))
	case "bulk":
		var rows []invitations.InviteParams
		for range 1 + h.random.IntN(4) {
			rows = append(rows, mail(pick(h.random, append(people, ""))+"@example.com"))
		}
		outcomes, err := h.svc.InviteAll(h.ctx, actor, organization, rows)
		for _, o := range outcomes {
			if err = add(o.Invitation, o.Err); err != nil && !isRefusal(err) {
				h.Fatalf("a row ended with: %v", err)
			}
		}
		if err != nil && len(outcomes) > 1 {
			err = nil // other rows may have succeeded
		}
		return err
	case "edit":
		some := h.some("")
		p := invitations.EditParams{Organization: some.Organization, ID: some.ID, Role: role}
		switch h.random.IntN(3) {
		case 0:
			p.Role, p.ExpiresIn = "", lives
		case 1:
			p.Quota, p.Metadata = &quota, &map[string]string{"n": string(role)}
		}
		return second(h.svc.Edit(h.ctx, actor, p))
	case "edit a link":
		uses, link := h.random.IntN(5), h.some(invitations.KindLink)
		return second(h.svc.Edit(h.ctx, actor, invitations.EditParams{Organization: link.Organization, ID: link.ID, MaxUses: &uses}))
	case "resend":
		some := h.some("")
		h.clock.Add(time.Minute) // after the cooldown
		return add(h.svc.Resend(h.ctx, actor, invitations.ResendParams{Organization: some.Organization, ID: some.ID, ExpiresIn: lives}))
	case "revoke":
		some := h.some("")
		return second(h.svc.Revoke(h.ctx, actor, some.Organization, some.ID))
	case "decline":
		return h.svc.Decline(h.ctx, h.some(invitations.KindEmail).Token.Reveal())
	case "accept":
		some := h.some("")
		return second(h.svc.Accept(h.ctx, some.Token.Reveal(), personOf(some.Email, user)))
	case "accept by a link":
		return second(h.svc.Accept(h.ctx, h.some(invitations.KindLink).Token.Reveal(), person(user, email)))
	case "accept received", "decline received":
		who := personOf(h.some(invitations.KindEmail).Email, user)
		if who.Email == "" {
			who = person(user, email)
		}
		list, err := h.svc.Received(h.ctx, who, invitations.ReceivedParams{})
		if err != nil || len(list.Items) == 0 {
			return invitations.ErrNotFound
		}
		offer := pick(h.random, list.Items)
		if kind == "decline received" {
			return h.svc.DeclineReceived(h.ctx, offer.Organization, offer.ID, who)
		}
		return second(h.svc.AcceptReceived(h.ctx, offer.Organization, offer.ID, who))
	case "change a role":
		return second(h.svc.ChangeRole(h.ctx, actor, invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: role}))
	case "remove":
		return second(h.svc.RemoveMember(h.ctx, actor, organization, user))
	case "leave":
		return second(h.svc.Leave(h.ctx, organization, user))
	case "transfer":
		p := invitations.TransferOwnershipParams{Organization: organization, From: pick(h.random, people[:2]), To: pick(h.random, people[:5]), Role: pick(h.random, roles[1:])}
		return second(h.svc.TransferOwnership(h.ctx, invitations.System(), p))
	case "set a quota":
		if h.random.IntN(4) == 0 {
			user = ""
		}
		return h.svc.SetQuota(h.ctx, actor, invitations.SetQuotaParams{Workspace: invitations.InOrganization(organization), UserID: user, Quota: quota})
	case "sweep":
		swept, err := h.svc.Sweep(h.ctx, 1+h.random.IntN(10))
		once := map[string]bool{}
		for _, inv := range slices.Concat(swept.Reminders, swept.Expired) {
			if which := fmt.Sprint(inv.Organization, inv.ID); once[which] {
				h.Fatalf("a sweep hands out %s twice", which)
			} else {
				once[which] = true
			}
		}
		return err
	case "wait":
		h.clock.Add(time.Duration(h.random.IntN(60)) * time.Hour)
		return nil
	}
	return h.stepOfLife(kind, organization, actor, user, role, quota)
}

// stepOfLife makes a call of the kinds that concern ends, limits and use.
func (h *history) stepOfLife(kind, organization string, actor invitations.Actor, user string, role invitations.Role, quota invitations.Quota) error {
	in := invitations.InOrganization(organization)
	switch kind {
	case "add a member":
		return second(h.svc.AddMember(h.ctx, actor, invitations.AddMemberParams{
			Organization: organization, UserID: user, Role: role, Email: user + "@example.com", Quota: quota,
		}))
	case "set metadata":
		return second(h.svc.SetMetadata(h.ctx, actor, invitations.SetMetadataParams{
			Organization: organization, UserID: user, Metadata: map[string]string{"n": string(role)},
		}))
	case "set limits":
		limits := []invitations.Limits{
			{}, {}, {}, {}, {Members: 4}, {Members: invitations.NoLimit, Pending: 12}, {Members: 5, SeatlessRoles: []invitations.Role{"viewer"}},
			{Pending: 3, NoLinks: true}, {AllowedDomains: []string{"example.com"}, Expiry: 3 * day}, {AllowedDomains: []string{"corp.example"}},
		}
		return h.svc.SetLimits(h.ctx, invitations.System(), organization, pick(h.random, limits))
	case "consume", "consume again":
		amount, user := 1+h.random.Int64N(3), pick(h.random, h.people[:4])
		return h.spend(organization, user, amount, func() error { return second(h.svc.Consume(h.ctx, in, user, amount)) })
	case "refund":
		var here []invitations.RefundParams
		for _, p := range h.taken {
			if p.Workspace == in {
				here = append(here, p)
			}
		}
		if len(here) == 0 {
			return invitations.ErrNotFound
		}
		p := pick(h.random, here[max(0, len(here)-3):])
		p.Amount += h.random.Int64N(3) - 1
		p.Amount = max(1, p.Amount)
		return h.spend(organization, p.UserID, -p.Amount, func() error { return second(h.svc.Refund(h.ctx, p)) })
	case "delete":
		if len(h.gone) > 1 {
			return invitations.ErrNotFound // some should have a longer life
		}
		if err := h.svc.DeleteOrganization(h.ctx, actor, organization); err != nil {
			return err
		}
		h.gone = append(h.gone, organization)
		h.organizations = slices.DeleteFunc(h.organizations, func(o string) bool { return o == organization })
		h.begin(organization + " again")
		return nil
	case "purge":
		h.read()
		before := h.clock.Now().Add(-day * time.Duration(1+h.random.IntN(3)))
		h.purges = append(h.purges, purge{invitations.PurgeQuery{Before: before}, h.versions()})
		if h.purge(before) == 0 {
			return invitations.ErrNotFound
		}
		return nil
	case "erase an address":
		return h.eraseAll(invitations.EraseParams{Email: user + "@example.com"})
	case "erase a user":
		for _, i := range h.random.Perm(len(h.people)) { // one of those who are no members
			user = h.people[i]
			if h.eraseAll(invitations.EraseParams{UserID: user, Pseudonym: "erased " + user}) == nil {
				return nil
			}
		}
		return invitations.ErrConflict
	}
	panic(kind)
}

// eraseAll erases a person by some rows at a time. It refuses a person without a trace.
func (h *history) eraseAll(p invitations.EraseParams) error {
	h.Helper()
	p.Limit = 1 + h.random.IntN(5)
	e, err := h.svc.Erase(h.ctx, p)
	if err != nil {
		return err
	}
	if e.Rows == 0 {
		return invitations.ErrNotFound
	}
	h.erase(p)
	return nil
}

// perhapsID returns the zero ID, or an ID that either organization may have already.
func (h *history) perhapsID() uuid.UUID {
	if h.random.IntN(3) > 0 {
		return uuid.Nil
	}
	return id(40*len(h.purges) + h.random.IntN(40)) // a purge frees an ID, and this history makes no use of it
}

// personOf returns the recipient of an invitation, or the user if it is a link.
func personOf(email, user string) invitations.Identity {
	if email == "" {
		return invitations.Identity{UserID: user}
	}
	return person(email[:len(email)-len("@example.com")], email)
}

// some returns an invitation of a kind that was sent, or the zero value. In two of three cases it
// is pending. Otherwise its token may be dead, also because its organization is deleted.
func (h *history) some(kind invitations.Kind) (found invitations.SentInvitation) {
	h.Helper()
	sent := slices.DeleteFunc(slices.Clone(h.sent), func(s invitations.SentInvitation) bool { return kind != "" && s.Kind != kind })
	if len(sent) == 0 {
		return found
	}
	if h.random.IntN(3) > 0 {
		open := h.page(invitations.InvitationQuery{
			Organization: pick(h.random, h.organizations), Kind: kind, States: []invitations.State{invitations.StatePending}, At: h.clock.Now(), Limit: 100,
		}).Items
		if len(open) > 0 {
			r := pick(h.random, open)
			for _, s := range sent {
				if s.Organization == r.Organization && s.ID == r.ID {
					found = s // the last one has the present token
				}
			}
		}
	}
	if found.ID == uuid.Nil {
		found = pick(h.random, sent[max(0, len(sent)-12):])
	}
	return found
}
