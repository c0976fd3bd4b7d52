package behaviour

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var matrixChecks = []check{
	{"Class12_EveryOperationIsInTheMatrix", matrixIsComplete},
	{"Class13_DefaultPolicy", func(w *world) { runMatrix(w, invitations.DefaultPolicy()) }},
	{"Class13_OddPolicy", func(w *world) { runMatrix(w, oddPolicy()) }},
}

// outside are the methods of the service that have no row in the matrix, each with the reason:
// the thing that decides instead of an actor's role.
var outside = map[string]string{
	"Accept":             "the token, and the authority of the sender",
	"AcceptReceived":     "the verified address, and the authority of the sender",
	"CreateOrganization": "the host's own call",
	"Decline":            "the token",
	"DeclineReceived":    "the verified address",
	"Erase":              "the host's own call, of all organizations",
	"Feed":               "the host's own read, of all organizations",
	"Lookup":             "the token",
	"Member":             "the host's own read",
	"NextStep":           "the token",
	"Policy":             "nothing: it reads the configuration",
	"Purge":              "the host's own call, of all organizations",
	"Received":           "the verified address",
	"Refund":             "the host's own call",
	"Sweep":              "the host's own call, of all organizations",
	"WithStore":          "nothing: it makes another service",
	"Workspaces":         "the host's own read, of one user",
}

// matrixIsComplete fails for a new method of the service without a row.
func matrixIsComplete(w *world) {
	methods := map[string]bool{}
	for t, i := reflect.TypeFor[*invitations.Service](), 0; i < t.NumMethod(); i++ {
		methods[t.Method(i).Name] = true
	}
	placed := map[string]bool{}
	for name := range outside {
		placed[name] = true
	}
	for _, r := range matrixRows {
		if placed[r.method] {
			w.Errorf("%s is in the matrix twice, or in it and outside", r.method)
		}
		placed[r.method] = true
	}
	for name := range methods {
		if !placed[name] {
			w.Errorf("Service.%s is new: give it a row in the matrix or, if no role decides about the call, a line in outside", name)
		}
	}
	for name := range placed {
		if !methods[name] {
			w.Errorf("Service.%s does not exist any more", name)
		}
	}
}

// oddPolicy has a role that is equal to an owner, roles with half of the permissions of an
// admin, a role with a permission that only owners hold, and a role without permissions.
func oddPolicy() *invitations.Policy {
	all := append(slices.Clone(permissions), hostsOwn)
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner":   all,
		"partner": all,
		"recruiter": {
			invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend, invitations.PermissionInvitationList,
			invitations.PermissionMemberList, invitations.PermissionOrganizationUse,
		},
		"warden": {
			invitations.PermissionInvitationRevoke, invitations.PermissionMemberList, invitations.PermissionMemberAdd, invitations.PermissionMemberUpdate,
			invitations.PermissionMemberRemove, invitations.PermissionQuotaUpdate,
		},
		"auditor": {hostsOwn},
		"guest":   nil,
	})
	if err != nil {
		panic(err) // the literal above is wrong
	}
	return policy
}

// ghost is a role that no policy knows. A member has it whose role was taken out of the policy.
const ghost = invitations.Role("ghost")

// A matrix is the product of actors, operations, targets and roles to give, on one
// organization. The expected result of each cell follows from the permissions of the roles.
type matrix struct {
	*world
	store  *rehearsal
	policy *invitations.Policy
	roles  []invitations.Role // of the policy
	ranks  []invitations.Role // of the policy, and ghost
	sent   []invitations.Record
}

// someone is an actor or a target.
type someone struct {
	name   string
	actor  invitations.Actor
	user   string
	role   invitations.Role // empty if they are not a member
	system bool
}

// A rehearsal makes decisions on the facts of a store and does not write their changes, so one
// organization serves every cell. It asks the store for equal facts only once.
type rehearsal struct {
	invitations.Store
	seen    map[string]invitations.Facts // by query
	calls   int
	planned invitations.Changes // by the last call
	quota   bool                // whether the last call would have set a personal quota
}

func (r *rehearsal) reset() { r.planned, r.quota = invitations.Changes{}, false }

func (r *rehearsal) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	f, err := r.View(ctx, q)
	if err != nil {
		return err
	}
	r.planned, err = decide(f)
	return err
}

func (r *rehearsal) Create(context.Context, invitations.Query, invitations.Decision) error {
	return errors.New("no operation of the matrix creates an organization")
}

func (r *rehearsal) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	r.calls++
	key := fmt.Sprintf("%+v", q)
	if f, ok := r.seen[key]; ok {
		return f, nil
	}
	f, err := r.Store.View(ctx, q)
	if err == nil {
		r.seen[key] = f
	}
	return f, err
}

func (r *rehearsal) SetPersonalQuota(context.Context, string, invitations.Quota) error {
	r.quota = true
	return nil
}

func runMatrix(w *world, policy *invitations.Policy) {
	m := &matrix{world: w, store: &rehearsal{Store: w.store, seen: map[string]invitations.Facts{}}, policy: policy, roles: policy.Roles()}
	m.ranks = append(slices.Clone(m.roles), ghost)
	m.populate()
	m.svc = configured(m.store, invitations.Config{Clock: w.clock.Now, Policy: policy, PendingLimit: 1000}, testKey(1))
	w.unchanged("the matrix", func() {
		for _, r := range matrixRows {
			for _, a := range m.actors() {
				r.cells(m, a)
			}
		}
	})
	w.Logf("%d decisions on %d facts", m.store.calls, len(m.store.seen))
}

// populate creates the organization, with an invitation of each role with and without a
// quota. It also creates an organization in which all these users are owners.
func (m *matrix) populate() {
	acme, zeta := invitations.Changes{}, invitations.Changes{}
	owner := func(user string) {
		zeta.Members = append(zeta.Members, member("zeta", user, invitations.RoleOwner))
	}
	for i, rank := range m.ranks {
		for _, user := range []string{acting(rank), standing(rank)} {
			acme.Members = append(acme.Members, member("acme", user, rank))
			owner(user)
		}
		for j, quota := range []invitations.Quota{{}, {Limit: 5, Period: invitations.PeriodDay}} {
			r := link("acme", 2*i+j)
			r.Role, r.Quota, r.SentBy = rank, quota, ""
			m.sent = append(m.sent, r)
			acme.Events = append(acme.Events, invitations.Event{
				Organization: "acme", Type: "test.happened", At: start, Subject: "somebody", InvitationID: r.ID,
			})
		}
	}
	acme.Invitations = m.sent
	acme.Removals = []string{"removed"}
	owner("removed")
	owner("outsider")
	zeta.Invitations = []invitations.Record{link("zeta", 900)}
	m.change("acme", acme)
	m.change("zeta", zeta)
}

func acting(role invitations.Role) string   { return "acting " + string(role) }
func standing(role invitations.Role) string { return "standing " + string(role) }

// actors returns one of each role, a stranger, an owner of another organization, a removed
// member, the host, and the zero Actor.
func (m *matrix) actors() []someone {
	var all []someone
	for _, rank := range m.ranks {
		all = append(all, someone{user: acting(rank), role: rank})
	}
	for _, user := range []string{"stranger", "outsider", "removed"} {
		all = append(all, someone{user: user})
	}
	for i := range all {
		all[i].name, all[i].actor = all[i].user, invitations.User(all[i].user)
	}
	return append(all, someone{name: "System", actor: invitations.System(), system: true}, someone{name: "the zero Actor"})
}

// gifts returns the roles that a tries to give. A non-member is refused before any role
// counts, so two roles stand for all.
func (m *matrix) gifts(a someone) []invitations.Role {
	if a.role == "" && !a.system {
		return []invitations.Role{m.roles[0], "owner"}
	}
	return m.ranks
}

// targets returns the users that a acts on: a member of each role, non-members, and a.
func (m *matrix) targets(a someone) []someone {
	var all []someone
	for _, rank := range m.gifts(a) {
		all = append(all, someone{name: standing(rank), user: standing(rank), role: rank})
	}
	for _, user := range []string{"somebody", "outsider", "removed"} {
		all = append(all, someone{name: user, user: user})
	}
	if a.user != "" && a.role != "" {
		all = append(all, someone{name: "themselves", user: a.user, role: a.role})
	}
	return all
}

// holds reports whether a has the permission here.
func (m *matrix) holds(a someone, permission invitations.Permission) bool {
	return a.system || a.role != "" && m.policy.Allows(a.role, permission)
}

// reaches reports whether a holds everything that a role holds.
func (m *matrix) reaches(a someone, role invitations.Role) bool {
	return a.system || a.role != "" && covers(m.policy, a.role, role)
}

// gives reports whether a may give the role.
func (m *matrix) gives(a someone, role invitations.Role) bool {
	return m.policy.Has(role) && m.reaches(a, role)
}

// A rule is a condition and the refusal that it leads to.
type rule struct {
	refused bool
	with    error
}

// first returns the refusal of the first rule that refuses.
func first(rules ...rule) error {
	for _, r := range rules {
		if r.refused {
			return r.with
		}
	}
	return nil
}

// judge compares the result of a cell with the first rule that refuses it. If none does, it
// compares the planned changes with want.
func (m *matrix) judge(cell string, err error, want invitations.Changes, rules ...rule) {
	m.Helper()
	refusal := first(rules...)
	planned := m.store.planned
	personal := m.store.quota
	m.store.reset()
	if !errors.Is(err, refusal) {
		m.Errorf("%s: got error %v, want %v", cell, err, refusal)
	}
	if refusal != nil && personal {
		m.Errorf("%s: refused, and a personal quota would be set", cell)
	}
	if refusal == nil && err == nil {
		if d := differ(essence(planned), essence(want)); d != "" {
			m.Errorf("%s: the changes are %s", cell, d)
		}
	}
}

// essence returns the users and invitations that changes concern, and their new values.
func essence(c invitations.Changes) []string {
	out := []string{}
	for _, m := range c.Members {
		out = append(out, fmt.Sprintf("%s in %s is %s", m.UserID, m.Organization, m.Role))
	}
	for _, user := range c.RemovedMembers {
		out = append(out, user+" is gone")
	}
	for _, user := range c.Removals {
		out = append(out, user+" is removed or demoted")
	}
	for _, q := range c.Quotas {
		out = append(out, fmt.Sprintf("%q in %s has %v", q.UserID, q.Organization, q.Quota))
	}
	for _, r := range c.Invitations {
		out = append(out, fmt.Sprintf("%s to %s as %s with %v is %s, sent by %q", r.Kind, r.Organization, r.Role, r.Quota, r.State, r.SentBy))
	}
	if c.Limits != nil {
		out = append(out, fmt.Sprintf("the limits are %+v", *c.Limits))
	}
	if c.Deleted {
		out = append(out, "the organization is deleted")
	}
	slices.Sort(out)
	return out
}

// noOne returns IDs that the organization does not have.
func noOne() map[string]uuid.UUID {
	return map[string]uuid.UUID{"of an unknown id": id(800), "of another organization": link("zeta", 900).ID}
}
