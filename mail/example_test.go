package mail_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
	"github.com/go-invitations/invitations/memstore"
)

// clock returns a fixed time, so that the output of the examples does not change.
func clock() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// newService returns a service in which ada owns the organization acme.
func newService() *invitations.Service {
	keys, err := invitations.NewKeyring(make([]byte, 32)) // a real key must be random and secret
	if err != nil {
		panic(err)
	}
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{Clock: clock})
	if err != nil {
		panic(err)
	}
	if _, err := svc.CreateOrganization(context.Background(), "acme", "ada"); err != nil {
		panic(err)
	}
	return svc
}

func Example() {
	ctx, svc := context.Background(), newService()
	renderer, err := mail.New(mail.Config{BaseURL: "https://app.example.com/invite", Product: "Example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
		Message: "Hello Bob,\nhere we are.",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := renderer.Render(mail.Data{
		Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Message: sent.Message,
		Organization: "Acme", Role: "Developer", Inviter: "Ada Lovelace", Language: "en-GB",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("To:", message.To())
	fmt.Println("Subject:", message.Subject())
	fmt.Println()
	fmt.Println(strings.ReplaceAll(message.Text(), sent.Token.Reveal(), "inv_..."))
	fmt.Println("logged:", message)
	// Output:
	// To: bob@example.com
	// Subject: Example: you are invited to join “Acme”
	//
	// You are invited to join an organization on Example.
	//
	//   Organization: “Acme”
	//   Your role: “Developer”
	//   Invited by: “Ada Lovelace”
	//
	// See the invitation, and accept or decline it, at:
	//
	// <https://app.example.com/invite/inv_...>
	//
	// It is valid until Monday, 9 March 2026, 12:00 UTC, for bob@example.com
	// alone.
	//
	// A personal message, in the words of who invited you:
	//
	// > Hello Bob,
	// > here we are.
	//
	// If you did not expect this, ignore it: nobody joins without accepting.
	// The link is for you; do not pass it on.
	//
	// logged: [redacted]
}

func ExampleConfig_templates() {
	english := mail.English()
	english.Subject = `Join {{.Organization}}`
	renderer, err := mail.New(mail.Config{
		BaseURL: "https://app.example.com/invite", Product: "Example",
		Templates: map[string]mail.Templates{
			"en": english,
			"de": {
				Subject: `Einladung zu {{.Organization}}`,
				Text: `Gültig bis {{.ExpiresAt.Format "02.01.2006, 15:04 MST"}}:

<{{.Link}}>
{{range .Message}}
> {{.}}
{{- end}}`,
				HTML: `<!doctype html>
<html lang="{{.Language}}">
<p><a href="{{.Link}}">Zur Einladung</a></p>
{{with .Message}}<blockquote>{{range .}}{{.}}<br>{{end}}</blockquote>{{end}}
</html>`,
			},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	sent, err := newService().Invite(context.Background(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer, Message: "Hallo!",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, language := range []string{"de-CH", "fr"} {
		message, err := renderer.Render(mail.Data{
			Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Message: sent.Message,
			Organization: "evil.example", Role: "Viewer", Language: language,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(message.Subject())
	}
	// Output:
	// Einladung zu evil·example
	// Join evil·example
}

// The expiry is shown in the recipient's time zone, and in the language of the templates.
func ExampleTemplates_formatTime() {
	months := [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
		"octobre", "novembre", "décembre"}
	french := mail.Templates{
		Subject: `Invitation à rejoindre « {{.Organization}} »`,
		Text:    "Valable jusqu’au {{.Expiry}} :\n\n<{{.Link}}>",
		HTML:    `<p lang="{{.Language}}">Valable jusqu’au {{.Expiry}} : <a href="{{.Link}}">voir l’invitation</a></p>`,
		FormatTime: func(t time.Time) string {
			return fmt.Sprintf("%d %s %s", t.Day(), months[t.Month()-1], t.Format("2006 à 15:04 (MST)"))
		},
	}
	renderer, err := mail.New(mail.Config{
		BaseURL: "https://app.example.com/invite", Product: "Example",
		Templates: map[string]mail.Templates{"fr": french},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	sent, err := newService().Invite(context.Background(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, location := range []*time.Location{paris, nil} {
		message, err := renderer.Render(mail.Data{
			Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Organization: "Acme", Role: "Lecteur",
			Language: "fr", Location: location,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		expiry, _, _ := strings.Cut(message.Text(), "\n")
		fmt.Println(expiry)
	}
	// Output:
	// Valable jusqu’au 9 mars 2026 à 13:00 (CET) :
	// Valable jusqu’au 9 mars 2026 à 12:00 (UTC) :
}

func ExampleNew_brokenTemplate() {
	broken := mail.English()
	broken.Text = "Open {{.URL}}"
	_, err := mail.New(mail.Config{
		BaseURL: "https://app.example.com/invite", Product: "Example",
		Templates: map[string]mail.Templates{"en": broken},
	})
	fmt.Println(err)
	// Output:
	// invitations: templates for en must execute without an error: template: text:1:7: executing "text" at <.URL>: can't evaluate field URL in type mail.fields
}

// A Persian word needs a joiner to be spelt correctly. Between Latin letters it is only invisible.
func ExampleRenderer_Render_joiners() {
	renderer, err := mail.New(mail.Config{BaseURL: "https://app.example.com/invite", Product: "Example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sent, err := newService().Invite(context.Background(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, organization := range []string{"شرکت\u200cها", "Ac\u200cme"} {
		message, err := renderer.Render(mail.Data{
			Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Organization: organization, Role: "Viewer",
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		_, shown, _ := strings.Cut(message.Subject(), "to join ")
		fmt.Printf("%+q\n", shown)
	}
	// Output:
	// "\u201c\u0634\u0631\u06a9\u062a\u200c\u0647\u0627\u201d"
	// "\u201cAcme\u201d"
}

// The link of a product that routes after "#", and the link of a product that opens an app.
func ExampleConfig_baseURL() {
	sent, err := newService().Invite(context.Background(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, config := range []mail.Config{
		{BaseURL: "https://app.example.com/#/invite", Product: "Example"},
		{BaseURL: "teamy://invite", AppScheme: "teamy", Product: "Teamy"},
		{BaseURL: "teamy://invite", Product: "Teamy"},
	} {
		renderer, err := mail.New(config)
		if err != nil {
			fmt.Println(err)
			continue
		}
		message, err := renderer.Render(mail.Data{
			Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Organization: "Acme", Role: "Viewer",
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		for line := range strings.Lines(message.Text()) {
			if strings.HasPrefix(line, "<") {
				fmt.Print(strings.ReplaceAll(line, sent.Token.Reveal(), "inv_..."))
			}
		}
	}
	// Output:
	// <https://app.example.com/#/invite/inv_...>
	// <teamy://invite/inv_...>
	// invitations: base_url must be an absolute URL with https or the app scheme
}
