package main

import "net/http"

// handler returns all routes of the app.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", http.FileServerFS(files))

	a.serveAccounts(mux)
	a.serveWorkspaces(mux)
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
	a.serveKeys(mux)
	a.serveAPI(mux)
	return a.protect(mux)
}
