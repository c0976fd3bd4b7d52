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
	// Subject: “Ada Lovelace” invited you to “Acme” on Example
	//
	//   “Ada Lovelace” invited you to “Acme” on Example.
	//   Your role: “Developer”
	//
	// Personal message:
	//
	// > Hello Bob,
	// > here we are.
	//
	// View the invitation to accept or decline it:
	//
	// <https://app.example.com/invite/inv_...>
	//
	// This invitation is for bob@example.com and expires on Monday, 9 March
	// 2026 at 12:00 UTC.
	//
	// If you weren’t expecting this invitation, you can ignore this email.
	// Please don’t forward it: the link is only for you.
	//
	// logged: [redacted]
}

// A host can change the built-in templates, and add languages.
func ExampleConfig_templates() {
	english := mail.BuiltIn()["en"]
	english.Subject = `Join “{{.Organization}}”`
	renderer, err := mail.New(mail.Config{
		BaseURL: "https://app.example.com/invite", Product: "Example",
		Templates: map[string]mail.Templates{
			"en": english,
			"nl": {
				Subject: `Uitnodiging voor “{{.Organization}}”`,
				Text: `Geldig tot {{.ExpiresAt.Format "02-01-2006, 15:04 MST"}}:

<{{.Link}}>
{{range .Message}}
> {{.}}
{{- end}}`,
				HTML: `<!doctype html>
<html lang="{{.Language}}">
<p><a href="{{.Link}}">Bekijk de uitnodiging</a></p>
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
	for _, language := range []string{"nl-BE", "da"} {
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
	// Uitnodiging voor “evil·example”
	// Join “evil·example”
}

// The recipient's language chooses the templates. For a language without any, they are English.
func ExampleData_language() {
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
	for _, language := range []string{"de-CH", "fr", "es-MX", "pt-BR", "ar-EG", "da"} {
		message, err := renderer.Render(mail.Data{
			Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt,
			Organization: "Acme", Role: "Viewer", Inviter: "Ada Lovelace", Language: language,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(message.Subject())
	}
	// Output:
	// „Ada Lovelace“ hat Sie zu „Acme“ auf Example eingeladen
	// « Ada Lovelace » vous invite à rejoindre « Acme » sur Example
	// «Ada Lovelace» te ha invitado a unirte a «Acme» en Example
	// “Ada Lovelace” convidou você para participar de “Acme” no Example
	// دعوة من «Ada Lovelace» للانضمام إلى «Acme» على Example
	// “Ada Lovelace” invited you to “Acme” on Example
}

// The expiry is shown in the recipient's time zone, and in the language of the templates.
func ExampleTemplates_formatTime() {
	months := [...]string{"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september",
		"oktober", "november", "december"}
	dutch := mail.Templates{
		Subject: "Uitnodiging voor “{{.Organization}}”",
		Text:    "Geldig tot {{.Expiry}}:\n\n<{{.Link}}>",
		HTML:    `<p lang="{{.Language}}">Geldig tot {{.Expiry}}: <a href="{{.Link}}">bekijk de uitnodiging</a></p>`,
		FormatTime: func(t time.Time) string {
			return fmt.Sprintf("%d %s %s", t.Day(), months[t.Month()-1], t.Format("2006 om 15:04 uur (MST)"))
		},
	}
	renderer, err := mail.New(mail.Config{
		BaseURL: "https://app.example.com/invite", Product: "Example",
		Templates: map[string]mail.Templates{"nl": dutch},
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
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, location := range []*time.Location{amsterdam, nil} {
		message, err := renderer.Render(mail.Data{
			Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Organization: "Acme", Role: "Lezer",
			Language: "nl", Location: location,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		expiry, _, _ := strings.Cut(message.Text(), "\n")
		fmt.Println(expiry)
	}
	// Output:
	// Geldig tot 9 maart 2026 om 13:00 uur (CET):
	// Geldig tot 9 maart 2026 om 12:00 uur (UTC):
}

func ExampleNew_brokenTemplate() {
	broken := mail.BuiltIn()["en"]
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
		_, shown, _ := strings.Cut(message.Subject(), "invited to join ")
		fmt.Printf("%+q\n", shown)
	}
	// Output:
	// "\u201c\u0634\u0631\u06a9\u062a\u200c\u0647\u0627\u201d on Example"
	// "\u201cAcme\u201d on Example"
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
