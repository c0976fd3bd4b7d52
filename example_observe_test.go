package invitations_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-invitations/invitations"
)

// A host logs every operation. A refusal is not a fault.
func ExampleConfig_observe() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))

	observe := func(ctx context.Context, operation string) (context.Context, func(error)) {
		return ctx, func(err error) {
			switch problem, _ := invitations.ProblemOf(err); {
			case err == nil:
				logger.InfoContext(ctx, "done", "operation", operation)
			case problem.Status < http.StatusInternalServerError:
				logger.InfoContext(ctx, "refused", "operation", operation, "code", problem.Code)
			default:
				logger.ErrorContext(ctx, "failed", "operation", operation, "err", err)
			}
		}
	}
	svc := exampleServiceWith(invitations.Config{Observe: observe})

	ctx := context.Background()
	_, _ = svc.Invite(ctx, invitations.User("eve"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer,
	})
	ended, cancel := context.WithTimeout(ctx, 0)
	defer cancel()
	_, _ = svc.Member(ended, "acme", "ada")
	// Output:
	// level=INFO msg=done operation=CreateOrganization
	// level=INFO msg=refused operation=Invite code=permission_denied
	// level=ERROR msg=failed operation=Member err="context deadline exceeded"
}
