package linearizability

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-invitations/invitations"
)

// A book is what the clients know of an organization.
type book struct {
	mu       sync.Mutex
	names    map[string]string // of tokens, by their text
	texts    map[string]string
	tokens   []string       // the names, the newest last
	of       map[string]int // the invitation of a token's name
	next     int            // the last number of an invitation
	emails   map[int]string // of the invitations; empty for links
	made     map[int]call   // the call that made an invitation
	consumed []call
	members  map[string]invitations.Role // who was a member at last
	ended    map[int]bool                // invitations that were accepted, declined or revoked
}

func newBook() *book {
	return &book{
		names: map[string]string{}, texts: map[string]string{}, of: map[string]int{}, emails: map[int]string{}, made: map[int]call{},
		members: map[string]invitations.Role{}, ended: map[int]bool{},
	}
}

// name returns the name of a token, and remembers the token.
func (b *book) name(text string, invitation int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.names[text]; !ok {
		name := fmt.Sprintf("token%d", len(b.names)+1)
		b.names[text], b.texts[name], b.of[name] = name, text, invitation
		b.tokens = append(b.tokens, name)
	}
	return b.names[text]
}

func (b *book) text(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.texts[name]
}

// learn notes the result of a successful call. Clients that answer at the same time can be noted in
// another order than the one in which the calls took effect: a book is for better guesses only.
func (b *book) learn(c call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch c.Op {
	case "CreateOrganization":
		b.members[c.User] = invitations.RoleOwner
	case "Accept", "AcceptReceived":
		n := c.ID
		if c.Token != "" {
			n = b.of[c.Token]
		}
		b.members[c.User] = b.made[n].Role
		b.ended[n] = b.emails[n] != ""
	case "AddMember", "ChangeRole":
		b.members[c.User] = c.Role
	case "TransferOwnership":
		b.members[c.User], b.members[c.Other] = c.Role, invitations.RoleOwner
	case "Leave", "RemoveMember":
		delete(b.members, c.User)
	case "Revoke", "DeclineReceived":
		b.ended[c.ID] = true
	case "Decline":
		b.ended[b.of[c.Token]] = true
	case "Consume":
		b.consumed = append(b.consumed, c)
	}
}

// member draws somebody who was a member at last, with one of the roles if there are any.
func (d draw) member(of ...invitations.Role) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if user := d.recipient(); user != "" && len(of) == 0 {
		return user
	}
	var found []string
	for _, user := range slices.Sorted(maps.Keys(d.members)) {
		if len(of) == 0 || slices.Contains(of, d.members[user]) {
			found = append(found, user)
		}
	}
	if len(found) == 0 || d.one(8) {
		return d.person()
	}
	return pick(d, found...)
}

// refused notes that a call made no invitation.
func (b *book) refused(c call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.Op == "Invite" || c.Op == "CreateLink" {
		b.ended[c.ID] = true
	}
}

// A draw chooses a call at random.
type draw struct {
	*rand.Rand
	w   *world
	org string
	*book
	now   time.Duration
	focus int // the invitation that a chain is about; 0: none
}

func pick[T any](d draw, of ...T) T { return of[d.IntN(len(of))] }

// one reports true once in n times.
func (d draw) one(n int) bool { return d.IntN(n) == 0 }

var (
	people      = []string{"ada", "ben", "cem", "dan", "eve", "fay", "gus"}
	domains     = []string{"a.example", "b.example"}
	roles       = []invitations.Role{"owner", "admin", "admin", "developer", "developer", "viewer", "billing"}
	quotas      = []invitations.Quota{{}, {}, {}, {Limit: 6, Period: "day"}, {Limit: 9, Period: "endless"}, {Limit: invitations.NoLimit, Period: "day"}}
	pseudonym   = "nobody"
	lifetimes   = []time.Duration{2 * time.Minute, 10 * time.Minute, 2 * time.Hour, 40 * time.Hour, 80 * time.Hour}
	editable    = []string{"role", "message", "expires_at", "quota", "metadata"}
	listable    = []invitations.State{"", "", "pending", "expired", "revoked", "accepted"}
	checkable   = []invitations.Permission{"member:list", "organization:use", "invitation:create", "organization:manage"}
	seatless    = [][]invitations.Role{nil, nil, {"billing"}, {"billing", "viewer"}}
	perhapsNone = [][]string{nil, nil, nil, nil, {"a.example"}}
)

// emailOf returns the address of a person. Half of the people have each domain.
func emailOf(user string) string {
	return user + "@" + domains[slices.Index(people, user)%2]
}

// userOf returns the person of an address.
func userOf(email string) string { return email[:len(email)-len("@a.example")] }

func (d draw) person() string { return pick(d, people...) }

// choose chooses the invitation of a chain, by email and with a token that the clients know. It reports
// whether it found one.
func (d *draw) choose() bool {
	n, _ := d.emailed()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range d.tokens {
		if d.of[name] == n {
			d.focus = n
		}
	}
	return d.focus > 0
}

// recipient returns the person to whom the invitation of a chain was sent. The book is locked.
func (d draw) recipient() string {
	if email := d.emails[d.focus]; email != "" {
		return userOf(email)
	}
	return ""
}

// stranger draws somebody, mostly not a member.
func (d draw) stranger() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if user := d.recipient(); user != "" {
		return user
	}
	user := d.person()
	for range 3 {
		if _, isMember := d.members[user]; !isMember {
			break
		}
		user = d.person()
	}
	return user
}

// actor draws somebody, mostly with permissions.
func (d draw) actor() string {
	switch d.IntN(8) {
	case 0, 1:
		return system
	case 2:
		return d.member()
	case 3, 4:
		return d.member("owner")
	}
	return d.member("owner", "admin")
}

// invitation draws the number of an invitation, mostly a late one, and rarely one that does not
// exist.
func (d draw) invitation() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.focus > 0:
		return d.focus
	case d.next == 0 || d.one(40):
		return 999
	}
	n := 0
	for range 4 {
		if n = d.next - d.IntN(min(d.next, 1+d.IntN(12))); !d.ended[n] {
			break
		}
	}
	return n
}

// emailed draws the number of an invitation by email.
func (d draw) emailed() (int, string) {
	for range 5 {
		n := d.invitation()
		d.mu.Lock()
		email := d.emails[n]
		d.mu.Unlock()
		if email != "" {
			return n, email
		}
	}
	return 999, emailOf("ada")
}

// token draws the name of a token and the address of its invitation. It is empty if there is none.
func (d draw) token() (name, email string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.tokens) == 0 {
		return "", ""
	}
	for _, name := range slices.Backward(d.tokens) {
		if d.of[name] == d.focus {
			return name, d.emails[d.focus]
		}
	}
	for range 3 {
		name = d.tokens[len(d.tokens)-1-d.IntN(min(len(d.tokens), 1+d.IntN(8)))]
		if !d.ended[d.of[name]] {
			break
		}
	}
	return name, d.emails[d.of[name]]
}

// identify sets the person who answers an invitation for an address: mostly that of the address.
func (d draw) identify(c *call, email string) {
	c.User = d.stranger()
	if email != "" && !d.one(8) {
		c.User = userOf(email)
	}
	c.Email, c.Verified = emailOf(c.User), !d.one(12)
	if d.one(20) {
		c.Email = emailOf(d.person())
	}
}

// call draws a call. Its Op is empty if nothing is there to call it on.
func (d draw) call(op string) (c call) {
	c = call{Op: op, Org: d.org, At: d.now}
	defer func() {
		if c.Actor != "" && d.one(20) {
			c.Ceiling = pick(d, roles...)
		}
		if user, ok := strings.CutPrefix(d.org, personal); ok {
			c.User = user
		}
	}()
	switch op {
	case "CreateOrganization":
		c.User = pick(d, "ada", "ben")
	case "DeleteOrganization", "Overview", "Statistics":
		c.Actor = d.actor()
	case "SetLimits":
		c.Actor = pick(d, system, system, system, "ada")
		c.Limits = invitations.Limits{
			Members: pick(d, 0, 0, invitations.NoLimit, 3, 4), Pending: pick(d, 0, 0, 2, 4), SeatlessRoles: pick(d, seatless...),
			NoLinks: d.one(6), AllowedDomains: pick(d, perhapsNone...), Expiry: pick(d, 0, 0, 5*time.Minute),
		}
	case "Invite", "CreateLink":
		return d.creation(op)
	case "InviteAll":
		c.Actor = d.actor()
		for range 1 + d.IntN(3) {
			r := d.creation("Invite")
			r.Op, r.Org, r.Actor, r.Ceiling, r.At = "", "", "", "", 0
			c.Rows = append(c.Rows, r)
		}
	case "Resend":
		c.Actor, c.ID, c.Lifetime = d.actor(), d.invitation(), pick(d, append(lifetimes, 0)...)
	case "Revoke", "PendingToken", "Invitation":
		c.Actor, c.ID = d.actor(), d.invitation()
	case "Edit":
		return d.edit(c)
	case "Accept", "Decline", "Lookup", "NextStep":
		var email string
		if c.Token, email = d.token(); c.Token == "" {
			return call{}
		}
		if op == "Accept" || op == "NextStep" && !d.one(4) {
			d.identify(&c, email)
		}
	case "AcceptReceived", "DeclineReceived":
		var email string
		c.ID, email = d.emailed()
		d.identify(&c, email)
	case "Received":
		c.Org, c.User = "", d.person()
		c.Email, c.Verified = emailOf(c.User), !d.one(12)
	case "Workspaces":
		c.Org, c.User = "", d.person()
	case "AddMember":
		c.Actor, c.User, c.Role, c.Quota, c.Metadata = d.actor(), d.stranger(), pick(d, roles...), pick(d, quotas...), pick(d, "", "x")
		if d.one(2) {
			c.Email = emailOf(c.User)
		}
	case "ChangeRole":
		c.Actor, c.User, c.Role = d.actor(), d.member(), pick(d, roles...)
	case "RemoveMember":
		c.Actor, c.User = d.actor(), d.member()
	case "Leave", "Member", "Remaining":
		c.User = d.member()
	case "TransferOwnership":
		c.Actor, c.User, c.Role = d.actor(), d.member("owner"), pick(d, roles[1:]...)
		for c.Other = c.User; c.Other == c.User; {
			c.Other = pick(d, d.member(), d.person())
		}
	case "SetMetadata":
		c.Actor, c.User, c.Metadata = d.actor(), d.member(), pick(d, "", "x", "y")
	case "SetQuota":
		c.Actor, c.User, c.Quota = d.actor(), pick(d, "", d.member()), pick(d, quotas...)
	case "Quota":
		c.Actor, c.User = d.actor(), pick(d, "", d.member())
	case "Consume":
		c.User, c.Amount = d.member("owner", "admin", "developer"), 1+d.Int64N(3)
	case "Refund":
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.consumed) == 0 {
			return call{}
		}
		last := len(d.consumed) - 1
		taken := d.consumed[last]
		d.consumed = d.consumed[:last]
		c.User, c.Amount, c.Since = taken.User, taken.Amount, taken.At
	case "Invitations":
		c.Actor, c.State = d.actor(), pick(d, listable...)
		if d.one(4) {
			c.Email = emailOf(d.person())
		}
	case "Members":
		c.Actor, c.Amount = d.actor(), d.Int64N(2)
	case "Authorize":
		c.User, c.Permission = d.member(), pick(d, checkable...)
	case "Timeline":
		c.Actor, c.Newest = pick(d, system, d.actor()), pick(d, 5, 20, 100)
		if d.one(3) {
			c.ID = d.invitation()
		}
	case "Usage":
		c.Actor, c.Period = d.actor(), pick[invitations.Period](d, "day", "day", "endless")
	case "Sweep":
		c.Org = ""
	case "Purge":
		c.Org, c.Since = "", d.now-24*time.Hour-pick(d, 0, 0, 30*time.Hour)
	case "Erase":
		c.Org = ""
		if user := d.person(); d.one(2) {
			c.Email = emailOf(user)
		} else {
			c.User, c.Other = user, pseudonym
		}
	}
	return c
}

// creation draws an invitation, sometimes one that was drawn before.
func (d draw) creation(op string) call {
	c := call{
		Op: op, Org: d.org, At: d.now, Actor: d.actor(), Role: pick(d, roles...), Quota: pick(d, quotas...), Lifetime: pick(d, append(lifetimes, 0)...),
		Message: pick(d, "", "hello"), Metadata: pick(d, "", "x"),
	}
	if op == "Invite" {
		c.Email = emailOf(d.stranger())
	} else {
		c.MaxUses, c.Domains = pick(d, 0, 1, 2, 3), pick(d, perhapsNone...)
	}
	n := d.invitation()
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, ok := d.made[n]; ok && old.Op == op && d.one(8) {
		old.At, old.Ceiling = d.now, ""
		return old
	}
	d.next++
	c.ID = d.next
	d.emails[c.ID], d.made[c.ID] = c.Email, c
	return c
}

// edit draws new values for one or two fields.
func (d draw) edit(c call) call {
	c.Actor, c.ID = d.actor(), d.invitation()
	d.mu.Lock()
	email, known := d.emails[c.ID]
	d.mu.Unlock()
	fields := editable
	if email == "" && known {
		fields = append([]string{"max_uses", "max_uses", "allowed_domains"}, fields...)
	}
	if d.focus > 0 && !d.one(4) {
		c.Fields = append(c.Fields, "expires_at")
	}
	for range 1 + d.IntN(2) {
		if field := pick(d, fields...); !slices.Contains(c.Fields, field) {
			c.Fields = append(c.Fields, field)
		}
	}
	for _, field := range c.Fields {
		switch field {
		case "role":
			c.Role = pick(d, roles...)
		case "message":
			c.Message = pick(d, "", "hello", "welcome")
		case "expires_at":
			if c.Lifetime = pick(d, lifetimes...); d.focus > 0 {
				c.Lifetime = pick(d, lifetimes[:2]...) // the chain lasts minutes
			}
		case "max_uses":
			c.MaxUses = pick(d, 0, 1, 2, 3)
		case "allowed_domains":
			c.Domains = pick(d, perhapsNone...)
		case "quota":
			c.Quota = pick(d, quotas...)
		case "metadata":
			c.Metadata = pick(d, "", "x", "y")
		}
	}
	return c
}

// weights are how often the operations are drawn.
var weights = map[string]int{
	"CreateOrganization": 1, "SetLimits": 3, "Invite": 26, "CreateLink": 10, "InviteAll": 4, "Resend": 12, "Revoke": 6, "Edit": 12,
	"Accept": 34, "AcceptReceived": 8, "Decline": 4, "DeclineReceived": 3, "AddMember": 12, "ChangeRole": 9, "RemoveMember": 7, "Leave": 5,
	"TransferOwnership": 3, "SetMetadata": 3, "SetQuota": 6, "Consume": 14, "Refund": 5, "Sweep": 4, "Purge": 3, "Erase": 2, "DeleteOrganization": 3,
	"Lookup": 3, "NextStep": 4, "PendingToken": 6, "Invitation": 5, "Invitations": 5, "Received": 5, "Member": 3, "Members": 5,
	"Authorize": 5, "Workspaces": 3, "Overview": 5, "Timeline": 12, "Statistics": 4, "Quota": 3, "Remaining": 3, "Usage": 4,
}

// operations are the names in weights, each as often as it weighs.
var operations = func() []string {
	var all []string
	for op, weight := range weights {
		all = append(all, slices.Repeat([]string{op}, weight)...)
	}
	slices.Sort(all)
	return all
}()

// chains are operations that a client performs one after the other on one invitation and its recipient,
// while the others do what they like. Alone, the operations come in such an order too rarely.
var chains = [][]string{
	{"AddMember", "RemoveMember", "Resend", "Accept"},
	{"AddMember", "Leave", "Resend", "AcceptReceived"},
	{"Accept", "RemoveMember", "Accept", "Resend", "Accept"},
	{"Edit", "Sweep", "Edit", "Sweep"},
	{"Edit", "Sweep", "Resend", "Sweep"},
	{"Edit", "Accept", "Member"},
	{"Revoke", "Accept", "NextStep"},
}

// anySettings draws a configuration.
func anySettings(r *rand.Rand) settings {
	d := draw{Rand: r}
	s := settings{
		MemberLimit: pick(d, 0, 4, 5), ReserveSeats: !d.one(3), PendingLimit: pick(d, 3, 5, 8), ResendCooldown: pick(d, -1, time.Minute),
		SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1, RemindBefore: pick(d, 0, 5*time.Minute),
	}
	if d.one(3) {
		s.SendsPerRecipient, s.SendsPerSender, s.SendsPerOrganization = 3, 6, 20
	}
	return s
}
