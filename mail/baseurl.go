package mail

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	maxBaseURLBytes   = 500
	lettersAndDigits  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	hostCharacters    = lettersAndDigits + ".-:[]"
	baseURLCharacters = lettersAndDigits + "-._~/:[]%"
)

// checkBaseURL refuses raw unless it is a base URL as [Config] describes. Its characters need no
// escaping in text, in HTML or in an attribute, so the link is the same in all of them.
func checkBaseURL(raw, appScheme string) error {
	refuse := func(reason string) error { return invalid("base_url", "invalid_url", reason) }
	u, err := url.Parse(raw)
	rest, route, hasFragment := strings.Cut(raw, "#")
	route = strings.TrimPrefix(route, "!") // some products route after "#!"
	switch {
	case raw == "":
		return invalid("base_url", "required", "must not be empty")
	case len(raw) > maxBaseURLBytes:
		return invalid("base_url", "too_long", "must have at most 500 bytes", "max", "500", "unit", "bytes")
	case err != nil:
		return refuse("must be a valid URL") // without the cause, which would quote it
	case u.Scheme != "https" && u.Scheme != "http" && !opensApp(raw, appScheme):
		return refuse("must be an absolute URL with https or the app scheme")
	case u.User != nil:
		return refuse("must not have user info")
	case u.Hostname() == "":
		return refuse("must have a host")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return refuse("must use https unless the host is a loopback address")
	case hasFragment && !strings.HasPrefix(route, "/"):
		return refuse("must not have a fragment other than a route that begins with / or !/")
	case strings.Contains(raw, "?"):
		return refuse("must not have a query")
	case !consistsOf(u.Host, hostCharacters):
		return refuse("must have a host of only letters, digits and .-:[]")
	case !consistsOf(rest, baseURLCharacters) || !consistsOf(route, baseURLCharacters):
		return refuse("must consist of only letters, digits and -._~/:[]%, apart from the start of a route")
	}
	return nil
}

// opensApp reports whether the link raw has the scheme of an app.
func opensApp(raw, appScheme string) bool {
	return appScheme != "" && strings.HasPrefix(raw, appScheme+"://")
}

// "+" is missing: it needs escaping in HTML.
var appSchemePattern = regexp.MustCompile(`^[a-z][a-z0-9.-]*$`)

// checkAppScheme refuses scheme unless it is empty or a scheme as [Config] describes.
func checkAppScheme(scheme string) error {
	const maxBytes = 64
	refuse := func(reason string) error { return invalid("app_scheme", "invalid_url", reason) }
	isReserved := func(prefix string) bool { return strings.HasPrefix(scheme, prefix) }
	switch {
	case scheme == "":
		return nil
	case len(scheme) > maxBytes:
		return invalid("app_scheme", "too_long", "must have at most 64 bytes", "max", "64", "unit", "bytes")
	case !appSchemePattern.MatchString(scheme):
		return refuse("must be a lower-case letter and then only lower-case letters, digits, . and -")
	case slices.Contains(reservedSchemes, scheme) || slices.ContainsFunc(reservedPrefixes, isReserved):
		return refuse("must not be a scheme of browsers, mail programs or operating systems")
	}
	return nil
}

// Schemes that no app of a host has. Programs act on them by themselves: they run code, read files
// or settings, install, call, or connect.
var (
	reservedSchemes = strings.Fields(`
		http https ws wss ftp ftps sftp tftp gopher
		javascript livescript mocha vbscript jscript data blob file filesystem about
		view-source jar resource wyciwyg feed chrome edge microsoft-edge opera brave
		mailto mid cid news nntp snews imap pop tel sms smsto mms callto sip sips facetime facetime-audio
		intent content android-app market prefs app-settings applescript
		shell search search-ms hcp help res mk its mhtml
		smb cifs nfs afp dav davs ldap ldaps ssh telnet rlogin tn3270 rdp vnc rsync git svn
		webcal calshow maps geo magnet dict urn`)
	reservedPrefixes = []string{"ms-", "x-apple", "itms", "chrome-", "moz-", "safari-"}
)

// isLoopback reports whether host is localhost or a loopback address.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// consistsOf reports whether s has no character outside allowed.
func consistsOf(s, allowed string) bool { return strings.Trim(s, allowed) == "" }
