package invitations

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The bounds of what callers pass in. All of it is checked here, before any store is asked,
// so that all stores refuse the same.
const (
	maxIDBytes        = 255
	maxMessageRunes   = 500
	maxMetadataPairs  = 16
	maxMetadataBytes  = 4096
	maxAllowedDomains = 100
	maxPage           = 100
	maxBulk           = 100
	maxSweep          = 1000
	defaultPage       = 50
)

// checkName refuses s unless it is 1 to max bytes of valid UTF-8 without control
// characters.
func checkName(field, s string, max int) error {
	switch {
	case s == "":
		return invalid(field, "is empty")
	case len(s) > max:
		return invalid(field, "has more than "+strconv.Itoa(max)+" bytes")
	}
	return checkText(field, s, "")
}

// checkText refuses invalid UTF-8 and every control character not in allowed.
func checkText(field, s, allowed string) error {
	if !utf8.ValidString(s) {
		return invalid(field, "is not valid UTF-8")
	}
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return invalid(field, "has a control character")
		}
	}
	return nil
}

func checkOrganization(id string) error { return checkName("organization", id, maxIDBytes) }

func checkUser(field, id string) error { return checkName(field, id, maxIDBytes) }

func checkID(id uuid.UUID) error {
	if id == uuid.Nil {
		return invalid("id", "is missing")
	}
	return nil
}

// checkOwnID checks an id that a caller made, or uuid.Nil for none.
func checkOwnID(id uuid.UUID) error {
	if id != uuid.Nil && (id.Version() != 7 || id.Variant() != uuid.RFC4122) {
		return invalid("id", "is not a version 7 UUID")
	}
	return nil
}

func checkMessage(message string) error {
	// Bytes first: counting is for texts that may fit.
	if len(message) > maxMessageRunes*utf8.UTFMax || utf8.RuneCountInString(message) > maxMessageRunes {
		return invalid("message", "has more than 500 characters")
	}
	return checkText("message", message, "\n")
}

func checkMetadata(metadata map[string]string) error {
	if len(metadata) > maxMetadataPairs {
		return invalid("metadata", "has more than 16 pairs")
	}
	size := 0
	for key, value := range metadata {
		size += len(key) + len(value)
		if size > maxMetadataBytes {
			return invalid("metadata", "has more than 4096 bytes")
		}
		if key == "" {
			return invalid("metadata", "has an empty key")
		}
		if err := checkText("metadata", key, ""); err != nil {
			return err
		}
		if err := checkText("metadata", value, ""); err != nil {
			return err
		}
	}
	return nil
}

// canonicalDomains returns the domains in canonical form, sorted, each once.
func canonicalDomains(domains []string) ([]string, error) {
	if len(domains) > maxAllowedDomains {
		return nil, invalid("allowed_domains", "has more than 100 domains")
	}
	var canonical []string
	for _, domain := range domains {
		c, reason := canonicalDomain(domain)
		if reason != "" {
			return nil, invalid("allowed_domains", reason)
		}
		canonical = append(canonical, c)
	}
	slices.Sort(canonical)
	return slices.Compact(canonical), nil
}

// checkActing checks who acts, and where.
func checkActing(actor Actor, organization string) error {
	if err := actor.check(); err != nil {
		return err
	}
	return checkOrganization(organization)
}

// checkNamed checks the arguments of an operation on one invitation.
func checkNamed(actor Actor, organization string, id uuid.UUID) error {
	if err := checkActing(actor, organization); err != nil {
		return err
	}
	return checkID(id)
}

func checkMember(organization, user string) error {
	if err := checkOrganization(organization); err != nil {
		return err
	}
	return checkUser("user_id", user)
}

// checkMemberAct checks the arguments of an operation on one member.
func checkMemberAct(actor Actor, organization, user string) error {
	if err := checkActing(actor, organization); err != nil {
		return err
	}
	return checkUser("user_id", user)
}

func (c *Config) checkMaxUses(n int) error {
	if n < 0 || n > c.MaxUses {
		return invalid("max_uses", "is not between 0 and "+strconv.Itoa(c.MaxUses))
	}
	return nil
}
