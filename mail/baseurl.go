package mail

import (
	"net/netip"
	"net/url"
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
func checkBaseURL(raw string) error {
	refuse := func(reason string) error { return invalid("base_url", "invalid_url", reason) }
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return invalid("base_url", "required", "must not be empty")
	case len(raw) > maxBaseURLBytes:
		return invalid("base_url", "too_long", "must have at most 500 bytes", "max", "500", "unit", "bytes")
	case err != nil:
		return refuse("must be a valid URL") // without the cause, which would quote it
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("must be an absolute https URL")
	case u.User != nil:
		return refuse("must not have user info")
	case u.Hostname() == "":
		return refuse("must have a host")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return refuse("must use https unless the host is a loopback address")
	case strings.Contains(raw, "#"): // u.Fragment is also empty for a URL that ends in "#"
		return refuse("must not have a fragment")
	case strings.Contains(raw, "?"):
		return refuse("must not have a query")
	case !consistsOf(u.Host, hostCharacters):
		return refuse("must have a host of only letters, digits and .-:[]")
	case !consistsOf(raw, baseURLCharacters):
		return refuse("must consist of only letters, digits and -._~/:[]%")
	}
	return nil
}

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
