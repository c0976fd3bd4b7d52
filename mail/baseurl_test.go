package mail_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/mail"
)

func TestNew_Class34_RefusesUnsafeBaseURL(t *testing.T) {
	t.Parallel()
	const (
		notURL     = "must be a valid URL"
		notHTTPS   = "must be an absolute URL with https or the app scheme"
		noHost     = "must have a host"
		userInfo   = "must not have user info"
		notLocal   = "must use https unless the host is a loopback address"
		fragment   = "must not have a fragment other than a route that begins with / or !/"
		query      = "must not have a query"
		badHost    = "must have a host of only letters, digits and .-:[]"
		badElement = "must consist of only letters, digits and -._~/:[]%, apart from the start of a route"
	)
	for raw, reason := range map[string]string{
		"": "must not be empty",
		"https://example.com/" + strings.Repeat("a", 481): "must have at most 500 bytes",
		"https://exa mple.com":                            notURL,
		"https://example.com/\n":                          notURL,
		"https://example.com\\@evil.example":              notURL,
		"https://example.com:port":                        notURL,
		"https://example.com/%zz":                         notURL,
		"app.example.com/invite":                          notHTTPS,
		"/invite":                                         notHTTPS,
		"//app.example.com/invite":                        notHTTPS,
		"ftp://app.example.com/invite":                    notHTTPS,
		"javascript:alert(1)":                             notHTTPS,
		"data:text/html,x":                                notHTTPS,
		"https:app.example.com":                           noHost,
		"https:///invite":                                 noHost,
		"https://":                                        noHost,
		"https://:443/invite":                             noHost,
		"https://app.example.com@evil.example/":           userInfo,
		"https://app:pw@app.example.com/":                 userInfo,
		"https://@app.example.com/":                       userInfo,
		"http://app.example.com/invite":                   notLocal,
		"http://localhost.evil.example/invite":            notLocal,
		"http://127.0.0.1.evil.example/invite":            notLocal,
		"http://192.168.1.1/invite":                       notLocal,
		"http://0.0.0.0/invite":                           notLocal,
		"https://app.example.com/invite#":                 fragment,
		"https://app.example.com/invite#token":            fragment,
		"https://app.example.com/#":                       fragment,
		"https://app.example.com/#invite/":                fragment,
		"https://app.example.com/#!":                      fragment,
		"https://app.example.com/#!invite/":               fragment,
		"https://app.example.com/#?/":                     fragment,
		"https://app.example.com/##/":                     fragment,
		"https://app.example.com/#/invite?":               query,
		"https://app.example.com/#/invite?next=/":         query,
		"https://app.example.com/#/invite#":               badElement,
		"https://app.example.com/#/invite#/":              badElement,
		"https://app.example.com/#/!/":                    badElement,
		"https://app.example.com/!/":                      badElement,
		"https://app.example.com/#/\"onclick=x/":          badElement,
		"https://app.example.com/#/<b>":                   badElement,
		"https://app.example.com/#/einladung/für":         badElement,
		"https://app.example.com/#/%zz":                   notURL,
		"https://app.example.com@evil.example/#/":         userInfo,
		"http://app.example.com/#/invite":                 notLocal,
		"https://#/invite":                                noHost,
		"#/invite":                                        notHTTPS,
		"/#/invite":                                       notHTTPS,
		"teamy://invite/":                                 notHTTPS,
		"https://app.example.com/invite?":                 query,
		"https://app.example.com/invite?next=/":           query,
		"https://bücher.example/invite":                   badHost,
		"https://b%C3%BCcher.example/invite":              badHost,
		"https://app.example.com,evil.example/":           badHost,
		"https://app_1.example.com/":                      badHost,
		`https://app.example.com"onclick=x/`:              badHost,
		"https://app.example.com/einladung/für":           badElement,
		"https://app.example.com/<b>":                     badElement,
		"https://app.example.com/a&b":                     badElement,
		"https://app.example.com/o'neill":                 badElement,
		"https://app.example.com/a/@b":                    badElement,
		"https://app.example.com/{{.Inviter}}":            badElement,
	} {
		r, err := mail.New(mail.Config{BaseURL: raw, Product: "Example"})
		require.Nil(t, r, raw)
		requireInvalid(t, err, "base_url", reason)
	}
}

func TestNew_Class34_BuildsLinkFromBaseURL(t *testing.T) {
	t.Parallel()
	longest := "https://example.com/" + strings.Repeat("a", 480)
	for raw, base := range map[string]string{
		"https://app.example.com":              "https://app.example.com/",
		"https://app.example.com/":             "https://app.example.com/",
		"https://app.example.com:8443/a/b_c~d": "https://app.example.com:8443/a/b_c~d/",
		"https://xn--bcher-kva.example/%C3%BC": "https://xn--bcher-kva.example/%C3%BC/",
		"https://[2001:db8::1]/invite":         "https://[2001:db8::1]/invite/",
		longest:                                longest + "/",
		"http://localhost/invite":              "http://localhost/invite/",
		"http://localhost:8080/invite/":        "http://localhost:8080/invite/",
		"http://127.0.0.1:8080":                "http://127.0.0.1:8080/",
		"http://[::1]:8080":                    "http://[::1]:8080/",
	} {
		m := render(t, newRenderer(t, func(c *mail.Config) { c.BaseURL = raw }), fullData())
		want := base + token.Reveal()
		require.Contains(t, m.Text(), "\n<"+want+">\n")
		require.Equal(t, 2, strings.Count(m.HTML(), `href="`+want+`"`))
		require.Contains(t, m.HTML(), ">"+want+"</a>")
	}
}

func TestNew_Class34_BuildsLinkWithRoute(t *testing.T) {
	t.Parallel()
	for raw, base := range map[string]string{
		"https://app.example/#/invite/":             "https://app.example/#/invite/",
		"https://app.example/#/invite":              "https://app.example/#/invite/",
		"https://app.example/#/":                    "https://app.example/#/",
		"https://app.example#/":                     "https://app.example#/",
		"https://app.example:8443/a/#!/invite/b%20": "https://app.example:8443/a/#!/invite/b%20/",
		"http://localhost:8080/#/invite":            "http://localhost:8080/#/invite/",
	} {
		requireLink(t, newRenderer(t, func(c *mail.Config) { c.BaseURL = raw }), base+token.Reveal())
	}
}

func TestNew_Class34_BuildsLinkForApp(t *testing.T) {
	t.Parallel()
	for raw, scheme := range map[string]string{
		"teamy://invite/":                   "teamy",
		"teamy://invite/a/b_c~d/":           "teamy",
		"teamy://app.example.com:8443/x/":   "teamy",
		"teamy://invite/#/a/":               "teamy",
		"com.example.app-2://invite/":       "com.example.app-2",
		"https://app.example.com/invite/":   "teamy",
		"http://localhost:8080/#/invite/":   "teamy",
		strings.Repeat("x", 64) + "://x/y/": strings.Repeat("x", 64),
	} {
		for _, base := range []string{raw, strings.TrimSuffix(raw, "/")} {
			r := newRenderer(t, func(c *mail.Config) { c.BaseURL, c.AppScheme = base, scheme })
			requireLink(t, r, raw+token.Reveal())
		}
	}
}

// requireLink requires that all links of a mail are link, in both parts, and that data changes
// none.
func requireLink(t *testing.T, r *mail.Renderer, link string) {
	t.Helper()
	d := dataWithNames("teamy://evil.example/#/x")
	d.Message, d.Language = d.Organization, d.Organization
	for _, d := range []mail.Data{fullData(), minimalData(), d} {
		m := render(t, r, d)
		require.Contains(t, m.Text(), "\n<"+link+">\n")
		require.Equal(t, []string{link, link}, parseHTML(t, m.HTML()).links)
		require.Equal(t, 2, strings.Count(m.HTML(), `href="`+link+`"`))
		require.Contains(t, m.HTML(), ">"+link+"</a>")
		require.Equal(t, 1, strings.Count(m.Text(), token.Reveal()))
		require.Equal(t, 3, strings.Count(m.HTML(), token.Reveal()))
	}
}

func TestNew_Class34_RefusesUnsafeAppURL(t *testing.T) {
	t.Parallel()
	const (
		other    = "must be an absolute URL with https or the app scheme"
		noHost   = "must have a host"
		fragment = "must not have a fragment other than a route that begins with / or !/"
	)
	for raw, reason := range map[string]string{
		"teamy":                   other,
		"teamy:":                  other,
		"teamy:invite/":           other,
		"teamy:/invite/":          other,
		"TEAMY://invite/":         other,
		"teamyx://invite/":        other,
		"team://invite/":          other,
		"javascript://invite/":    other,
		"javascript:alert(1)":     other,
		"data:text/html,x":        other,
		"file:///etc/":            other,
		"//invite/":               other,
		"teamy://":                noHost,
		"teamy:///invite/":        noHost,
		"teamy://:443/":           noHost,
		"teamy://invite@evil/":    "must not have user info",
		"teamy://invite/?token=":  "must not have a query",
		"teamy://invite/#":        fragment,
		"teamy://invite/#token":   fragment,
		"teamy://in_vite/":        "must have a host of only letters, digits and .-:[]",
		"teamy://invite/<b>":      "must consist of only letters, digits and -._~/:[]%, apart from the start of a route",
		"teamy://inv ite/":        "must be a valid URL",
		"http://app.example.com/": "must use https unless the host is a loopback address",
	} {
		r, err := mail.New(mail.Config{BaseURL: raw, AppScheme: "teamy", Product: "Example"})
		require.Nil(t, r, raw)
		requireInvalid(t, err, "base_url", reason)
	}
}

func TestNew_Class34_RefusesUnsafeAppScheme(t *testing.T) {
	t.Parallel()
	const (
		form     = "must be a lower-case letter and then only lower-case letters, digits, . and -"
		reserved = "must not be a scheme of browsers, mail programs or operating systems"
	)
	for scheme, reason := range map[string]string{
		"Teamy": form, "teamy:": form, "teamy://": form, "1teamy": form, "-teamy": form, ".teamy": form, " teamy": form,
		"teamy\n": form, "team+y": form, "teämy": form, "te amy": form, "team/y": form, "JavaScript": form, `t"y`: form,
		"java\tscript": form, "{{.Link}}": form,
		strings.Repeat("x", 65): "must have at most 64 bytes",

		"javascript": reserved, "vbscript": reserved, "data": reserved, "file": reserved, "blob": reserved, "about": reserved,
		"http": reserved, "https": reserved, "ftp": reserved, "ws": reserved, "wss": reserved, "filesystem": reserved,
		"view-source": reserved, "mailto": reserved, "cid": reserved, "tel": reserved, "sms": reserved, "intent": reserved,
		"content": reserved, "jar": reserved, "ms-msdt": reserved, "ms-settings": reserved, "search-ms": reserved,
		"itms-services": reserved, "chrome": reserved, "chrome-extension": reserved, "moz-extension": reserved,
		"x-apple.systempreferences": reserved, "smb": reserved, "ssh": reserved, "ldap": reserved, "webcal": reserved,
	} {
		for _, base := range []string{scheme + "://invite/", baseURL} { // also if no link uses it
			r, err := mail.New(mail.Config{BaseURL: base, AppScheme: scheme, Product: "Example"})
			require.Nil(t, r, scheme)
			requireInvalid(t, err, "app_scheme", reason)
		}
	}
}

// html/template knows no scheme of an app, and replaces links that it does not trust.
func TestNew_RefusesTemplatesThatLoseAppLink(t *testing.T) {
	t.Parallel()
	templates := mail.BuiltIn()["en"]
	templates.HTML = `<a href="{{printf "%s" .Link}}">{{.Link}}</a>`
	config := mail.Config{
		BaseURL: "teamy://invite", AppScheme: "teamy", Product: "Example", Templates: map[string]mail.Templates{"de": templates},
	}
	r, err := mail.New(config)
	require.Nil(t, r)
	requireInvalid(t, err, "templates", "for de must not have a value that html/template replaces by ZgotmplZ")

	templates.HTML = `<a href={{.Link}} title="{{.Link}}" data-url='{{.Link}}'>{{.Link}}</a>{{with .Link}}<a href='{{.}}'>{{end}}`
	config.Templates = map[string]mail.Templates{"de": templates}
	r, err = mail.New(config)
	require.NoError(t, err)
	d := fullData()
	d.Language = "de"
	m := render(t, r, d)
	want := "teamy://invite/" + token.Reveal()
	require.Equal(t, []string{want, want}, parseHTML(t, m.HTML()).links)
	require.Equal(t, 5, strings.Count(m.HTML(), want))
}
