package invitations

import (
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
)

// An exploreWorld says what can happen in a search. Roles are numbered from 1, the owner first.
type exploreWorld struct {
	name   string
	roles  []exploreRole
	limits []Limits // that System can set; the first one is in force at the beginning

	emails, links int   // how many invitations of each kind exist at a time
	spans         []int // the lifetimes in days, beside the default of two
	uses          []int // the limits of uses of a link
	foreign       bool  // the third user has an address of another domain

	reserve   bool // seats
	pending   int  // the limit of pending invitations; 0: no limit
	cooldown  int  // days
	sendings  int  // to each recipient on a day; twice as many in the organization
	bySender  int  // on a day; 0: no limit
	reminders bool

	sweeps, erases, edits, bulks, ids, quotas, domains, ceilings, unverified, reads bool
	details                                                                         bool // more arguments where a world has few operations
	host                                                                            bool // only System adds members, sets limits and deletes

	// deploys lets the program be replaced by one whose policy does not know the last role, and
	// the other way round.
	deploys bool
	oldest  int8 // a purge sees the age of what ended up to this distance; 0: no purge

	// Derived.
	operations   []exploreOperation
	permutations []permutation
	rules        [2]rules                        // by deployment
	holds        [2][1 + maxExploreRoles]permits // by deployment and role
}

const maxExploreRoles = 3

// An exploreRole is a role of a world.
type exploreRole struct {
	name        Role
	permissions []Permission
}

// permits is a set of permissions, as bits in the order of explorePermissions.
type permits uint32

// auditRead is a permission of the host's.
const auditRead Permission = "audit:read"

var explorePermissions = append(slices.Clone(allPermissions), auditRead)

func permitOf(permission Permission) permits {
	return 1 << slices.Index(explorePermissions, permission)
}

// The roles of the worlds.
var (
	exploreOwner = exploreRole{RoleOwner, explorePermissions}
	exploreAdmin = exploreRole{RoleAdmin, []Permission{ // as in the default policy: not the host's
		PermissionInvitationCreate, PermissionInvitationResend, PermissionInvitationRevoke, PermissionInvitationList,
		PermissionMemberList, PermissionMemberAdd, PermissionMemberUpdate, PermissionMemberRemove, PermissionQuotaUpdate,
		PermissionOrganizationUse, PermissionBillingManage,
	}}
	// An auditor has the host's permission, so no admin can make one. Auditors invite nobody.
	exploreAuditor = exploreRole{"auditor", []Permission{PermissionMemberList, auditRead}}
	// A scout can invite scouts, but neither resend nor anything else.
	exploreScout = exploreRole{"scout", []Permission{PermissionInvitationCreate, PermissionOrganizationUse}}
	// A postman can resend, but not invite.
	explorePostman = exploreRole{"postman", []Permission{PermissionInvitationResend, PermissionOrganizationUse}}
	exploreViewer  = exploreRole{RoleViewer, []Permission{PermissionMemberList}}
	// A steward manages members, but grants no quota and revokes no invitation.
	exploreSteward = exploreRole{"steward", []Permission{
		PermissionInvitationCreate, PermissionInvitationResend, PermissionMemberAdd, PermissionMemberUpdate, PermissionMemberRemove,
	}}
)

// exploreWorlds returns the worlds. Together they have every operation and every setting that a
// decision reads; each one alone is small.
func exploreWorlds() []*exploreWorld {
	worlds := []*exploreWorld{
		{
			name: "members", roles: []exploreRole{exploreOwner, exploreAdmin, exploreAuditor},
			limits:   []Limits{{}, {Members: 1}, {Members: 2}, {Members: 1, SeatlessRoles: []Role{"auditor"}}},
			ceilings: true, erases: true, details: true,
		},
		{
			name: "email", roles: []exploreRole{exploreOwner, exploreAdmin, exploreAuditor}, limits: []Limits{{}},
			emails: 1, spans: []int{1}, edits: true, sweeps: true, reminders: true, ids: true, unverified: true, details: true, oldest: -2, reads: true,
		},
		{
			name: "link", roles: []exploreRole{exploreOwner, exploreScout, explorePostman}, limits: []Limits{{}, {NoLinks: true}},
			links: 1, uses: []int{0, 1, 2}, edits: true, sweeps: true, ids: true, details: true, oldest: -2, reads: true,
		},
		{
			name: "seats", roles: []exploreRole{exploreOwner, exploreAdmin, exploreViewer}, reserve: true,
			limits: []Limits{{Members: 2}, {Members: 1}, {}, {Members: 2, SeatlessRoles: []Role{RoleViewer}}},
			emails: 2, edits: true, details: true,
		},
		{
			name: "places", roles: []exploreRole{exploreOwner, exploreSteward, exploreViewer}, limits: []Limits{{}, {Pending: 1}},
			pending: 2, emails: 2, links: 1, uses: []int{1}, bulks: true,
		},
		{
			name: "mail", roles: []exploreRole{exploreOwner, exploreScout, exploreViewer}, limits: []Limits{{}},
			emails: 2, cooldown: 1, sendings: 1, bySender: 1, bulks: true, edits: true, sweeps: true, reminders: true, erases: true,
		},
		{
			name: "quotas", roles: []exploreRole{exploreOwner, exploreAdmin, exploreSteward}, limits: []Limits{{}},
			emails: 1, links: 1, uses: []int{2}, quotas: true, edits: true, ceilings: true,
		},
		{
			name: "domains", roles: []exploreRole{exploreOwner, exploreAdmin, exploreViewer}, foreign: true,
			limits: []Limits{{}, {AllowedDomains: []string{exploreDomain}}},
			emails: 1, links: 1, uses: []int{2}, domains: true, edits: true, unverified: true, reads: true,
		},
		{
			name: "deploys", roles: []exploreRole{exploreOwner, exploreViewer, exploreAdmin}, limits: []Limits{{}},
			emails: 1, links: 1, uses: []int{2}, deploys: true, edits: true, reads: true,
		},
		{
			name: "persons", roles: []exploreRole{exploreOwner, exploreAdmin, exploreAuditor}, limits: []Limits{{}},
			emails: 1, links: 1, uses: []int{1, 2}, erases: true, oldest: -2, reads: true,
		},
		{
			name: "whole", roles: []exploreRole{exploreOwner, exploreAdmin, exploreAuditor}, limits: []Limits{{}, {Members: 2, Pending: 1}},
			emails: 2, links: 2, uses: []int{2}, sweeps: true, oldest: -2, host: true,
		},
	}
	for _, w := range worlds {
		w.derive()
	}
	return worlds
}

// derive completes a world.
func (w *exploreWorld) derive() {
	for deployment := range w.rules {
		roles := w.roles
		if deployment == 1 {
			roles = roles[:len(roles)-1]
		}
		policy := map[Role][]Permission{}
		for i, role := range roles {
			policy[role.name] = role.permissions
			for _, permission := range role.permissions {
				w.holds[deployment][1+i] |= permitOf(permission)
			}
		}
		p, err := NewPolicy(policy)
		if err != nil {
			panic(err)
		}
		const none = -1
		config := Config{
			Policy: p, Expiry: 2 * day, MinExpiry: day, MaxExpiry: 2 * day, PendingLimit: w.pending, ReserveSeats: w.reserve,
			ResendCooldown: time.Duration(w.cooldown) * day, SendsPerRecipient: w.sendings, SendsPerOrganization: 2 * w.sendings, SendsPerSender: w.bySender,
		}
		if w.cooldown == 0 {
			config.ResendCooldown = none
		}
		if w.sendings == 0 {
			config.SendsPerRecipient, config.SendsPerOrganization = none, none
		}
		if w.bySender == 0 {
			config.SendsPerSender = none
		}
		if w.reminders {
			config.RemindBefore = day
		}
		if config, err = config.complete(); err != nil {
			panic(err)
		}
		w.rules[deployment] = config.rules(noon)
	}
	for _, p := range []permutation{
		{0, 1, 2, 3, 4}, {0, 2, 1, 3, 4}, {0, 1, 3, 2, 4}, {0, 2, 3, 1, 4}, {0, 3, 1, 2, 4}, {0, 3, 2, 1, 4},
	} {
		if !w.foreign || p[3] == 3 {
			w.permutations = append(w.permutations, p)
		}
	}
	w.addOperations()
}

// Names of the numbers in a state.

var userNames = [erasedUser + 1]string{"", "ann", "ben", "cem", "erased"}

const exploreDomain = "a.example"

func (w *exploreWorld) address(user uint8) string {
	switch {
	case user == 0 || user == erasedUser:
		return ""
	case user == exploreUsers && w.foreign:
		return userNames[user] + "@b.example"
	}
	return userNames[user] + "@" + exploreDomain
}

// userOf returns the number of a user ID.
func userOf(id string) uint8 {
	if id == "" {
		return 0
	}
	switch id[0] {
	case 'a':
		return 1
	case 'b':
		return 2
	case 'c':
		return 3
	}
	return erasedUser
}

func (w *exploreWorld) role(number uint8) Role {
	if number == 0 {
		return ""
	}
	return w.roles[number-1].name
}

func (w *exploreWorld) roleOf(name Role) uint8 {
	for i := range w.roles {
		if w.roles[i].name == name {
			return uint8(1 + i)
		}
	}
	return 0
}

// limitsOf returns the number of limits.
func (w *exploreWorld) limitsOf(limits *Limits) uint8 {
	return uint8(slices.IndexFunc(w.limits, func(l Limits) bool { return reflect.DeepEqual(l, *limits) }))
}

func slotID(slot int) uuid.UUID { return uuid.UUID{6: 0x70, 8: 0x80, 15: byte(1 + slot)} }

func slotOf(id uuid.UUID) int { return int(id[15]) - 1 }

// otherSlot is that of invitations that do not exist any more, or must not come to exist.
const otherSlot = 9

func slotNonce(slot int) [nonceLen]byte { return [nonceLen]byte{1: byte(1 + slot)} }

var (
	freshNonce = [nonceLen]byte{2: 1} // of a resend
	staleNonce = [nonceLen]byte{3: 1} // that a resend has replaced
)

var (
	exploreQuota    = Quota{Limit: 5, Period: PeriodDay}
	exploreMetadata = map[string]string{"k": "v"}
)

// presentVersion is the version of the organization in each state.
const presentVersion = 8

// An explorer performs operations in one state after the other. It is a store of one
// organization, which gives each decision exactly the facts that it asks for.
type explorer struct {
	world  *exploreWorld
	fault  *exploreFault
	s      exploreState
	rules  rules
	checks int

	records  [allSlots]Record
	members  [exploreUsers + 1]Member
	sent     [allSlots]int64         // versions
	removals [exploreUsers + 1]int64 // versions
	quotaAt  [exploreUsers + 1]int64 // versions

	// The maps of facts, by the bits of the users that they are about.
	memberMaps  [8]map[string]Member
	removalMaps [8]map[string]int64
	quotaMaps   [8]map[string]QuotaRecord
	emailMaps   [8]map[string]uuid.UUID
	built       [4]uint8

	present exploreStep  // the last one
	after   exploreState // the state after it

	loaded Facts
	next   NextStep // the last answer
	create bool     // the query is one of Store.Create

	limits                           Limits // in force
	pending, reserved, seats, owners int
}

func newExplorer(w *exploreWorld, fault *exploreFault) *explorer {
	x := &explorer{world: w, fault: fault}
	for i := range x.memberMaps {
		x.memberMaps[i], x.removalMaps[i] = map[string]Member{}, map[string]int64{}
		x.quotaMaps[i], x.emailMaps[i] = map[string]QuotaRecord{}, map[string]uuid.UUID{}
	}
	return x
}

// An exploreFault breaks what the library relies on, for a control.
type exploreFault struct {
	only    string // the one invariant that is checked
	facts   func(x *explorer, f *Facts)
	changes func(x *explorer, op *exploreOperation, c *Changes, err *error)
	purge   func(x *explorer, after *exploreState)
}

func days(n int8) time.Duration { return time.Duration(n) * day }

// enter makes s the present state.
func (x *explorer) enter(s exploreState) {
	w := x.world
	x.s, x.rules, x.built = s, w.rules[s.deployed], [4]uint8{}
	x.limits = w.inForce(s.limits)
	x.removals, x.quotaAt = [exploreUsers + 1]int64{}, [exploreUsers + 1]int64{}
	x.pending, x.reserved, x.seats, x.owners = 0, 0, 0, 0
	for i := range s.users {
		u := &s.users[i]
		user := uint8(1 + i)
		m := Member{Organization: acme, UserID: userNames[user], Role: w.role(u.role), JoinedAt: noon, InvitedBy: userNames[u.invitedBy]}
		if u.invited {
			m.InvitationID = slotID(otherSlot)
		}
		if u.metadata {
			m.Metadata = exploreMetadata
		}
		x.members[user] = m
		if u.role == 1 {
			x.owners++
		}
		if u.role != 0 && x.takesSeat(u.role) {
			x.seats++
		}
	}
	for slot := range s.offers {
		o := &s.offers[slot]
		if o.state == noOffer {
			continue
		}
		// An invitation that was sent earlier has seen more of what came after it.
		x.sent[slot] = int64(presentVersion - 1 - bits.OnesCount8(o.removed) - bits.OnesCount8(o.outdated))
		for user := uint8(1); user <= exploreUsers; user++ {
			if o.removed&bit(user) != 0 {
				x.removals[user] = max(x.removals[user], x.sent[slot])
			}
			if o.outdated&bit(user) != 0 {
				x.quotaAt[user] = max(x.quotaAt[user], x.sent[slot])
			}
			if o.members&bit(user) != 0 {
				x.members[user].InvitationID = slotID(slot)
			}
		}
		x.records[slot] = x.record(slot)
		if x.isPending(o) {
			x.pending++
			if slot < emailSlots && x.takesSeat(o.role) {
				x.reserved++
			}
		}
	}
}

// inForce returns the limits in force: those of the organization, and those of the program where
// it has none.
func (w *exploreWorld) inForce(number uint8) Limits {
	limits := w.limits[number]
	if limits.Pending == 0 {
		limits.Pending = w.rules[0].limits.Pending
	}
	return limits
}

// record returns the invitation in a slot as a store keeps it.
func (x *explorer) record(slot int) Record {
	o := &x.s.offers[slot]
	r := Record{
		Invitation: Invitation{
			ID: slotID(slot), Organization: acme, Kind: KindLink, State: stateOf[o.state], Email: x.world.address(o.to), Role: x.world.role(o.role),
			MaxUses: int(o.maxUses), Uses: int(o.uses), CreatedBy: userNames[o.creator], SentBy: userNames[o.sender], AcceptedBy: userNames[o.taker],
		},
		Nonce: slotNonce(slot), SentVersion: x.sent[slot],
	}
	if slot < emailSlots {
		r.Kind = KindEmail
	}
	if o.quota {
		r.Quota = exploreQuota
	}
	if o.metadata {
		r.Metadata, r.Message = exploreMetadata, "hello"
	}
	if o.domain {
		r.AllowedDomains = []string{exploreDomain}
	}
	if o.state != pendingOffer {
		r.EndedAt, r.ExpiresAt, r.SentAt = noon.Add(days(o.expires)), noon.Add(day), noon.Add(-day)
	} else {
		r.ExpiresAt = noon.Add(days(o.expires))
		r.SentAt = r.ExpiresAt.Add(-days(int8(o.span)))
		if yesterday := noon.Add(-day); !o.today && x.world.cooldown > 0 && r.SentAt.After(yesterday) {
			r.SentAt = yesterday
		}
		if o.today {
			r.SentAt = noon
		}
	}
	switch {
	case o.due == dueReminder:
		r.SweepAt = r.ExpiresAt.Add(-day)
	case o.due == dueExpiry:
		r.SweepAt = r.ExpiresAt
	}
	r.CreatedAt = r.SentAt
	return r
}

var stateOf = [...]State{pendingOffer: StatePending, acceptedOffer: StateAccepted, declinedOffer: StateDeclined, revokedOffer: StateRevoked}

// isPending reports whether an invitation counts as pending now.
func (x *explorer) isPending(o *offerState) bool { return o.state == pendingOffer && o.expires > 0 }

// takesSeat reports whether members with this role take a seat, by the limits in force.
func (x *explorer) takesSeat(role uint8) bool {
	return x.limits.Members > 0 && !slices.Contains(x.limits.SeatlessRoles, x.world.role(role))
}

// load returns the facts of q and no others.
func (x *explorer) load(q *Query) *Facts {
	x.loaded = Facts{}
	x.addFacts(&x.loaded, q)
	if x.fault != nil && x.fault.facts != nil {
		x.fault.facts(x, &x.loaded)
	}
	return &x.loaded
}

func (x *explorer) addFacts(f *Facts, q *Query) {
	s := &x.s
	switch {
	case x.create && s.phase == unborn:
		f.Organization = acme
		return
	case x.create && s.phase != alive:
		f.Organization, f.Version, f.Deleted = acme, presentVersion, true
		return
	case s.phase == unborn || s.phase != alive && !q.AlsoDeleted:
		return
	}
	f.Organization, f.Version, f.Limits, f.Deleted = acme, presentVersion, x.world.limits[s.limits], s.phase != alive
	if q.Invitation != uuid.Nil {
		x.addInvitation(f, q)
	}
	for _, id := range q.Invitations {
		if slot := slotOf(id); slot < allSlots && s.offers[slot].state != noOffer {
			if f.Invitations == nil {
				f.Invitations = map[uuid.UUID]Record{}
			}
			f.Invitations[id] = x.records[slot]
		}
	}
	x.addUsers(f, q)
	if len(q.Emails) > 0 || q.SameEmail {
		x.addEmails(f, q)
	}
	// Numbers are counted up to the limit in force.
	if q.CountPending {
		f.PendingCount = min(x.pending, x.limits.Pending)
	}
	if x.limits.Members > 0 {
		if q.CountReserved {
			f.ReservedCount = min(x.reserved, x.limits.Members)
		}
		if q.CountSeats {
			f.SeatCount = min(x.seats, x.limits.Members)
		}
	}
	if q.PendingSentBy != "" || q.PendingFor != "" {
		for slot := range s.offers {
			o := &s.offers[slot]
			if r := &x.records[slot]; x.isPending(o) && (q.PendingSentBy != "" && r.SentBy == q.PendingSentBy || q.PendingFor != "" && r.Email == q.PendingFor) {
				f.PendingRecords = append(f.PendingRecords, *r)
			}
		}
	}
	if q.SendingsUpTo > 0 {
		for _, m := range s.mails {
			if m.actor != 0 && len(f.Sendings) < q.SendingsUpTo {
				f.Sendings = append(f.Sendings, Sending{At: noon, Actor: userNames[m.actor-1], Email: x.world.address(m.to - 1)})
			}
		}
	}
	f.OwnerCount = min(x.owners, q.OwnersUpTo)
	if q.TracesUpTo > 0 {
		x.addTraces(f, q)
	}
}

func (x *explorer) addInvitation(f *Facts, q *Query) {
	slot := slotOf(q.Invitation)
	if slot >= allSlots || x.s.offers[slot].state == noOffer {
		return
	}
	record := x.records[slot]
	f.Invitation = &record
	if sender := x.s.offers[slot].sender; q.Sender && sender != 0 && sender != erasedUser && x.s.users[sender-1].role != 0 {
		m := x.members[sender]
		f.Sender = &m
	}
}

// addUsers adds the members of q, their removals and their quotas.
func (x *explorer) addUsers(f *Facts, q *Query) {
	var asked uint8
	for _, id := range q.Members {
		if user := userOf(id); user != 0 && user != erasedUser {
			asked |= bit(user)
		}
	}
	if asked == 0 && !q.Quotas {
		return
	}
	f.Members = x.memberMaps[asked]
	f.Removals, f.Quotas = nil, nil
	if x.built[0]&(1<<asked) == 0 {
		x.built[0] |= 1 << asked
		clear(f.Members)
		for user := uint8(1); user <= exploreUsers; user++ {
			if asked&bit(user) != 0 && x.s.users[user-1].role != 0 {
				f.Members[userNames[user]] = x.members[user]
			}
		}
	}
	if q.Removals {
		f.Removals = x.removalMaps[asked]
		if x.built[1]&(1<<asked) == 0 {
			x.built[1] |= 1 << asked
			clear(f.Removals)
			for user := uint8(1); user <= exploreUsers; user++ {
				if asked&bit(user) != 0 && x.removals[user] != 0 {
					f.Removals[userNames[user]] = x.removals[user]
				}
			}
		}
	}
	if q.Quotas {
		f.Quotas = x.quotaMaps[asked]
		if x.built[2]&(1<<asked) == 0 {
			x.built[2] |= 1 << asked
			clear(f.Quotas)
			for user := uint8(1); user <= exploreUsers; user++ {
				if asked&bit(user) != 0 && x.s.users[user-1].quota != 0 {
					f.Quotas[userNames[user]] = QuotaRecord{Organization: acme, UserID: userNames[user], Quota: quotaOf(x.s.users[user-1].quota), Version: x.quotaAt[user]}
				}
			}
			if x.s.shared != 0 {
				f.Quotas[""] = QuotaRecord{Organization: acme, Quota: quotaOf(x.s.shared), Version: 1}
			}
		}
	}
}

// quotaOf returns the quota of a number in a state.
func quotaOf(number uint8) Quota {
	if number == 2 {
		return exploreQuota
	}
	return Quota{}
}

// addEmails adds the pending invitations of addresses.
func (x *explorer) addEmails(f *Facts, q *Query) {
	var asked uint8
	for _, email := range q.Emails {
		asked |= bit(userOf(email))
	}
	if q.SameEmail && f.Invitation != nil && f.Invitation.Email != "" {
		asked |= bit(userOf(f.Invitation.Email))
	}
	f.PendingByEmail = x.emailMaps[asked]
	if x.built[3]&(1<<asked) == 0 {
		x.built[3] |= 1 << asked
		clear(f.PendingByEmail)
		for slot := range emailSlots {
			if o := &x.s.offers[slot]; x.isPending(o) && o.to != 0 && asked&bit(o.to) != 0 {
				f.PendingByEmail[x.world.address(o.to)] = slotID(slot)
			}
		}
	}
}

// addTraces adds the rows with a trace of a person. Events are no part of a state: there is one
// event in each organization that has every person as its actor, subject and inviter in turn,
// and one with every address.
func (x *explorer) addTraces(f *Facts, q *Query) {
	email, user := q.TracesOf.Email, q.TracesOf.UserID
	for slot := range x.s.offers {
		r := &x.records[slot]
		isOf := email != "" && r.Email == email || user != "" && (r.CreatedBy == user || r.SentBy == user || r.AcceptedBy == user)
		if x.s.offers[slot].state != noOffer && isOf && len(f.TracedInvitations) < q.TracesUpTo {
			f.TracedInvitations = append(f.TracedInvitations, *r)
		}
	}
	for i := range x.s.users {
		m := &x.members[1+i]
		accepted := func(r Record) bool { return r.AcceptedBy == m.UserID && r.ID == m.InvitationID }
		isOf := email != "" && slices.ContainsFunc(f.TracedInvitations, accepted) || user != "" && m.InvitedBy == user
		if x.s.users[i].role != 0 && isOf && len(f.TracedMembers) < q.TracesUpTo {
			f.TracedMembers = append(f.TracedMembers, *m)
		}
	}
	f.TracedEvents = []Event{{Organization: acme, Version: 1, Type: EventMemberJoined, Actor: user, Subject: user, InvitedBy: user, Email: email}}
}

// apply returns the state after changes, as a store writes them.
func (x *explorer) apply(c *Changes) (exploreState, error) {
	n, sent, removals, quotaAt := x.s, x.sent, x.removals, x.quotaAt
	const version = presentVersion + 1
	if n.phase == unborn {
		n.phase = alive
	}
	for _, id := range c.Removals {
		removals[userOf(id)] = version
	}
	for _, id := range c.RemovedMembers {
		n.remove(userOf(id))
	}
	for i := range c.Members {
		m := &c.Members[i]
		user := userOf(m.UserID)
		if user == 0 || user == erasedUser || m.Organization != acme {
			return n, fmt.Errorf("a member %q of %q", m.UserID, m.Organization)
		}
		quota := n.users[user-1].quota
		n.remove(user)
		n.users[user-1] = userState{x.world.roleOf(m.Role), userOf(m.InvitedBy), m.InvitationID != uuid.Nil, len(m.Metadata) > 0, quota}
		if m.InvitationID != uuid.Nil && slotOf(m.InvitationID) < allSlots {
			n.offers[slotOf(m.InvitationID)].members |= bit(user)
		}
	}
	for i := range c.Invitations {
		r := &c.Invitations[i]
		slot := slotOf(r.ID)
		if slot >= allSlots || r.Organization != acme {
			return n, errors.New("an unknown invitation")
		}
		sent[slot] = r.SentVersion
		if err := x.write(r, &n.offers[slot]); err != nil {
			return n, err
		}
	}
	for _, q := range c.Quotas {
		number := uint8(1)
		if q.Quota == exploreQuota {
			number = 2
		}
		if user := userOf(q.UserID); user == 0 {
			n.shared = number
		} else {
			n.users[user-1].quota, quotaAt[user] = number, q.Version
		}
	}
	if c.Limits != nil {
		n.limits = x.world.limitsOf(c.Limits)
	}
	if c.Deleted {
		n.phase = deleted
	}
	for i := range c.Events {
		if e := &c.Events[i]; e.IsSending() && x.world.sendings > 0 {
			if n.mails[maxMails-1].actor != 0 {
				return n, errors.New("more mail than any limit allows")
			}
			n.mails[maxMails-1] = mailState{1 + userOf(e.Actor), 1 + userOf(e.Email)}
			n.sortMails()
		}
	}
	n.compareVersions(&sent, &removals, &quotaAt)
	return n, nil
}

// remove ends the membership of a user.
func (s *exploreState) remove(user uint8) {
	s.users[user-1] = userState{quota: s.users[user-1].quota}
	for slot := range s.offers {
		s.offers[slot].members &^= bit(user)
	}
}

// compareVersions keeps the order of versions.
func (s *exploreState) compareVersions(sent *[allSlots]int64, removals, quotaAt *[exploreUsers + 1]int64) {
	for slot := range s.offers {
		o := &s.offers[slot]
		if o.state == noOffer {
			continue
		}
		o.removed, o.outdated = 0, 0
		for user := uint8(1); user <= exploreUsers; user++ {
			if removals[user] >= sent[slot] {
				o.removed |= bit(user)
			}
			if s.users[user-1].quota != 0 && quotaAt[user] >= sent[slot] {
				o.outdated |= bit(user)
			}
		}
	}
}

// write writes an invitation. The members and the history of o remain.
func (x *explorer) write(r *Record, o *offerState) error {
	n := offerState{
		role: x.world.roleOf(r.Role), maxUses: uint8(r.MaxUses), uses: uint8(min(r.Uses, 2)),
		creator: userOf(r.CreatedBy), sender: userOf(r.SentBy), taker: userOf(r.AcceptedBy),
		quota: r.Quota == exploreQuota, metadata: len(r.Metadata) > 0 || r.Message != "", domain: len(r.AllowedDomains) > 0,
		members: o.members, gone: o.gone, joined: o.joined,
	}
	if r.Email != "" {
		n.to = userOf(r.Email)
	}
	n.state = uint8(slices.Index(stateOf[:], r.State))
	end := r.ExpiresAt
	if n.state != pendingOffer {
		if end = r.EndedAt; end.After(noon) || end.IsZero() {
			return errors.New("an invitation that ended at no instant")
		}
	}
	n.expires = int8(end.Sub(noon) / day)
	n.span = uint8(min(max(1, r.ExpiresAt.Sub(r.SentAt)/day), 2))
	n.today = r.SentAt.Equal(noon)
	switch {
	case r.SweepAt.IsZero():
	case r.SweepAt.Equal(r.ExpiresAt):
		n.due = dueExpiry
	case r.SweepAt.Equal(r.ExpiresAt.Add(-day)):
		n.due = dueReminder
	default:
		return errors.New("a sweep that is due at another instant")
	}
	*o = n
	return nil
}

// An exploreAgent is an actor of a world: a user, or System for 0, with or without a ceiling.
type exploreAgent struct{ user, ceiling uint8 }

func (w *exploreWorld) actor(a exploreAgent) Actor {
	actor := System()
	if a.user != 0 {
		actor = User(userNames[a.user])
	}
	if a.ceiling != 0 {
		actor = actor.AtMost(w.role(a.ceiling))
	}
	return actor
}

func (w *exploreWorld) nameOf(a exploreAgent) string {
	name := "system"
	if a.user != 0 {
		name = userNames[a.user]
	}
	if a.ceiling != 0 {
		name += " at most " + string(w.role(a.ceiling))
	}
	return name
}

// An exploreOperation is a call with its arguments.
type exploreOperation struct {
	method string // of Service
	text   string // the call, for people

	// The arguments, as far as the invariants read them.
	actor    exploreAgent
	user     uint8 // the user on whom the actor acts, or who answers; the address to invite
	to       uint8 // the heir
	role     uint8
	slot     int   // the invitation
	limit    int   // of rows
	address  uint8 // of the identity
	verified bool
	stale    bool // the token was replaced
	quota    bool
	edit     edit

	// perform decides. It returns false if the operation makes no sense in the present state:
	// there is no such invitation, or no place for another one.
	perform func(x *explorer) (Changes, error, bool)
}

const noSlot = -1

// An exploreQuery is what an act needs, by the deployment of the program.
type exploreQuery [2]Query

func queryOf[T any](w *exploreWorld, a act[T]) *exploreQuery {
	return &exploreQuery{a.needs(w.rules[0]), a.needs(w.rules[1])}
}

// deciding performs an act.
func deciding[T any](w *exploreWorld, a act[T]) func(x *explorer) (Changes, error, bool) {
	q := queryOf(w, a)
	return func(x *explorer) (Changes, error, bool) {
		_, c, err := decideIn(x, q, a)
		return c, err, true
	}
}

func decideIn[T any](x *explorer, q *exploreQuery, a act[T]) (T, Changes, error) {
	f := x.load(&q[x.s.deployed])
	return a.decide(x.rules.in(*f), *f)
}

// on performs an act on an invitation that exists.
func on[T any](w *exploreWorld, slot int, a act[T]) func(x *explorer) (Changes, error, bool) {
	q := queryOf(w, a)
	return func(x *explorer) (Changes, error, bool) {
		if x.s.offers[slot].state == noOffer {
			return Changes{}, nil, false
		}
		_, c, err := decideIn(x, q, a)
		return c, err, true
	}
}

// slotsOf returns the places of a kind of invitation in a world.
func (w *exploreWorld) slotsOf(kind Kind) (from, to int) {
	if kind == KindEmail {
		return 0, w.emails
	}
	return emailSlots, emailSlots + w.links
}

// free returns the first free place after another one.
func (x *explorer) free(kind Kind, after int) (slot int, ok bool) {
	from, to := x.world.slotsOf(kind)
	for slot := max(from, after+1); slot < to; slot++ {
		if x.s.offers[slot].state == noOffer {
			return slot, true
		}
	}
	return noSlot, false
}

// addOperations lists every operation with all arguments. The list stays the same if users or
// invitations change places, because folded states stand for each other.
func (w *exploreWorld) addOperations() {
	agents := []exploreAgent{{}, {user: 1}, {user: 2}, {user: 3}}
	if w.ceilings {
		for _, a := range agents[:4] {
			agents = append(agents, exploreAgent{a.user, 2})
		}
	}
	users, roles := []uint8{1, 2, 3}, []uint8{1, 2, 3}
	for _, user := range users {
		w.add(exploreOperation{method: "CreateOrganization", user: user, perform: deciding(w, founding{acme, userNames[user]})}, userNames[user])
	}
	for _, a := range agents {
		actor := w.actor(a)
		if !w.host || a.user == 0 {
			w.add(exploreOperation{method: "DeleteOrganization", actor: a, perform: deciding(w, deletion{actor, acme})})
		}
		for i, limits := range w.limits {
			if len(w.limits) > 1 && (!w.host || a.user == 0) {
				w.add(exploreOperation{method: "SetLimits", actor: a, role: uint8(i), perform: deciding(w, limitsChange{actor, acme, limits})}, fmt.Sprintf("%+v", limits))
			}
		}
		for _, user := range users {
			w.addMemberOperations(a, user, roles)
		}
		if w.quotas {
			for _, q := range []Quota{{}, exploreQuota} {
				w.add(exploreOperation{method: "SetQuota", actor: a, quota: q != Quota{}, perform: deciding(w, quotaChange{actor, acme, "", q})}, "shared", q)
			}
		}
		w.addSendings(a, users, roles)
		for slot := range allSlots {
			w.addOfferOperations(a, slot, roles)
		}
	}
	for slot := range allSlots {
		w.addAnswers(slot, users)
	}
	for _, user := range users {
		w.add(exploreOperation{method: "Leave", user: user, actor: exploreAgent{user: user}, perform: deciding(w, leaving{acme, userNames[user]})})
		if w.erases {
			for _, limit := range []int{1, maxSweep} {
				w.add(exploreOperation{method: "Erase", user: user, limit: limit, perform: deciding(w, erasure{
					person: Person{UserID: userNames[user]}, pseudonym: userNames[erasedUser], organization: acme, limit: limit,
				})}, userNames[user], limit)
				w.add(exploreOperation{method: "Erase", address: user, limit: limit, perform: deciding(w, erasure{
					person: Person{Email: w.address(user)}, organization: acme, limit: limit,
				})}, w.address(user), limit)
			}
		}
	}
	if w.emails+w.links > 0 || w.sendings > 0 {
		w.add(exploreOperation{method: "wait"})
	}
	if w.sweeps {
		w.add(exploreOperation{method: "Sweep"})
	}
	if w.oldest < 0 {
		w.add(exploreOperation{method: "Purge"})
	}
	if w.deploys {
		w.add(exploreOperation{method: "deploy"})
	}
}

// add adds an operation with a text of its arguments.
func (w *exploreWorld) add(op exploreOperation, arguments ...any) {
	switch op.method {
	case "CreateOrganization", "Leave", "Accept", "AcceptReceived", "Decline", "DeclineReceived", "Erase", "Sweep", "Purge", "wait", "deploy", "Lookup", "NextStep":
	default:
		arguments = append([]any{w.nameOf(op.actor)}, arguments...)
	}
	op.text = op.method
	for _, argument := range arguments {
		op.text += fmt.Sprintf(" %v", argument)
	}
	w.operations = append(w.operations, op)
}

// offered are the quotas with which a world invites and adds people.
func (w *exploreWorld) offered() []Quota {
	if w.quotas {
		return []Quota{{}, exploreQuota}
	}
	return []Quota{{}}
}

func (w *exploreWorld) addMemberOperations(a exploreAgent, user uint8, roles []uint8) {
	actor, name := w.actor(a), userNames[user]
	w.add(exploreOperation{method: "RemoveMember", actor: a, user: user, perform: deciding(w, memberRemoval{actor, acme, name})}, name)
	if w.erases {
		w.add(exploreOperation{method: "SetMetadata", actor: a, user: user, perform: deciding(w, metadataChange{actor, SetMetadataParams{acme, name, exploreMetadata}})}, name)
	}
	if w.quotas {
		for _, q := range []Quota{{}, exploreQuota} {
			w.add(exploreOperation{method: "SetQuota", actor: a, user: user, quota: q != Quota{}, perform: deciding(w, quotaChange{actor, acme, name, q})}, name, q)
		}
	}
	for _, role := range roles {
		w.add(exploreOperation{method: "ChangeRole", actor: a, user: user, role: role, perform: deciding(w, roleChange{actor, ChangeRoleParams{acme, name, w.role(role)}})}, name, w.role(role))
		for _, email := range []string{"", w.address(user)} {
			if email == "" && !w.details || w.host && a.user != 0 {
				continue
			}
			for _, q := range w.offered() {
				p := AddMemberParams{Organization: acme, UserID: name, Role: w.role(role), Email: email, Quota: q}
				op := exploreOperation{method: "AddMember", actor: a, user: user, role: role, quota: q != Quota{}, perform: deciding(w, addition{actor, p})}
				if email != "" {
					op.address = user
				}
				w.add(op, name, w.role(role), email, q)
			}
		}
		for heir := uint8(1); heir <= exploreUsers; heir++ {
			if role != 1 && heir != user && (w.details || role == 3) {
				w.add(exploreOperation{method: "TransferOwnership", actor: a, user: user, to: heir, role: role, perform: deciding(w, transfer{actor, TransferOwnershipParams{acme, name, userNames[heir], w.role(role)}})}, name, userNames[heir], w.role(role))
			}
		}
	}
}

// lifetimes are the lifetimes with which a world invites; 0 is the default.
func (w *exploreWorld) lifetimes() []time.Duration {
	all := []time.Duration{0}
	for _, span := range w.spans {
		all = append(all, time.Duration(span)*day)
	}
	return all
}

// addSendings adds the operations that make invitations.
func (w *exploreWorld) addSendings(a exploreAgent, users, roles []uint8) {
	for _, role := range roles {
		for _, lifetime := range w.lifetimes() {
			for _, q := range w.offered() {
				if w.emails > 0 {
					for _, user := range users {
						c := w.emailOf(a, user, role, lifetime, q)
						w.add(exploreOperation{method: "Invite", actor: a, user: user, role: role, quota: q != Quota{}, perform: creating(w, c)}, w.address(user), w.role(role), lifetime, q)
					}
				}
				if w.links > 0 {
					for _, uses := range w.uses {
						for _, domain := range []bool{false, true} {
							if domain && !w.domains {
								continue
							}
							c := w.linkOf(a, role, uses, domain, lifetime, q)
							w.add(exploreOperation{method: "CreateLink", actor: a, role: role, quota: q != Quota{}, perform: creating(w, c)}, w.role(role), uses, domain, lifetime, q)
						}
					}
				}
			}
		}
		if w.bulks {
			for _, first := range users {
				for _, second := range users {
					if first != second {
						w.addBulk(a, role, first, second)
					}
				}
			}
		}
	}
}

func (w *exploreWorld) emailOf(a exploreAgent, user, role uint8, lifetime time.Duration, q Quota) creation {
	draft := Record{Invitation: Invitation{
		Organization: acme, Kind: KindEmail, State: StatePending, Email: w.address(user), Role: w.role(role), MaxUses: 1, Quota: q,
		CreatedBy: userNames[a.user], SentBy: userNames[a.user],
	}}
	if w.erases {
		draft.Metadata, draft.Message = exploreMetadata, "hello"
	}
	return creation{actor: w.actor(a), draft: draft, lifetime: lifetime}
}

func (w *exploreWorld) linkOf(a exploreAgent, role uint8, uses int, domain bool, lifetime time.Duration, q Quota) creation {
	c := w.emailOf(a, 0, role, lifetime, q)
	c.draft.Kind, c.draft.MaxUses = KindLink, uses
	if domain {
		c.draft.AllowedDomains = []string{exploreDomain}
	}
	return c
}

// creating makes an invitation in a free place.
func creating(w *exploreWorld, c creation) func(x *explorer) (Changes, error, bool) {
	q := queryOf(w, c)
	return func(x *explorer) (Changes, error, bool) {
		slot, ok := x.free(c.draft.Kind, noSlot)
		if !ok {
			return Changes{}, nil, false
		}
		c := c
		c.draft.ID, c.draft.Nonce = slotID(slot), slotNonce(slot)
		_, changes, err := decideIn(x, q, c)
		return changes, err, true
	}
}

// addBulk adds an InviteAll with three rows, of which the last repeats the first.
func (w *exploreWorld) addBulk(a exploreAgent, role, first, second uint8) {
	rows := []creation{w.emailOf(a, first, role, 0, Quota{}), w.emailOf(a, second, role, 0, Quota{}), w.emailOf(a, first, role, 0, Quota{})}
	q := queryOf(w, bulk{w.actor(a), acme, []bulkRow{{creation: rows[0]}, {creation: rows[1]}, {creation: rows[2]}}})
	w.add(exploreOperation{method: "InviteAll", actor: a, role: role, perform: func(x *explorer) (Changes, error, bool) {
		at := noSlot
		b := bulk{actor: w.actor(a), organization: acme, rows: make([]bulkRow, len(rows))}
		for i, row := range rows {
			if i < 2 {
				var ok bool
				if at, ok = x.free(KindEmail, at); !ok {
					return Changes{}, nil, false
				}
				row.draft.ID, row.draft.Nonce = slotID(at), slotNonce(at)
			} else {
				row.draft.ID = slotID(otherSlot) // there is no place for it
			}
			b.rows[i].creation = row
		}
		results, changes, err := decideIn(x, q, b)
		for _, result := range results {
			if result.err != nil && !isDocumented("Invite", result.err) {
				return changes, errors.Join(errUndocumented, result.err), true
			}
		}
		return changes, err, true
	}}, w.address(first), w.address(second), w.address(first), w.role(role))
}

// errUndocumented marks the refusal of a row that no documentation mentions.
var errUndocumented = errors.New("undocumented")

// addOfferOperations adds the operations of an actor on one invitation.
func (w *exploreWorld) addOfferOperations(a exploreAgent, slot int, roles []uint8) {
	kind := KindLink
	if slot < emailSlots {
		kind = KindEmail
	}
	if from, to := w.slotsOf(kind); slot < from || slot >= to {
		return
	}
	actor, id, name := w.actor(a), slotID(slot), fmt.Sprint("#", 1+slot)
	w.add(exploreOperation{method: "Revoke", actor: a, slot: slot, perform: on(w, slot, revocation{actor, acme, id})}, name)
	for _, lifetime := range w.lifetimes() {
		w.add(exploreOperation{method: "Resend", actor: a, slot: slot, perform: on(w, slot, resending{actor, acme, id, freshNonce, lifetime})}, name, lifetime)
	}
	if w.reads {
		w.add(exploreOperation{method: "PendingToken", actor: a, slot: slot, perform: on(w, slot, revealing{actor, id})}, name)
	}
	if w.ids {
		for _, c := range []creation{w.emailOf(a, 1, 2, 0, Quota{}), w.emailOf(a, 2, 2, 0, Quota{}), w.emailOf(a, 3, 2, 0, Quota{}), w.linkOf(a, 2, 1, false, 0, Quota{})} {
			if c.draft.Kind == kind {
				c.ownID, c.draft.ID = id, id
				method := "Invite"
				if kind == KindLink {
					method = "CreateLink"
				}
				w.add(exploreOperation{method: method, actor: a, slot: slot, perform: on(w, slot, c)}, name, "again", c.draft.Email)
			}
		}
	}
	if !w.edits {
		return
	}
	var edits []edit
	for _, role := range roles {
		edits = append(edits, edit{role: w.role(role)})
	}
	for _, lifetime := range w.lifetimes()[1:] {
		edits = append(edits, edit{lifetime: lifetime}, edit{lifetime: 2 * day})
	}
	if w.cooldown > 0 {
		edits = append(edits, edit{lifetime: 2 * day})
	}
	for _, uses := range w.uses {
		edits = append(edits, edit{maxUses: &uses})
	}
	if w.domains {
		edits = append(edits, edit{domains: &[]string{}}, edit{domains: &[]string{exploreDomain}})
	}
	if w.quotas {
		edits = append(edits, edit{quota: &Quota{}}, edit{quota: &exploreQuota})
	}
	for _, e := range edits {
		w.add(exploreOperation{method: "Edit", actor: a, slot: slot, role: w.roleOf(e.role), edit: e, perform: on(w, slot, editing{actor, acme, id, e})}, name, e.text())
	}
}

func (e edit) text() string {
	switch {
	case e.role != "":
		return "role " + string(e.role)
	case e.lifetime != 0:
		return "lifetime " + e.lifetime.String()
	case e.maxUses != nil:
		return fmt.Sprint("max uses ", *e.maxUses)
	case e.domains != nil:
		return fmt.Sprint("domains ", *e.domains)
	}
	return fmt.Sprint("quota ", *e.quota)
}

// A revealing is [Service.PendingToken] as an act.
type revealing struct {
	actor Actor
	id    uuid.UUID
}

func (a revealing) needs(rules) Query {
	return Query{Organization: acme, Invitation: a.id, Sender: true, Members: a.actor.members()}
}

func (a revealing) decide(r rules, f Facts) (Record, Changes, error) {
	record, err := r.reveal(f, a.actor)
	return record, Changes{}, err
}

// addAnswers adds what people answer to one invitation.
func (w *exploreWorld) addAnswers(slot int, users []uint8) {
	kind := KindLink
	if slot < emailSlots {
		kind = KindEmail
	}
	if from, to := w.slotsOf(kind); slot < from || slot >= to {
		return
	}
	id, name := slotID(slot), fmt.Sprint("#", 1+slot)
	present, stale := claim{acme, id, slotNonce(slot)}, claim{acme, id, staleNonce}
	w.add(exploreOperation{method: "Decline", slot: slot, perform: on(w, slot, declining{present})}, name)
	w.add(exploreOperation{method: "Decline", slot: slot, stale: true, perform: on(w, slot, declining{stale})}, name, "by an old token")
	if w.reads {
		w.add(exploreOperation{method: "Lookup", slot: slot, perform: on(w, slot, lookupAct{present})}, name)
	}
	for _, user := range users {
		identities := []Identity{{userNames[user], w.address(user), true}}
		if w.unverified {
			identities = append(identities, Identity{userNames[user], w.address(user), false}, Identity{userNames[user], "", true})
			for _, other := range users {
				if other != user {
					identities = append(identities, Identity{userNames[user], w.address(other), false})
				}
			}
		}
		for i, identity := range identities {
			op := exploreOperation{method: "Accept", slot: slot, user: user, verified: identity.EmailVerified}
			if identity.Email != "" {
				op.address = userOf(identity.Email)
			}
			op.perform = on(w, slot, acceptance{present, identity})
			w.add(op, name, identity)
			if (i == 0 || !identity.EmailVerified) && (kind == KindEmail || w.details) {
				received := op
				received.method, received.perform = "AcceptReceived", on(w, slot, receivedAcceptance{receivedAs(id), identity})
				w.add(received, name, identity)
				received.method, received.perform = "DeclineReceived", on(w, slot, receivedDeclining{receivedAs(id), identity})
				w.add(received, name, identity)
			}
			if i == 0 {
				old := op
				old.stale, old.perform = true, on(w, slot, acceptance{stale, identity})
				w.add(old, name, identity, "by an old token")
				if w.reads {
					w.add(exploreOperation{method: "NextStep", slot: slot, user: user, perform: w.nextStep(slot, acceptance{present, identity})}, name, identity)
				}
			}
		}
	}
}

func receivedAs(id uuid.UUID) received { return received{acme, id} }

// nextStep looks at an acceptance. It refuses nothing.
func (w *exploreWorld) nextStep(slot int, a acceptance) func(x *explorer) (Changes, error, bool) {
	q := queryOf(w, a)
	return func(x *explorer) (Changes, error, bool) {
		if x.s.offers[slot].state == noOffer {
			return Changes{}, nil, false
		}
		f := x.load(&q[x.s.deployed])
		x.next = a.nextStep(x.rules.in(*f), *f)
		return Changes{}, nil, true
	}
}
