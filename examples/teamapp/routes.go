package main

import "net/http"

// handler returns all routes of the app.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", http.FileServerFS(files))

	a.serveAccounts(mux)
	a.serveInvited(mux)
	a.serveInvitations(mux)
	a.serveMembers(mux)
	a.serveUsage(mux)
	a.serveActivity(mux)
	a.serveAnalytics(mux)
	a.serveSettings(mux)
	a.serveReceived(mux)
	if a.deliver == nil {
		a.serveOutbox(mux)
	}
	a.serveAPI(mux)
	return a.protect(mux)
}

// serveAccounts adds the routes of people and their workspaces.
func (a *app) serveAccounts(mux *http.ServeMux) {
	mux.Handle("GET /{$}", a.signedIn(a.showHome))
	mux.Handle("GET /sign-in", a.pageOf(a.showSignIn))
	mux.Handle("POST /sign-in", a.limited(a.pageOf(a.doSignIn)))
	mux.Handle("POST /sign-out", a.pageOf(a.signOut))
	mux.Handle("GET /register", a.pageOf(a.showRegister))
	mux.Handle("POST /register", a.limited(a.pageOf(a.register)))
	mux.Handle("GET /verify", a.pageOf(a.showVerify))
	mux.Handle("GET /verify/{code}", a.pageOf(a.showVerify))
	mux.Handle("POST /verify", a.limited(a.pageOf(a.verify)))
	mux.Handle("POST /verify/mail", a.limited(a.pageOf(a.sendVerification)))
	mux.Handle("POST /workspace", a.signedIn(a.switchWorkspace))
	mux.Handle("GET /personal", a.signedIn(a.showPersonal))
	mux.Handle("POST /teams", a.signedIn(a.addTeam))
}
