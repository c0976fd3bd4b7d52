package mail

import (
	"encoding"
	"fmt"
	"io"
	"log/slog"
)

// A Message is a rendered email. It contains the link, so it formats, marshals and logs as
// "[redacted]". Only its methods To, Subject, Text and HTML return its content. The zero Message
// has no content.
type Message struct {
	// fmt does not call the methods of a value in an unexported field, and with a verb that does
	// not fit it follows one pointer. The second pointer keeps the content hidden there too.
	parts **parts
}

// parts is the content of a [Message].
type parts struct {
	to, subject, text, html string
}

const redacted = "[redacted]"

var (
	_ fmt.Formatter          = Message{}
	_ fmt.Stringer           = Message{}
	_ encoding.TextMarshaler = Message{}
	_ slog.LogValuer         = Message{}
)

// To returns the recipient's address in canonical form. The host must send to no other address.
func (m Message) To() string { return m.content().to }

// Subject returns the subject: one line of UTF-8, at most 240 characters, not encoded for a
// header. It contains no secret.
func (m Message) Subject() string { return m.content().subject }

// Text returns the plain text with the link. Its lines end in "\n".
func (m Message) Text() string { return m.content().text }

// HTML returns the HTML document with the link. Its lines end in "\n".
func (m Message) HTML() string { return m.content().html }

func (m Message) content() parts {
	if m.parts == nil {
		return parts{}
	}
	return **m.parts
}

// String returns "[redacted]".
func (m Message) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (m Message) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (m Message) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (m Message) LogValue() slog.Value { return slog.StringValue(redacted) }
