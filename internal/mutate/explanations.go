package main

// explanations says for each survivor why no test notices that the condition is gone, by
// function, kind and condition.
var explanations = map[string]string{
	"rules.join: && isMember":               "A user who is not a member has the zero Member, without an invitation. No invitation has the zero ID.",
	"Identity.verifiedEmail: || err != nil": "CanonicalEmail returns the empty address beside an error.",
	"bulk.decide: || err != nil":            "A refusal comes without changes, which the other operand finds.",
	"rules.shown: || err != nil":            "Beside an error, find returns the zero Record, and its offer is the zero Offer.",
}
