// Package linearizability checks histories of the whole library: clients call a service at the same
// time, and every answer must be one that the calls give in some order, one after the other. The
// order must be that of the calls themselves wherever one ended before another began. The checker
// is github.com/anishathalye/porcupine. The package has tests only.
//
// # The model
//
// The model (model_test.go and the files beside it) is one organization under one call at a time.
// It is written from the contract of the operations and shares no code with them. It knows all
// operations except the iterators, Feed and Policy. It compares success or the code of the refusal, and all that
// is returned: members, invitations, roles, states, uses, counts, balances, offers, steps, and the
// events of the timeline with their versions. Tokens have names, so that the model knows which one
// is present. The model is less exact in these places:
//
//   - Where several refusals apply, each of them is right.
//   - The order of the events within a change is free. So are the numbers in the errors of limits.
//   - Statistics are compared in the total only.
//
// Every call has a clock of its own, which stands still, so the model knows the instant by which it
// was decided. The common clock advances by minutes while calls are in progress, and by days
// between the phases of a round. Invitations expire, reminders come due, and quotas begin again.
//
// Each organization has a history of its own. Received, Workspaces, Sweep, Purge and Erase
// concern several organizations, of which each is a step of its own. Each history has the call
// with its part of the answer. A personal quota has a history like an organization.
//
// The feed is followed all the time. It must have every version of every organization, each event
// once and in order. It also tells the checker the order of the changes. Without it, a checker
// would have to try all orders. Calls without events, such as reads, refusals and Consume,
// can be anywhere between their beginning and their end.
//
// # Faults
//
// Some calls have a context that ends at a random moment, a store that fails before the change, or
// one that loses the answer after it. On PostgreSQL connections are terminated, whatever they are
// doing. A call that returns an error must have changed nothing. Only
// [invitations.ErrOutcomeUnknown] leaves open whether it did; Sweep, Purge and Erase can stop
// half-way with any error. Such an operation has no end: it can come at any later place or not at
// all.
//
// The controls (controls_test.go) are stores with one fault each, all of which must be found.
//
// # Running
//
// A round is one seed. The draws of a seed are always the same; the schedule is not. A failure
// prints the seed, and the history as a test that can be pasted into this package. It was made
// smaller by steps that never make a right history wrong.
//
//	go test -v -run Histories                   # some rounds on each store
//	go test -v -run Histories -rounds 5000 -timeout 0    # more of them
//	go test -v -run Histories -duration 2h -timeout 0   # as many as fit, on each store
//	go test -v -run Histories/SQLite -seed 7 -rounds 1  # one round again
//
// A history that porcupine cannot decide within two minutes is undecided. The last line counts them.
// More than one in twenty are a failure.
package linearizability
