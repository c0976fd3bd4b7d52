package main

import (
	"database/sql"
	"net/http"

	"github.com/go-invitations/invitations"
)

// serveAccounts adds the pages that need no verified address.
func (a *app) serveAccounts(mux *http.ServeMux) {
	mux.Handle("GET /sign-in", a.pageOf(a.showSignIn))
	mux.Handle("POST /sign-in", a.limited(a.pageOf(a.doSignIn)))
	mux.Handle("POST /sign-out", a.pageOf(a.signOut))
	mux.Handle("GET /register", a.pageOf(a.showRegister))
	mux.Handle("POST /register", a.limited(a.pageOf(a.register)))
	mux.Handle("GET /verify", a.pageOf(a.showVerify))
	mux.Handle("GET /verify/{account}/{code}", a.pageOf(a.showProof))
	mux.Handle("POST /verify/{account}/{code}", a.limited(a.pageOf(a.prove)))
	mux.Handle("POST /verify/mail", a.limited(a.pageOf(a.sendVerification)))
}

// A credentials form is shown again with what the person typed, and the reason of a refusal.
type credentialsForm struct {
	accountForm
	Problem string
}

func readAccountForm(r *http.Request) accountForm {
	return accountForm{Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Password: r.PostFormValue("password")}
}

func (a *app) showSignIn(v *visit) error {
	if v.User.ID != "" {
		a.redirect(v, "/", "")
		return nil
	}
	return a.show(v, http.StatusOK, "sign-in", "Sign in", credentialsForm{})
}

func (a *app) doSignIn(v *visit) error {
	form := readAccountForm(v.r)
	u, err := a.signIn(v.r.Context(), form.Email, form.Password)
	if problem, ok := refusal(err); ok {
		return a.show(v, http.StatusUnprocessableEntity, "sign-in", "Sign in", credentialsForm{form, problem})
	}
	if err == nil {
		err = a.startSession(v.r.Context(), u)
	}
	if err != nil {
		return err
	}
	a.redirect(v, "/", "")
	return nil
}

func (a *app) signOut(v *visit) error {
	if err := a.sessions.Destroy(v.r.Context()); err != nil {
		return err
	}
	a.redirect(v, "/sign-in", "")
	return nil
}

func (a *app) showRegister(v *visit) error {
	return a.show(v, http.StatusOK, "register", "Create an account", credentialsForm{})
}

// register creates an account, which can do nothing until the person follows the link in a mail.
func (a *app) register(v *visit) error {
	ctx, form := v.r.Context(), readAccountForm(v.r)
	u, err := a.newAccount(ctx, form)
	if err == nil {
		err = a.claim(ctx, u)
	}
	if problem, ok := refusal(err); ok {
		return a.show(v, http.StatusUnprocessableEntity, "register", "Create an account", credentialsForm{form, problem})
	}
	if err == nil {
		err = a.startSession(ctx, u)
	}
	if err != nil {
		return err
	}
	a.redirect(v, "/verify", "")
	return nil
}

// showVerify tells a person who has registered to look for the mail.
func (a *app) showVerify(v *visit) error {
	if v.User.ID == "" || v.User.Verified() {
		a.redirect(v, "/", "")
		return nil
	}
	return a.show(v, http.StatusOK, "verify", "Confirm your address", credentialsForm{})
}

// showProof shows the page of the link in the mail. It changes nothing, because mail scanners
// follow links.
func (a *app) showProof(v *visit) error {
	u, err := a.claimant(v)
	if err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "verify", "Confirm your address", credentialsForm{accountForm: accountForm{Email: u.Email}})
}

// prove gives an account the address that it claims. The link proves that the person reads the
// mail, and the password that the account is theirs: nobody confirms an account that somebody else
// made with their address. A person who has registered in this browser confirms that account, by
// any mail that the address got.
func (a *app) prove(v *visit) error {
	ctx := v.r.Context()
	u, err := a.claimant(v)
	if err != nil {
		return err
	}
	if v.User.ID != "" && !v.User.Verified() && v.User.Email == u.Email {
		u = v.User
	}
	form := accountForm{Email: u.Email}
	var confirmed account
	if err = a.passwords.check(ctx, u.hash, v.r.PostFormValue("password")); err == nil {
		err = a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) (err error) {
			confirmed, err = a.confirm(ctx, tx, svc, u)
			return err
		})
	}
	if problem, ok := refusal(err); ok {
		return a.show(v, http.StatusUnprocessableEntity, "verify", "Confirm your address",
			credentialsForm{form, problem})
	}
	var path string
	if err == nil {
		path, err = a.returnPath(ctx)
	}
	if err == nil {
		err = a.startSession(ctx, confirmed)
	}
	return a.finish(v, path, "Your address is confirmed.", err)
}

// sendVerification mails the link once more.
func (a *app) sendVerification(v *visit) error {
	if v.User.ID == "" || v.User.Verified() {
		a.redirect(v, "/", "")
		return nil
	}
	err := a.enqueueVerification(v.r.Context(), a.db, v.User)
	a.wakeUp()
	return a.finish(v, "/verify", "The mail is on its way.", err)
}
