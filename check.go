package invitations

import (
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
		return required(field)
	case len(s) > most:
		return tooLong(field, most, "bytes")
	}
	return checkText(field, s, "")
}

// checkText refuses invalid UTF-8 and control characters that are not allowed.
func checkText(field, s, allowed string) error {
	if !utf8.ValidString(s) {
		return notUTF8(field)
	}
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return controlCharacter(field)
		}
	}
	return nil
}

func checkOrganization(id string) error { return checkName("organization", id, maxIDBytes) }

func checkUser(field, id string) error { return checkName(field, id, maxIDBytes) }

func checkID(id uuid.UUID) error {
	if id == uuid.Nil {
		return required("id")
	}
	return nil
}

// checkOwnID checks an ID that a caller made; uuid.Nil means none.
func checkOwnID(id uuid.UUID) error {
	if id != uuid.Nil && (id.Version() != 7 || id.Variant() != uuid.RFC4122) {
		return invalid("id", "malformed", "must be a UUID of version 7")
	}
	return nil
}

func (s *Service) checkRole(role Role) error {
	if !s.config.Policy.Has(role) {
		return invalid("role", "unknown_role", "must be a role of the policy")
	}
	return nil
}

func checkMessage(message string) error {
	// Compare bytes first: counting characters is only for texts that may fit.
	if len(message) > maxMessageRunes*utf8.UTFMax || utf8.RuneCountInString(message) > maxMessageRunes {
		return tooLong("message", maxMessageRunes, "characters")
	}
	return checkText("message", message, "\n")
}

func checkMetadata(metadata map[string]string) error {
	if len(metadata) > maxMetadataPairs {
		return tooMany("metadata", maxMetadataPairs, "pairs")
	}
	size := 0
	for key, value := range metadata {
		size += len(key) + len(value)
		if size > maxMetadataBytes {
			return tooLong("metadata", maxMetadataBytes, "bytes")
		}
		if key == "" {
			return invalid("metadata", "empty_key", "must not have an empty key")
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

// period checks the bounds of a period. A zero time is no bound.
func period(from, to time.Time) (time.Time, time.Time, error) {
	from, to = from.UTC().Truncate(time.Microsecond), to.UTC().Truncate(time.Microsecond)
	switch {
	case !storable(from):
		return from, to, outOfYears("from")
	case !storable(to):
		return from, to, outOfYears("to")
	case !to.IsZero() && !from.Before(to):
		return from, to, invalid("to", "not_after", "must be after from", "field", "from")
	}
	return from, to, nil
}

// lastInstant is the last instant that all stores can keep.
var lastInstant = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)

// storable reports whether all stores can keep a time.
func storable(at time.Time) bool { return at.Year() >= 1 && at.Year() <= 9999 }
