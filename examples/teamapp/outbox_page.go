package main

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/go-invitations/invitations"
)

// serveOutbox adds the pages that show mail without a mail server, for trying out. They need no
// account: a person who is invited has none yet.
func (a *app) serveOutbox(mux *http.ServeMux) {
	for path, show := range map[string]func(*visit) error{
		"": a.showOutbox, "/{letter}": a.showLetter, "/{letter}/html": a.showLetterHTML,
	} {
		mux.Handle("GET /outbox"+path, a.pageOf(func(v *visit) error {
			// Another site can give its name the address of this machine, and would read the mail.
			if !strings.HasSuffix(a.baseURL, "://"+v.r.Host) {
				return invitations.ErrNotFound
			}
			return show(v)
		}))
	}
}

const lettersPerPage = 25

// An outboxPage is the data of the list.
type outboxPage struct {
	Letters []letter
	Teams   map[string]string // names
	pager
}

// showOutbox lists the letters, the newest first. A cursor is the last letter of the page before.
func (a *app) showOutbox(v *visit) (err error) {
	var body outboxPage
	cursor, next := v.r.FormValue("cursor"), ""
	where, args := `order by created_at desc, id desc limit $1`, []any{lettersPerPage + 1}
	if cursor != "" {
		where = `where (created_at, id) < (select created_at, id from outbox where id = $2) ` + where
		args = append(args, cursor)
	}
	if body.Letters, err = a.letters(v.r.Context(), where, args...); err != nil {
		return err
	}
	if len(body.Letters) > lettersPerPage {
		body.Letters = body.Letters[:lettersPerPage]
		next = body.Letters[lettersPerPage-1].ID
	}
	body.pager = v.pager("/outbox", next)
	var teams []string
	for _, l := range body.Letters {
		teams = append(teams, l.Organization)
	}
	if body.Teams, err = a.teamNames(v.r.Context(), teams...); err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "outbox", "Outbox", body)
}

// A letterPage is the data of one letter. Before, Link and After are its text, in which mail
// programs make the address clickable.
type letterPage struct {
	letter
	Message             message
	Before, Link, After string
}

// showLetter shows one letter as its recipient sees it. Like the queue, the page keeps no token:
// the message is made for it, unless the invitation has ended.
func (a *app) showLetter(v *visit) error {
	l, m, err := a.letterOf(v)
	if l.ID == "" || err != nil && !ended(err) {
		return err
	}
	body := letterPage{letter: l, Message: m}
	body.Before, body.After, _ = strings.Cut(m.Text, "<"+a.baseURL+"/")
	if path, after, ok := strings.Cut(body.After, ">"); ok {
		body.Link, body.After = a.baseURL+"/"+path, after
	}
	return a.show(v, http.StatusOK, "letter", cmp.Or(m.Subject, "A letter to "+l.Recipient), body)
}

// showLetterHTML answers with the HTML part, for the frame of showLetter. Its policy allows the
// styles that a mail must have in its text, and nothing else.
func (a *app) showLetterHTML(v *visit) error {
	_, m, err := a.letterOf(v)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "+
		"base-uri 'none'; form-action 'none'; sandbox allow-popups allow-top-navigation-by-user-activation")
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// A link opens in the window, and not in the frame.
	_, _ = v.w.Write([]byte(strings.Replace(m.HTML, "<head>", `<head><base target="_top">`, 1)))
	return nil
}

// letterOf returns the letter that a path names and its message. The letter is there too if its
// message cannot be made.
func (a *app) letterOf(v *visit) (letter, message, error) {
	found, err := a.letters(v.r.Context(), `where id = $1`, v.r.PathValue("letter"))
	if err != nil || len(found) == 0 {
		return letter{}, message{}, cmp.Or(err, error(invitations.ErrNotFound))
	}
	m, err := a.compose(v.r.Context(), found[0])
	return found[0], m, err
}
