package invitations

import (
	"context"
	"errors"
)

// A Step is what a person who followed a link does next.
type Step string

const (
	// StepSignIn: sign in, with the address of the offer if it has one.
	StepSignIn Step = "sign_in"
	// StepRegister: register with the address of the offer.
	StepRegister Step = "register"
	// StepSwitchAccount: they are signed in with an account that the invitation is not for.
	StepSwitchAccount Step = "switch_account"
	// StepVerifyEmail: verify the address of their account.
	StepVerifyEmail Step = "verify_email"
	// StepAccept: show the offer and the button that accepts.
	StepAccept Step = "accept"
	// StepOpen: they are a member already; take them there.
	StepOpen Step = "open"
	// StepStop: the invitation is no longer valid, or the organization is full.
	StepStop Step = "stop"
)

// A Visitor is the person who followed a link, as far as the host knows them.
type Visitor struct {
	Identity // the zero Identity: nobody is signed in

	// HasAccount reports whether an account exists whose owner has proved to have this
	// address. It is called once at most, if nobody is signed in and the invitation names
	// an address; nil sends everybody to sign in. It is for the holder of the token alone.
	HasAccount func(ctx context.Context, email string) (bool, error)
}

// Next is the answer of [Service.NextStep].
type NextStep struct {
	Step  Step  `json:"step"`
	Offer Offer `json:"offer,omitzero"` // what can be accepted; zero if nothing can any more
	// Organization is where the person is a member already, for StepOpen.
	Organization string `json:"organization,omitempty"`
	// Reason is the refusal that stands in the way of accepting, if one does, or nil. Where
	// nobody is signed in, it is set for StepStop alone.
	Reason error `json:"-"`
}

// Next tells what the person who followed a link does next, so that following it is all
// they have to know. It changes nothing. A token that is no longer good is no error here:
// the step is StepStop, and Reason says why.
//
// Refusals: [ErrInvalid] (an Identity that is not zero, without a valid user id). An error of
// HasAccount is returned as it is.
func (s *Service) NextStep(ctx context.Context, token string, v Visitor) (NextStep, error) {
	c, q, err := s.claim(token)
	if err != nil {
		return NextStep{Step: StepStop, Reason: err}, nil
	}
	signedIn := v.Identity != (Identity{})
	if signedIn {
		if err := checkUser("user_id", v.UserID); err != nil {
			return NextStep{}, err
		}
		s.answering(&q, v.Identity)
	}
	r, f, err := s.view(ctx, q)
	if err != nil {
		return NextStep{}, err
	}
	var next NextStep
	record, reason := r.look(f, c)
	if reason == nil {
		next.Offer = record.offer()
	}
	switch {
	case signedIn:
		// What accepting would say, without accepting.
		_, _, next.Reason = r.accept(f, c, v.Identity)
		_, isMember := f.Members[v.UserID]
		if next.Step = stepAfter(next.Reason, isMember); next.Step == StepOpen {
			next.Organization = f.Organization
		}
	case reason != nil:
		next.Step, next.Reason = StepStop, reason
	default:
		if next.Step, err = v.enter(ctx, next.Offer); err != nil {
			return NextStep{}, err
		}
	}
	return next, nil
}

// enter returns the step of somebody who is not signed in.
func (v Visitor) enter(ctx context.Context, offer Offer) (Step, error) {
	if offer.Kind != KindEmail || v.HasAccount == nil {
		return StepSignIn, nil
	}
	known, err := v.HasAccount(ctx, offer.Email)
	if err != nil || known {
		return StepSignIn, err
	}
	return StepRegister, nil
}

// stepAfter returns the step of a signed-in person whose acceptance would end with reason,
// or would find them a member.
func stepAfter(reason error, isMember bool) Step {
	switch {
	case reason == nil && isMember, errors.Is(reason, ErrAlreadyMember):
		return StepOpen
	case reason == nil:
		return StepAccept
	case errors.Is(reason, ErrRecipientMismatch), errors.Is(reason, ErrDomainNotAllowed):
		return StepSwitchAccount
	case errors.Is(reason, ErrEmailUnverified):
		return StepVerifyEmail
	}
	return StepStop
}
