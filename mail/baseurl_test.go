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
		notHTTPS   = "must be an absolute https URL"
		noHost     = "must have a host"
		userInfo   = "must not have user info"
		notLocal   = "must use https unless the host is a loopback address"
		fragment   = "must not have a fragment"
		query      = "must not have a query"
		badHost    = "must have a host of only letters, digits and .-:[]"
		badElement = "must consist of only letters, digits and -._~/:[]%"
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
