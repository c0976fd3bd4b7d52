package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// serveInvited adds the pages of the person who follows an invitation. GET changes nothing,
// because mail scanners and link previews follow links too.
func (a *app) serveInvited(mux *http.ServeMux) {
	const path = "/invite/{token}"
	mux.Handle("GET "+path, a.limited(a.pageOf(a.showOffer)))
	mux.Handle("POST "+path+"/accept", a.limited(a.pageOf(a.accept)))
	mux.Handle("POST "+path+"/decline", a.limited(a.pageOf(a.decline)))
	mux.Handle("POST "+path+"/register", a.limited(a.pageOf(a.registerInvited)))
	mux.Handle("POST "+path+"/sign-in", a.limited(a.pageOf(a.signInInvited)))
	mux.Handle("POST "+path+"/switch", a.limited(a.pageOf(a.switchAccount)))
}

// An offerPage shows an invitation and the next action of the person.
type offerPage struct {
	Next    invitations.NextStep
	Path    string
	Team    string // names
	Inviter string
	Code    string // of the reason why the person cannot join
	Form    accountForm
	Problem string // with what the person typed
}

// IsLink reports whether everybody who has the link is invited.
func (p offerPage) IsLink() bool { return p.Next.Offer.Kind == invitations.KindLink }

func invitePath(token string) string { return "/invite/" + url.PathEscape(token) }

// linkURL returns the URL of a link, or "" for an email invitation: its token proves the ownership
// of the address, so only the recipient gets it.
func (a *app) linkURL(sent invitations.SentInvitation) string {
	if sent.Kind != invitations.KindLink || sent.Token.IsZero() {
		return ""
	}
	return a.baseURL + invitePath(sent.Token.Reveal())
}

func (a *app) showOffer(v *visit) error { return a.showOfferWith(v, http.StatusOK, offerPage{}) }

// showOfferWith shows the invitation of the path, with what the person typed.
func (a *app) showOfferWith(v *visit, status int, p offerPage) error {
	ctx, token := v.r.Context(), v.r.PathValue("token")
	var err error
	p.Next, err = a.svc.NextStep(ctx, token, invitations.Visitor{Identity: v.User.identity(), HasAccount: a.hasAccount})
	if err != nil {
		return err
	}
	p.Path = invitePath(token)
	if p.Next.Step == invitations.StepAccept && !v.User.Verified() {
		p.Next.Step = invitations.StepVerifyEmail // by a link too, nobody joins with an address that is not theirs
	}
	if p.Next.Step == invitations.StepVerifyEmail {
		a.returnTo(v, p.Next.Offer, token)
	}
	if p.Next.Reason != nil {
		problem, _ := invitations.ProblemOf(p.Next.Reason)
		p.Code = problem.Code
		if p.Next.Step == invitations.StepStop {
			status = max(status, problem.Status)
		}
	}
	organization := p.Next.Offer.Organization
	if p.Next.Step == invitations.StepOpen {
		organization = p.Next.Organization
	}
	if organization != "" {
		teams, err := a.teamNames(ctx, organization)
		if err != nil {
			return err
		}
		p.Team = teams[organization]
	}
	if p.Next.Offer.SentBy != "" {
		names, err := a.namesOf(ctx, p.Next.Offer.SentBy)
		if err != nil {
			return err
		}
		p.Inviter = names.Of(p.Next.Offer.SentBy)
	}
	title := "Invitation no longer valid"
	if p.Team != "" {
		title = "Join " + p.Team
	}
	return a.show(v, status, "invited", title, p)
}

// accept joins the team. An account that has not proved its address does so with the token that was
// mailed to it, and with its password: somebody else can have made the account.
func (a *app) accept(v *visit) error {
	ctx, token, u := v.r.Context(), v.r.PathValue("token"), v.User
	if u.ID == "" {
		a.redirect(v, invitePath(token), "")
		return nil
	}
	var err error
	if !v.User.Verified() {
		err = a.passwords.check(ctx, u.hash, v.r.PostFormValue("password"))
	}
	var joined invitations.Joined
	if err == nil {
		err = a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) (err error) {
			if !v.User.Verified() {
				if u, err = a.confirmByToken(ctx, tx, svc, v.User, token); err != nil {
					return err
				}
			}
			joined, err = svc.Accept(ctx, token, u.identity())
			return err
		})
	}
	if err != nil {
		return a.refuseOffer(v, err, offerPage{})
	}
	if !v.User.Verified() {
		if err := a.startSession(ctx, u); err != nil {
			return err
		}
	}
	return a.welcome(v, joined.Member)
}

// confirmByToken confirms the address of an account if the token was mailed to it. The token of a
// link proves nothing. The app shows the token of an email invitation to nobody else.
func (a *app) confirmByToken(
	ctx context.Context, tx *sql.Tx, svc *invitations.Service, u account, token string,
) (account, error) {
	offer, err := svc.Lookup(ctx, token)
	if err != nil {
		return account{}, err
	}
	if offer.Kind != invitations.KindEmail || offer.Email != u.Email {
		return account{}, invitations.ErrEmailUnverified
	}
	return a.confirm(ctx, tx, svc, u)
}

// refuseOffer shows the invitation again after a refusal: it may have ended while the page was
// open. An error that is not a refusal is returned.
func (a *app) refuseOffer(v *visit, err error, p offerPage) error {
	text, ok := refusal(err)
	if !ok {
		return err
	}
	problem, ok := invitations.ProblemOf(err)
	if !ok {
		problem.Status = http.StatusUnprocessableEntity
	}
	p.Problem = text
	return a.showOfferWith(v, problem.Status, p)
}

// welcome leads a new member into the team.
func (a *app) welcome(v *visit, m invitations.Member) error {
	a.sessions.Put(v.r.Context(), keyWorkspace, m.Organization)
	teams, err := a.teamNames(v.r.Context(), m.Organization)
	if err != nil {
		return err
	}
	a.redirect(v, "/", "Welcome to "+teams[m.Organization]+". You are working in it now.")
	return nil
}

// decline ends an email invitation. The person need not have an account.
func (a *app) decline(v *visit) error {
	if err := a.svc.Decline(v.r.Context(), v.r.PathValue("token")); err != nil {
		return a.refuseOffer(v, err, offerPage{})
	}
	return a.show(v, http.StatusOK, "declined", "Invitation declined", nil)
}

// registerInvited creates an account and joins the team: both or neither. The address of an email
// invitation is that of the invitation, whatever the form says, and the token proves it. The token
// of a link proves nothing: the person joins once the address is confirmed.
func (a *app) registerInvited(v *visit) error {
	ctx, token, form := v.r.Context(), v.r.PathValue("token"), readAccountForm(v.r)
	offer, err := a.svc.Lookup(ctx, token)
	if err != nil {
		return a.refuseOffer(v, err, offerPage{})
	}
	isLink := offer.Kind == invitations.KindLink
	if !isLink {
		form.Email = offer.Email
	}
	u, err := a.newAccount(ctx, form)
	confirmed := u
	var joined invitations.Joined
	switch {
	case err != nil:
	case isLink:
		err = a.claimToJoin(ctx, u, token)
	default:
		err = a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) (err error) {
			if err = a.addAccount(ctx, tx, u); err != nil {
				return err
			}
			if confirmed, err = a.confirm(ctx, tx, svc, u); err != nil {
				return err
			}
			joined, err = svc.Accept(ctx, token, confirmed.identity())
			return err
		})
	}
	if err != nil {
		return a.refuseOffer(v, err, offerPage{Form: form})
	}
	if err := a.startSession(ctx, confirmed); err != nil {
		return err
	}
	if isLink {
		a.redirect(v, invitePath(token), "")
		return nil
	}
	return a.welcome(v, joined.Member)
}

// claimToJoin is claim, if the account could join by the token of a link once it is confirmed. It
// does not ask for a seat: that some addresses have one tells who is invited.
func (a *app) claimToJoin(ctx context.Context, u account, token string) error {
	confirmed := u.identity()
	confirmed.EmailVerified = true
	next, err := a.svc.NextStep(ctx, token, invitations.Visitor{Identity: confirmed})
	if err = cmp.Or(err, next.Reason); err != nil && !errors.Is(err, invitations.ErrMemberLimit) {
		return err
	}
	return a.claim(ctx, u)
}

// signInInvited signs a person in on the page of the invitation, and leads back to it.
func (a *app) signInInvited(v *visit) error {
	form := readAccountForm(v.r)
	u, err := a.signIn(v.r.Context(), form.Email, form.Password)
	if err != nil {
		return a.refuseOffer(v, err, offerPage{Form: form})
	}
	if err := a.startSession(v.r.Context(), u); err != nil {
		return err
	}
	a.redirect(v, invitePath(v.r.PathValue("token")), "")
	return nil
}

// switchAccount signs out, and leads back to the invitation.
func (a *app) switchAccount(v *visit) error {
	if err := a.sessions.Destroy(v.r.Context()); err != nil {
		return err
	}
	a.redirect(v, invitePath(v.r.PathValue("token")), "")
	return nil
}

// returnTo makes the page of an invitation the next one after the person's address is verified.
// The session keeps its ID and not its token, which is a secret. The hash tells whether the token
// has been replaced since: then the person must not get the new one.
func (a *app) returnTo(v *visit, offer invitations.Offer, token string) {
	a.sessions.Put(v.r.Context(), keyReturnHash, hashKey(token))
	a.sessions.Put(v.r.Context(), keyReturn, offer.Organization)
	a.sessions.Put(v.r.Context(), keyReturnID, offer.ID.String())
}

// returnPath returns the path of the page that returnTo has kept, or "/".
func (a *app) returnPath(ctx context.Context) (string, error) {
	organization, id := a.sessions.PopString(ctx, keyReturn), a.sessions.PopString(ctx, keyReturnID)
	hash := a.sessions.PopString(ctx, keyReturnHash)
	if organization == "" {
		return "/", nil
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return "", err
	}
	sent, err := a.svc.PendingToken(ctx, invitations.System(), organization, parsed)
	if _, refused := invitations.ProblemOf(err); refused {
		return "/", nil // it has ended
	}
	if err == nil && hashKey(sent.Token.Reveal()) != hash {
		return "/", nil
	}
	return invitePath(sent.Token.Reveal()), err
}
