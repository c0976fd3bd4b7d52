package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-invitations/invitations"
)

// scope is the name under which the spans and the metric are recorded.
const scope = "github.com/go-invitations/invitations"

// observe returns a hook for [invitations.Config].Observe. It records a span and a duration for
// each operation, such as "invitations.Accept".
//
// A refusal is an answer and not a fault. Its code is the attribute invitations.refusal, and the
// span has no error status. A fault has the attribute error.type, and the span has an error
// status. A canceled call has the attribute without the status. No text of an error is recorded,
// and so no token, address or message.
func observe(traces trace.TracerProvider, metrics metric.MeterProvider) (func(context.Context, string) (context.Context, func(error)), error) {
	tracer := traces.Tracer(scope)
	duration, err := metrics.Meter(scope).Float64Histogram("invitations.operation.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of the operations of invitations."))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, operation string) (context.Context, func(error)) {
		began := time.Now()
		name := attribute.String("invitations.operation", operation)
		ctx, span := tracer.Start(ctx, "invitations."+operation, trace.WithAttributes(name))
		return ctx, func(err error) {
			outcome, fault := describe(err)
			if fault {
				span.SetStatus(codes.Error, "")
			}
			span.SetAttributes(outcome...)
			span.End()
			duration.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(append(outcome, name)...))
		}
	}, nil
}

// describe returns the attributes of an outcome, and whether it is a fault. The end of a call whose
// caller has gone away is not a fault.
func describe(err error) (outcome []attribute.KeyValue, fault bool) {
	switch problem, known := invitations.ProblemOf(err); {
	case err == nil:
		return nil, false
	case known && problem.Status < http.StatusInternalServerError:
		return []attribute.KeyValue{attribute.String("invitations.refusal", problem.Code)}, false
	case known:
		return []attribute.KeyValue{attribute.String("error.type", problem.Code)}, true
	case errors.Is(err, context.Canceled):
		return []attribute.KeyValue{attribute.String("error.type", "canceled")}, false
	}
	return []attribute.KeyValue{attribute.String("error.type", "_OTHER")}, true
}
