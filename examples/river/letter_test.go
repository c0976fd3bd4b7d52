package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path"
	"regexp"
)

// A letter is a decoded mail.
type letter struct {
	id, from, to, subject string
	text, html            string
}

// read decodes the mail.
func (m *receivedMail) read() (letter, error) {
	message, err := mail.ReadMessage(bytes.NewReader(m.data))
	if err != nil {
		return letter{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return letter{}, err
	}
	l := letter{
		id: message.Header.Get("Message-ID"), from: message.Header.Get("From"), to: message.Header.Get("To"), subject: subject,
	}
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return letter{}, fmt.Errorf("the mail has the type %q: %w", kind, err)
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF):
			return l, nil
		case err != nil:
			return letter{}, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return letter{}, err
		}
		switch kind := part.Header.Get("Content-Type"); kind {
		case "text/plain; charset=UTF-8":
			l.text = string(body)
		case "text/html; charset=UTF-8":
			l.html = string(body)
		default:
			return letter{}, fmt.Errorf("a part has the type %q", kind)
		}
	}
}

var linkLine = regexp.MustCompile(`(?m)^<(https://\S+)>\r?$`)

// link returns the link in the text, or "".
func (l letter) link() string {
	if found := linkLine.FindStringSubmatch(l.text); found != nil {
		return found[1]
	}
	return ""
}

// token returns the token of the link.
func (l letter) token() string { return path.Base(l.link()) }
