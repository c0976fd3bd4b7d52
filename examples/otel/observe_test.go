package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-invitations/invitations"
)

// TestStory tells that each operation has a span and counts in the histogram, and that a refusal is
// an attribute and no error.
func TestStory(t *testing.T) {
	t.Parallel()
	spans, reader := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	if err := story(t.Context(), traces, metrics); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, span := range spans.GetSpans() {
		attributes := attribute.NewSet(span.Attributes...)
		refusal, _ := attributes.Value("invitations.refusal")
		got = append(got, fmt.Sprintf("%s %s %s", span.Name, refusal.AsString(), span.Status.Code))
		if span.Status.Description != "" || len(span.Events) > 0 {
			t.Errorf("%s has a text: %q, %v", span.Name, span.Status.Description, span.Events)
		}
	}
	want := []string{
		"invitations.CreateOrganization  Unset", "invitations.Invite  Unset",
		"invitations.Accept recipient_mismatch Unset", "invitations.Accept  Unset",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &collected); err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	histogram := collected.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64])
	for _, point := range histogram.DataPoints {
		operation, _ := point.Attributes.Value("invitations.operation")
		refusal, _ := point.Attributes.Value("invitations.refusal")
		counts[operation.AsString()+" "+refusal.AsString()] = point.Count
	}
	if fmt.Sprint(counts) != "map[Accept :1 Accept recipient_mismatch:1 CreateOrganization :1 Invite :1]" {
		t.Errorf("got the numbers %v", counts)
	}
}

// TestDescribe tells which errors are faults.
func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		outcome string
		fault   bool
	}{
		{nil, "[]", false},
		{invitations.ErrAccepted, "[{invitations.refusal already_accepted}]", false},
		{&invitations.InvalidError{Field: "email", Reason: "secret"}, "[{invitations.refusal invalid_argument}]", false},
		{invitations.ErrOutcomeUnknown, "[{error.type outcome_unknown}]", true},
		{fmt.Errorf("%w: %w", invitations.ErrOutcomeUnknown, context.Canceled), "[{error.type outcome_unknown}]", true},
		{context.Canceled, "[{error.type canceled}]", false},
		{context.DeadlineExceeded, "[{error.type _OTHER}]", true},
		{errors.New("secret"), "[{error.type _OTHER}]", true},
	} {
		outcome, fault := describe(c.err)
		var pairs []string
		for _, a := range outcome {
			pairs = append(pairs, fmt.Sprintf("{%s %s}", a.Key, a.Value.AsString()))
		}
		if got := "[" + strings.Join(pairs, " ") + "]"; got != c.outcome || fault != c.fault {
			t.Errorf("%v: got %s, %t", c.err, got, fault)
		}
	}
}

// randomIDs are those of traces and spans. The digits of one can spell a name, such as ada.
var randomIDs = regexp.MustCompile(`"(Trace|Span)ID": ?"[^"]*"`)

// TestRun tells that nothing printed has an address, a user ID or a token.
func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	printed := randomIDs.ReplaceAllString(out.String(), "")
	for _, secret := range []string{"example.com", "ada", "bob", "acme"} {
		if strings.Contains(printed, secret) {
			t.Errorf("the output has %q", secret)
		}
	}
	if n := strings.Count(out.String(), `"Name": "invitations.Accept"`); n != 2 {
		t.Errorf("got %d spans of Accept", n)
	}
}
