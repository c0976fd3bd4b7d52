package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

// The kinds of mail.
const (
	mailInvitation   = "invitation"
	mailReminder     = "reminder"
	mailVerification = "verification"
)

// mailsADay limits how many mails of each kind an address gets in 24 hours, from all senders. Letters
// that were not needed any more do not count. The kinds count apart, so that strangers who register
// with an address stop no invitation to it.
var mailsADay = map[string]int{mailInvitation: 10, mailReminder: 5, mailVerification: 5}

var errMailLimit = &invitations.InvalidError{Field: "email", Code: "too_many", Reason: "has got too much mail today: try again tomorrow"}

// A letter is a mail in the outbox.
type letter struct {
	ID, Kind                  string
	Organization              string
	InvitationID              uuid.UUID
	AccountID                 string
	Recipient                 string
	CreatedAt, SentAt, NextAt time.Time
	Failures                  int
	Problem                   string // of the last attempt to send it
}

// A message is a letter in the form in which it is sent.
type message struct{ To, Subject, Text, HTML string }

var errMember = &invitations.InvalidError{Field: "email", Code: "duplicate", Reason: "belongs to a member of the team already"}

// notForMember refuses an invitation for the address of a member. The library cannot: it does not
// know the addresses of users.
func (a *app) notForMember(ctx context.Context, tx executor, svc *invitations.Service, inv invitations.Invitation) error {
	var user string
	err := tx.QueryRowContext(ctx, `select id from accounts where email = $1 and verified_at > 0`, inv.Email).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err = svc.Member(ctx, inv.Organization, user); err == nil {
		return errMember
	}
	if errors.Is(err, invitations.ErrNotFound) {
		return nil
	}
	return err
}

// enqueueInvitation puts the mail of an invitation into the outbox, in the transaction that
// invites: neither is there without the other.
func (a *app) enqueueInvitation(ctx context.Context, tx executor, kind string, inv invitations.Invitation) error {
	return a.enqueue(ctx, tx, letter{
		Kind: kind, Organization: inv.Organization, InvitationID: inv.ID, Recipient: inv.Email,
	})
}

// withMail runs do, which sends an invitation, and enqueues its mail in the same transaction. A link
// has no mail, and neither has a request that was repeated.
func (a *app) withMail(
	ctx context.Context, do func(*invitations.Service) (invitations.SentInvitation, error),
) (sent invitations.SentInvitation, err error) {
	err = a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) (err error) {
		if sent, err = do(svc); err != nil || sent.Kind != invitations.KindEmail || sent.Repeated {
			return err
		}
		if err := a.notForMember(ctx, tx, svc, sent.Invitation); err != nil {
			return err
		}
		return a.enqueueInvitation(ctx, tx, mailInvitation, sent.Invitation)
	})
	a.wakeUp()
	return sent, err
}

// enqueueVerification puts the mail that verifies an address into the outbox.
func (a *app) enqueueVerification(ctx context.Context, tx executor, u account) error {
	return a.enqueue(ctx, tx, letter{Kind: mailVerification, AccountID: u.ID, Recipient: u.Email})
}

// enqueue puts a letter into the outbox, unless its recipient got too many of this kind. Letters
// that PostgreSQL takes at the same instant do not count each other.
func (a *app) enqueue(ctx context.Context, tx executor, l letter) error {
	now := a.now()
	return changeRow(ctx, tx, errMailLimit, `insert into outbox (id, kind, organization, invitation_id, account_id, recipient,
			created_at, sent_at, failures, next_at, problem)
		select $1, $2, $3, $4, $5, $6, cast($7 as bigint), 0, 0, cast($7 as bigint), ''
		where (select count(*) from outbox where recipient = $6 and kind = $2 and created_at > $8
			and (sent_at > 0 or next_at > 0)) < $9`,
		uuid.NewString(), l.Kind, l.Organization, l.InvitationID.String(), l.AccountID, l.Recipient,
		now.UnixMicro(), now.AddDate(0, 0, -1).UnixMicro(), mailsADay[l.Kind])
}

// letters returns the letters that the end of a statement selects.
func (a *app) letters(ctx context.Context, where string, args ...any) (all []letter, err error) {
	err = a.db.each(ctx, func(rows *sql.Rows) error {
		var l letter
		var created, sent, next int64
		err := rows.Scan(&l.ID, &l.Kind, &l.Organization, &l.InvitationID, &l.AccountID, &l.Recipient,
			&created, &sent, &next, &l.Failures, &l.Problem)
		l.CreatedAt = time.UnixMicro(created)
		if sent > 0 {
			l.SentAt = time.UnixMicro(sent)
		}
		if next > 0 {
			l.NextAt = time.UnixMicro(next)
		}
		all = append(all, l)
		return err
	}, `select id, kind, organization, invitation_id, account_id, recipient, created_at, sent_at, next_at, failures, problem
		from outbox `+where, args...)
	return all, err
}

// compose returns the message of a letter, with the link as it is now. If there is
// nothing to send any more, ended reports true for the error.
func (a *app) compose(ctx context.Context, l letter) (message, error) {
	if l.Kind == mailVerification {
		return a.composeVerification(ctx, l)
	}
	sent, err := a.svc.PendingToken(ctx, invitations.System(), l.Organization, l.InvitationID)
	if err != nil {
		return message{}, err
	}
	teams, err := a.teamNames(ctx, l.Organization)
	if err != nil {
		return message{}, err
	}
	inviter, err := a.accountByID(ctx, sent.SentBy)
	if err != nil {
		return message{}, err
	}
	m, err := a.mails.Render(mail.Data{
		Email: sent.Email, Token: sent.Token, Organization: teams[l.Organization], Role: roleName(sent.Role),
		Inviter: inviter.Name, Message: sent.Message, ExpiresAt: sent.ExpiresAt, Reminder: l.Kind == mailReminder,
	})
	return message{m.To(), m.Subject(), m.Text(), m.HTML()}, err
}

// composeVerification returns the mail with the link that proves an address. If the address belongs
// to another account, the mail only tells its owner.
func (a *app) composeVerification(ctx context.Context, l letter) (message, error) {
	u, err := a.accountByID(ctx, l.AccountID)
	if err != nil {
		return message{}, err
	}
	if u.ID == "" || u.Verified() {
		return message{}, invitations.ErrNotFound
	}
	taken, err := a.hasAccount(ctx, u.Email)
	if taken {
		return message{
			To: u.Email, Subject: "You have an account on " + product,
			Text: fmt.Sprintf("Somebody tried to create an account on %s with this address, which has one already.\n\n"+
				"If it was you, sign in:\n\n<%s/sign-in>\n\nIf not, you can ignore this mail. Nothing has changed.\n", product, a.baseURL),
		}, nil
	}
	return message{
		To: u.Email, Subject: "Confirm your address for " + product,
		Text: fmt.Sprintf("Open this link to confirm that this is your address:\n\n<%s%s>\n\nIt works for %d days.\n"+
			"If you did not create an account on %s, you can ignore this mail.\n", a.baseURL, a.verificationPath(u), claimDays, product),
	}, err
}

// work sends mail, writes the events of expired invitations and reminds people, until ctx ends.
func (a *app) work(ctx context.Context) {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		for _, step := range []struct {
			name string
			do   func(context.Context) error
		}{{"sweep", a.sweep}, {"send mail", a.sendMail}, {"drop old sessions", a.dropOldSessions}, {"purge", a.purge}} {
			if err := step.do(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("background work failed", "step", step.name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		case <-a.wake:
		}
	}
}

// wakeUp makes work look for mail at once.
func (a *app) wakeUp() {
	select {
	case a.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// sweep enqueues reminders, in the transaction in which the library notes them as given.
func (a *app) sweep(ctx context.Context) error {
	const perCall = 100
	for {
		swept := 0
		err := a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) error {
			result, err := svc.Sweep(ctx, perCall)
			if err != nil {
				return err
			}
			for _, inv := range result.Reminders {
				err := a.enqueueInvitation(ctx, tx, mailReminder, inv)
				if err != nil && !errors.Is(err, errMailLimit) {
					return err
				}
			}
			swept = len(result.Reminders) + len(result.Expired)
			return nil
		})
		if err != nil || swept == 0 {
			return err
		}
	}
}

const (
	claimDays  = 7  // until an account that has not proved its address is deleted
	letterDays = 30 // until a letter that is done is deleted
)

// purge deletes what is old. The library deletes after a year what is left of deleted teams, and
// invitations and events. Only events that the feed has numbered can go.
func (a *app) purge(ctx context.Context) error {
	for statement, days := range map[string]int{
		`delete from accounts where verified_at = 0 and created_at < $1`:            claimDays,
		`delete from outbox where next_at = 0 and created_at < $1 and sent_at < $1`: letterDays,
		`delete from organizations where deleted_at > 0 and deleted_at < $1`:        teamDays,
	} {
		if _, err := a.db.ExecContext(ctx, statement, a.now().AddDate(0, 0, -days).UnixMicro()); err != nil {
			return err
		}
	}
	if _, err := a.svc.Feed(ctx, 0, 1); err != nil {
		return err
	}
	_, err := a.svc.Purge(ctx, a.now().AddDate(-1, 0, 0), 1000)
	return err
}

// ended reports whether an error of compose means that there is nothing to send any more.
func ended(err error) bool {
	return errors.Is(err, invitations.ErrNotPending) || errors.Is(err, invitations.ErrNotFound) ||
		errors.Is(err, invitations.ErrDomainNotAllowed) || errors.Is(err, invitations.ErrLinksNotAllowed)
}

// sendMail sends what waits in the outbox. A crash between the sending and the note of it sends a
// letter twice, and never loses one.
func (a *app) sendMail(ctx context.Context) error {
	const perCall = 50
	waiting, err := a.letters(ctx, `where next_at > 0 and next_at <= $1 order by next_at limit $2`, a.now().UnixMicro(), perCall)
	if err != nil {
		return err
	}
	var failed error
	for _, l := range waiting { // one letter must not hold up the others
		failed = errors.Join(failed, a.send(ctx, l))
	}
	if len(waiting) == perCall && failed == nil {
		a.wakeUp()
	}
	return failed
}

// send sends one letter and notes the result.
func (a *app) send(ctx context.Context, l letter) error {
	m, err := a.compose(ctx, l)
	if ended(err) {
		_, err = a.db.ExecContext(ctx, `update outbox set next_at = 0, problem = $1 where id = $2`, "no longer needed", l.ID)
		return err
	}
	problem := "the letter could not be written"
	if err == nil && a.deliver != nil {
		err, problem = a.deliver(ctx, m), "the mail server did not take it"
	}
	if err != nil {
		a.log.Warn("mail was not sent", "letter", l.ID, "error", err)
		wait := min(time.Minute<<min(l.Failures, 10), 6*time.Hour)
		_, err = a.db.ExecContext(ctx, `update outbox set failures = failures + 1, next_at = $1, problem = $2 where id = $3`,
			a.now().Add(wait).UnixMicro(), problem, l.ID)
		return err
	}
	_, err = a.db.ExecContext(ctx, `update outbox set next_at = 0, sent_at = $1, problem = '' where id = $2`,
		a.now().UnixMicro(), l.ID)
	return err
}
