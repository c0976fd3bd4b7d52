package invitations

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The bounds of arguments. The service checks all arguments before it calls a store, so that
// all stores refuse the same.
const (
	maxIDBytes        = 255
	maxMessageRunes   = 500
	maxMetadataPairs  = 16
	maxMetadataBytes  = 4096
	maxAllowedDomains = 100
	maxPage           = 100
	maxBulk           = 100
	maxSweep          = 1000
	maxLimit          = 100_000 // of members, and of pending invitations
	defaultPage       = 50
)

// checkName checks that s has 1 to most bytes of valid UTF-8 without control characters.
func checkName(field, s string, most int) error {
	switch {
	case s == "":
		return invalid(field, "must not be empty")
	case len(s) > most:
		return invalid(field, "must have at most "+strconv.Itoa(most)+" bytes")
	}
	return checkText(field, s, "")
}

// checkText refuses invalid UTF-8 and control characters that are not allowed.
func checkText(field, s, allowed string) error {
	if !utf8.ValidString(s) {
		return invalid(field, "must be valid UTF-8")
	}
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return invalid(field, "must not contain a control character")
		}
	}
	return nil
}

func checkOrganization(id string) error { return checkName("organization", id, maxIDBytes) }

func checkUser(field, id string) error { return checkName(field, id, maxIDBytes) }

func checkID(id uuid.UUID) error {
	if id == uuid.Nil {
		return invalid("id", "must not be empty")
	}
	return nil
}

// checkOwnID checks an ID that a caller made; uuid.Nil means none.
func checkOwnID(id uuid.UUID) error {
	if id != uuid.Nil && (id.Version() != 7 || id.Variant() != uuid.RFC4122) {
		return invalid("id", "must be a UUID of version 7")
	}
	return nil
}

func (s *Service) checkRole(role Role) error {
	if !s.config.Policy.Has(role) {
		return invalid("role", "must be a role of the policy")
	}
	return nil
}

func checkMessage(message string) error {
	// Compare bytes first: counting characters is only for texts that may fit.
	if len(message) > maxMessageRunes*utf8.UTFMax || utf8.RuneCountInString(message) > maxMessageRunes {
		return invalid("message", "must have at most 500 characters")
	}
	return checkText("message", message, "\n")
}

func checkMetadata(metadata map[string]string) error {
	if len(metadata) > maxMetadataPairs {
		return invalid("metadata", "must have at most 16 pairs")
	}
	size := 0
	for key, value := range metadata {
		size += len(key) + len(value)
		if size > maxMetadataBytes {
			return invalid("metadata", "must have at most 4096 bytes")
		}
		if key == "" {
			return invalid("metadata", "must not have an empty key")
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

// canonicalDomains returns the domains in canonical form, sorted, without repetitions.
func canonicalDomains(domains []string) ([]string, error) {
	if len(domains) > maxAllowedDomains {
		return nil, invalid("allowed_domains", "must have at most 100 domains")
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

// checkActing checks an actor and the organization in which they act.
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

// checkLimits returns limits in canonical form.
func (s *Service) checkLimits(l Limits) (Limits, error) {
	l = l.Clone()
	switch {
	case l.Members != NoLimit && (l.Members < 0 || l.Members > maxLimit):
		return l, invalid("members", "must be between 0 and 100000")
	case l.Pending < 0 || l.Pending > maxLimit:
		return l, invalid("pending", "must be between 0 and 100000")
	}
	for _, role := range l.SeatlessRoles {
		if !s.config.Policy.Has(role) {
			return l, invalid("seatless_roles", "must be roles of the policy")
		}
	}
	slices.Sort(l.SeatlessRoles)
	l.SeatlessRoles = slices.Compact(l.SeatlessRoles)
	var err error
	if l.AllowedDomains, err = canonicalDomains(l.AllowedDomains); err != nil {
		return l, err
	}
	if l.Expiry == 0 {
		return l, nil
	}
	l.Expiry = l.Expiry.Truncate(time.Microsecond)
	if l.Expiry < s.config.MinExpiry || l.Expiry > s.config.MaxExpiry {
		return l, invalid("expiry", fmt.Sprintf("must be between %v and %v", s.config.MinExpiry, s.config.MaxExpiry))
	}
	return l, nil
}
