package invitations

import (
	"context"
	"encoding/json"
	"errors"
)

// A Step is the next action of a person after following a link.
type Step string

const (
	// StepSignIn: sign in, with the address of the offer if it has one.
	StepSignIn Step = "sign_in"
	// StepRegister: register with the address of the offer.
	StepRegister Step = "register"
	// StepSwitchAccount: the invitation is not for the account that is signed in.
	StepSwitchAccount Step = "switch_account"
	// StepVerifyEmail: verify the address of the account.
	StepVerifyEmail Step = "verify_email"
	// StepAccept: show the offer with a button that accepts it.
	StepAccept Step = "accept"
	// StepOpen: the person is a member already; open the organization.
	StepOpen Step = "open"
	// StepStop: the invitation is no longer valid, the organization is full, or its [Limits] do
	// not admit the person.
	StepStop Step = "stop"
)

// A Visitor is a person following a link.
type Visitor struct {
	Identity // the zero Identity if nobody is signed in

	// HasAccount reports whether an account exists whose owner has proved to own this
	// address. It is called at most once: if nobody is signed in and the invitation names an
	// address. If it is nil, every visitor is asked to sign in. Only a visitor with the token
	// learns its answer.
	HasAccount func(ctx context.Context, email string) (bool, error)
}

// A NextStep is the result of [Service.NextStep].
type NextStep struct {
	Step Step `json:"step"`
	// Offer is what the invitation offers or offered. It is zero if the token is not the
	// present one, and if the invitation was revoked or declined.
	Offer Offer `json:"offer,omitzero"`
	// Organization is the one that the person is a member of, for StepOpen.
	Organization string `json:"organization,omitempty"`
	// Reason is the refusal that an acceptance would meet, or nil. If nobody is signed in, it
	// is set for StepStop only.
	// JSON has it as "problem", see [Problem].
	Reason error `json:"-"`
}

// MarshalJSON returns the fields, with the Reason as a [Problem].
func (n NextStep) MarshalJSON() ([]byte, error) {
	type fields NextStep // without this method
	return json.Marshal(struct {
		fields
		Problem *Problem `json:"problem,omitempty"`
	}{fields(n), problemOf(n.Reason)})
}

// NextStep returns the next action of a person after following a link, so that they need to
// know nothing but the link. It changes nothing. A member is led into the organization by every
// token of it, whatever became of the invitation. For others, a token that is no longer valid
// is not an error of this call: the step is StepStop, with the Reason. The Offer comes with it
// unless the invitation was revoked or declined, so that a page can say whom to ask.
//
// Refusals: [ErrInvalid] (an Identity that is neither zero nor has a valid user ID). An error
// of HasAccount is returned as it is.
func (s *Service) NextStep(ctx context.Context, token string, v Visitor) (_ NextStep, err error) {
	ctx, op := s.observe(ctx, "NextStep")
	defer op.end(&err)
	c, err := s.keys.verify(token)
	if err != nil {
		return NextStep{Step: StepStop, Reason: err}, nil
	}
	if v.Identity == (Identity{}) {
		return s.nextStepSignedOut(ctx, c, v)
	}
	if err := checkUser("user_id", v.UserID); err != nil {
		return NextStep{}, err
	}
	a := acceptance{c, v.Identity}
	r, f, err := s.view(ctx, a.needs(s.rules()))
	if err != nil {
		return NextStep{}, err
	}
	return a.nextStep(r, f), nil
}

// nextStepSignedOut is NextStep for a signed-out visitor.
func (s *Service) nextStepSignedOut(ctx context.Context, c claim, v Visitor) (NextStep, error) {
	r, f, err := s.view(ctx, c.needs())
	if err != nil {
		return NextStep{}, err
	}
	inv, err := r.lookup(f, c)
	if err != nil {
		return NextStep{Step: StepStop, Reason: err, Offer: r.shown(f, c)}, nil
	}
	next := NextStep{Step: StepSignIn, Offer: inv.offer()}
	if inv.Kind == KindEmail && v.HasAccount != nil {
		known, err := v.HasAccount(ctx, inv.Email)
		if err != nil {
			return NextStep{}, err
		}
		if !known {
			next.Step = StepRegister
		}
	}
	return next, nil
}

// nextStep looks at an acceptance without running it.
func (a acceptance) nextStep(r rules, f Facts) NextStep {
	next := NextStep{Offer: r.shown(f, a.claim)}
	_, _, next.Reason = a.decide(r, f)
	if _, isMember := f.Members[a.identity.UserID]; isMember {
		next.Step, next.Organization = StepOpen, f.Organization
		return next
	}
	next.Step = stepAfter(next.Reason, next.Offer.Kind)
	if errors.Is(next.Reason, ErrRevoked) {
		next.Offer = Offer{} // the person was removed after it was sent
	}
	return next
}

// shown returns the offer of the present token, unless it was revoked or declined.
func (r rules) shown(f Facts, c claim) Offer {
	inv, err := c.find(f)
	if err != nil || inv.State == StateRevoked || inv.State == StateDeclined {
		return Offer{}
	}
	return inv.offer()
}

// stepAfter returns the step of a signed-in person who is not a member and whose acceptance
// of an invitation of this kind would have this result.
func stepAfter(reason error, kind Kind) Step {
	switch {
	case reason == nil:
		return StepAccept
	case errors.Is(reason, ErrRecipientMismatch), kind == KindLink && errors.Is(reason, ErrDomainNotAllowed):
		return StepSwitchAccount
	case errors.Is(reason, ErrEmailUnverified):
		return StepVerifyEmail
	}
	return StepStop
}
