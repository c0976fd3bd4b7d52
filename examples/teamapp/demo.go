package main

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

const demoAddress, demoPassword = "ada@example.com", "demonstration"

//go:embed demo.txt
var demoSteps string

// A demo is the app on a clock that walks through the past. It hands no mail to a server.
type demo struct {
	app
	at     time.Time
	hash   string // of everybody's password
	people map[string]account
	teams  map[string]string                     // IDs
	sent   map[string]invitations.SentInvitation // by the team and the address, or the name of a link
}

// addDemo adds people, teams and invitations of the past weeks, if there are no accounts.
func (a *app) addDemo(ctx context.Context) error {
	var accounts int
	if err := a.db.QueryRowContext(ctx, `select count(*) from accounts`).Scan(&accounts); err != nil || accounts > 0 {
		return err
	}
	everybody, err := a.newAccount(ctx, accountForm{Name: product, Email: demoAddress, Password: demoPassword})
	if err != nil {
		return err
	}
	d := &demo{
		app: *a, hash: everybody.hash,
		people: map[string]account{}, teams: map[string]string{}, sent: map[string]invitations.SentInvitation{},
	}
	d.now, d.deliver = func() time.Time { return d.at }, nil
	if err := d.open(ctx, false); err != nil {
		return err
	}
	today := a.now().UTC().Truncate(24 * time.Hour)
	for line := range strings.Lines(demoSteps) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if err := d.play(ctx, today, words); err != nil {
			return fmt.Errorf("demonstration data: %s: %w", strings.TrimSpace(line), err)
		}
	}
	return nil
}

// play does the step of one line: the days before today, the time, a person, an action. On the way
// to its time it does the background work of every day.
func (d *demo) play(ctx context.Context, today time.Time, words []string) error {
	days, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	clock, err := time.Parse("15:04", words[1])
	if err != nil {
		return err
	}
	at := today.AddDate(0, 0, -days).Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
	for first := d.at.IsZero(); d.at.Before(at); first = false {
		if d.at = d.at.Truncate(24*time.Hour).AddDate(0, 0, 1); first || d.at.After(at) {
			d.at = at
		}
		if err := d.sweep(ctx); err != nil {
			return err
		}
	}
	if err := d.step(ctx, words[2], words[3], words[4:]); err != nil {
		return err
	}
	return d.sendMail(ctx)
}

// step does one action of a person. A name without an account is an address.
func (d *demo) step(ctx context.Context, name, action string, words []string) (err error) {
	words = append(words, "", "", "", "") // those that are left out
	text := func(from int) string { return strings.TrimSpace(strings.Join(words[from:], " ")) }
	amount, _ := strconv.Atoi(cmp.Or(words[3], words[1]))
	who, team, about, role := d.people[name], d.teams[words[0]], words[1], invitations.Role(words[2])
	actor, other := invitations.User(who.ID), d.people[about].ID
	key := words[0] + " " + cmp.Or(about, who.Email, name)
	sent := d.sent[key]

	switch action {
	case "account": // name
		u := account{ID: uuid.NewString(), Email: name + "@example.com", Name: text(0), hash: d.hash}
		err = d.change(ctx, func(tx *sql.Tx, svc *invitations.Service) (err error) {
			if err = d.addAccount(ctx, tx, u); err == nil {
				d.people[name], err = d.confirm(ctx, tx, svc, u)
			}
			return err
		})
	case "team": // team, name
		d.teams[words[0]], err = d.createTeam(ctx, who.ID, text(1))
	case "invite", "resend": // team, address, role, message
		d.sent[key], err = d.withMail(ctx, func(svc *invitations.Service) (invitations.SentInvitation, error) {
			if action == "resend" {
				return svc.Resend(ctx, actor, invitations.ResendParams{Organization: team, ID: sent.ID})
			}
			return svc.Invite(ctx, actor, invitations.InviteParams{Organization: team, Email: about, Role: role, Message: text(3)})
		})
	case "link": // team, link, role, days, uses
		uses, _ := strconv.Atoi(words[4])
		d.sent[key], err = d.svc.CreateLink(ctx, actor, invitations.CreateLinkParams{
			Organization: team, Role: role, MaxUses: uses, ExpiresIn: time.Duration(amount) * 24 * time.Hour,
		})
	case "edit": // team, address, role
		_, err = d.svc.Edit(ctx, actor, invitations.EditParams{Organization: team, ID: sent.ID, Role: role})
	case "revoke": // team, address or link
		_, err = d.svc.Revoke(ctx, actor, team, sent.ID)
	case "accept": // team, and the link if it is by one
		_, err = d.svc.Accept(ctx, sent.Token.Reveal(), who.identity())
	case "decline": // team
		err = d.svc.Decline(ctx, sent.Token.Reveal())
	case "role": // team, person, role
		_, err = d.svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{Organization: team, UserID: other, Role: role})
	case "remove": // team, person
		_, err = d.svc.RemoveMember(ctx, actor, team, other)
	case "leave": // team
		_, err = d.svc.Leave(ctx, team, who.ID)
	case "quota": // team, person, period, calls; -1: they are counted, and not limited
		err = d.svc.SetQuota(ctx, actor, invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(team), UserID: other,
			Quota: invitations.Quota{Limit: int64(amount), Period: invitations.Period(words[2])},
		})
	case "use": // team, calls
		_, err = d.svc.Consume(ctx, invitations.InOrganization(team), who.ID, int64(amount))
	default:
		err = fmt.Errorf("no such action")
	}
	return err
}
