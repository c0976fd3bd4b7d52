package mail_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/mail"
)

func TestMessage_ZeroIsEmpty(t *testing.T) {
	t.Parallel()
	var m mail.Message
	require.Empty(t, m.To()+m.Subject()+m.Text()+m.HTML())
}

type embedder struct{ mail.Message }

// Printing, logging and marshalling do not show the link, wherever a host keeps the message.
func TestMessage_Class33_IsRedacted(t *testing.T) {
	t.Parallel()
	d := fullData()
	m := render(t, newRenderer(t, nil), d)
	require.Contains(t, m.Text(), token.Reveal())
	require.Contains(t, m.HTML(), token.Reveal())
	require.NotContains(t, m.Subject(), token.Reveal())
	for name, value := range map[string]any{
		"message":                     m,
		"pointer":                     &m,
		"slice":                       []mail.Message{m},
		"slice of pointers":           []*mail.Message{&m},
		"map value":                   map[string]mail.Message{"a": m},
		"map key":                     map[mail.Message]bool{m: true},
		"exported field":              struct{ M mail.Message }{m},
		"unexported field":            struct{ m mail.Message }{m},
		"pointer to unexported field": &struct{ m mail.Message }{m},
		"unexported interface":        struct{ v any }{m},
		"embedded":                    embedder{m},
		"error":                       fmt.Errorf("cannot send %v to %s: %w", m, m.To(), errors.New("421")),
		"method values":               []any{m.Text, m.HTML},
		"data":                        d,
		"data in unexported field":    struct{ d mail.Data }{d},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireHidden(t, value)
		})
	}
	require.Equal(t, "[redacted] [redacted] [redacted]", fmt.Sprintf("%v %+v %s", m, m, m.String()))
	text, err := json.Marshal(m)
	require.NoError(t, err)
	require.Equal(t, `"[redacted]"`, string(text))
	require.Equal(t, "[redacted]", m.LogValue().String())
}

// requireHidden requires that no way to print, log or marshal value shows the token.
func requireHidden(t *testing.T, value any) {
	t.Helper()
	var out bytes.Buffer
	for _, flags := range []string{"", "+", "#", " ", "-", "0", "+#", "200", ".3"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw!z" {
			fmt.Fprintf(&out, "%"+flags+string(verb), value)
		}
	}
	fmt.Fprintln(&out, value)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		group := slog.Group("group", slog.Any("v", value))
		slog.New(handler).With("with", value).Info("message", "value", value, group, "list", []any{value})
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		if text, err := marshal(value); err == nil {
			out.Write(text)
		}
	}
	// Every encoding of the link contains the middle of the token, in one of the forms that fmt and
	// the encoders give to bytes.
	secret := []byte(token.Reveal()[20:50])
	for _, shown := range []string{
		string(secret),
		fmt.Sprintf("%x", secret),
		fmt.Sprintf("%X", secret),
		strings.Trim(fmt.Sprint(secret), "[]"),
		base64.StdEncoding.EncodeToString(secret)[:20],
	} {
		require.NotContains(t, out.String(), shown)
	}
}
