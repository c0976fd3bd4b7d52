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
	mux.Handle("GET /verify/{code}", a.pageOf(a.showVerify))
	mux.Handle("POST /verify", a.limited(a.pageOf(a.verify)))
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

// register creates an account, and mails the link that proves the address.
func (a *app) register(v *visit) error {
	ctx, form := v.r.Context(), readAccountForm(v.r)
	var u account
	n, err := a.checkAccount(ctx, form)
	if err == nil {
		err = a.change(ctx, func(tx *sql.Tx, svc *invitations.Service) (err error) {
			if u, err = a.addAccount(ctx, tx, svc, n, false); err != nil {
				return err
			}
			return a.enqueueVerification(ctx, tx, u)
		})
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
	a.wakeUp()
	a.redirect(v, "/verify", "")
	return nil
}

// showVerify shows an unverified person what to do. It changes nothing, because mail scanners
// follow links: the code in the address is sent by the button.
func (a *app) showVerify(v *visit) error {
	switch {
	case v.User.ID == "":
		return a.show(v, http.StatusOK, "sign-in", "Sign in", credentialsForm{Problem: "Sign in, and then open the link in the mail again."})
	case v.User.Verified:
		a.redirect(v, "/", "")
		return nil
	}
	return a.show(v, http.StatusOK, "verify", "Confirm your address", v.r.PathValue("code"))
}

// verify marks the address of the person who is signed in as verified. The password of the
// session and the code of the mail are both needed, so nobody verifies an account that somebody
// else made with their address.
func (a *app) verify(v *visit) error {
	if err := a.verifyAddress(v.r.Context(), v.User, v.r.PostFormValue("code")); err != nil {
		return a.finish(v, "/verify", "", err)
	}
	path, err := a.returnPath(v.r.Context())
	return a.finish(v, path, "Your address is confirmed.", err)
}

// sendVerification mails the link once more.
func (a *app) sendVerification(v *visit) error {
	if v.User.ID == "" || v.User.Verified {
		a.redirect(v, "/", "")
		return nil
	}
	err := a.enqueueVerification(v.r.Context(), a.db, v.User)
	a.wakeUp()
	return a.finish(v, "/verify", "The mail is on its way.", err)
}
