package sqlitestore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-invitations/invitations"
)

// The tests of this file start the test binary again, as other processes on the same file.

const childVariable = "SQLITESTORE_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childVariable); job != "" {
		if err := work(job); err != nil {
			fmt.Println("error", err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A job is the work of a process. Each of its workers lets users join through a link, one after
// the other, and lets the owner consume once for each. The process writes a line for each change
// that was acknowledged: "joined worker user" or "consumed worker user".
type job struct {
	Path, Token string
	Store       string // the store of the negative controls, see broken
	Name        string // of the process, and the prefix of its users
	From        []int  // of each worker, the first user
	To          int    // of each worker, the user after the last
}

func (j job) user(worker, n int) string { return fmt.Sprintf("%s-%d-%d", j.Name, worker, n) }

const (
	acme  = "acme"
	owner = "olga"
)

func work(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	db, err := Open(j.Path)
	if err != nil {
		return err
	}
	store := broken(New(db), j.Store)
	svc, err := newService(store)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	ctx := context.Background()
	errs := make([]error, len(j.From))
	var wg sync.WaitGroup
	for worker, n := range j.From {
		wg.Go(func() {
			for ; n < j.To; n++ {
				if j.Store == "early" {
					fmt.Println("joined", worker, n)
				}
				_, err := svc.Accept(ctx, j.Token, invitations.Identity{UserID: j.user(worker, n)})
				switch {
				case err == nil:
					fmt.Println("joined", worker, n)
				case !errors.Is(err, invitations.ErrExhausted):
					errs[worker] = err
					return
				}
				_, err = svc.Consume(ctx, invitations.InOrganization(acme), owner, 1)
				switch {
				case err == nil:
					fmt.Println("consumed", worker, n)
				case !errors.Is(err, invitations.ErrQuotaExceeded):
					errs[worker] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func newService(store invitations.Store) (*invitations.Service, error) {
	keys, err := invitations.NewKeyring([]byte(strings.Repeat("k", 32)))
	if err != nil {
		return nil, err
	}
	return invitations.New(store, keys, invitations.Config{})
}

// broken returns a store with the fault of a negative control.
func broken(s *Store, fault string) invitations.Store {
	switch fault {
	case "naive":
		return naiveStore{s}
	case "torn":
		return tornStore{s}
	case "twice":
		return twiceStore{s}
	}
	return s
}

// A naiveStore reads and writes in two steps.
type naiveStore struct{ *Store }

func (s naiveStore) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	facts, err := s.View(ctx, q)
	if err != nil {
		return err
	}
	changes, err := decide(facts)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, q, func(invitations.Facts) (invitations.Changes, error) { return changes, nil })
}

// A tornStore writes a change in two steps: the events come later.
type tornStore struct{ *Store }

func (s tornStore) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	var rest invitations.Changes
	err := s.Store.Update(ctx, q, func(facts invitations.Facts) (invitations.Changes, error) {
		changes, err := decide(facts)
		rest = invitations.Changes{Events: changes.Events}
		changes.Events = nil
		return changes, err
	})
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, q, func(invitations.Facts) (invitations.Changes, error) { return rest, nil })
}

// A twiceStore writes events twice.
type twiceStore struct{ *Store }

func (s twiceStore) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return s.Store.Update(ctx, q, func(facts invitations.Facts) (invitations.Changes, error) {
		changes, err := decide(facts)
		changes.Events = slices.Concat(changes.Events, changes.Events)
		return changes, err
	})
}

// A process is a running child.
type process struct {
	cmd    *osexec.Cmd
	stdin  io.Writer
	output *bufio.Scanner
}

// start starts a process and waits until it is ready.
func start(j job) (*process, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd, stdin, bufio.NewScanner(stdout)}
	if !p.output.Scan() || p.output.Text() != "ready" {
		return nil, fmt.Errorf("the process is not ready: %q", p.output.Text())
	}
	return p, nil
}

// work lets the process begin its work.
func (p *process) work() error {
	_, err := io.WriteString(p.stdin, "go\n")
	return err
}

// wait reads the lines of a process to their end. It kills the process after a number of them, or
// never if it is negative.
func (p *process) wait(t *testing.T, killAfter int, line func(what string, worker, n int)) {
	t.Helper()
	for lines := 0; p.output.Scan(); lines++ {
		var what string
		var worker, n int
		if _, err := fmt.Sscan(p.output.Text(), &what, &worker, &n); err != nil {
			t.Errorf("the process says: %s", p.output.Text())
			continue
		}
		line(what, worker, n)
		if lines == killAfter {
			if err := p.cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	err := p.cmd.Wait()
	if killed := err != nil; killed != (killAfter >= 0) {
		t.Errorf("killed %t, and the process ended with %v", killAfter >= 0, err)
	}
}

// scene makes an organization with an owner, a link and a quota, and returns its file and the
// token of the link.
func scene(t *testing.T, maxUses int, limit int64) (svc *invitations.Service, store *Store, path, token string) {
	t.Helper()
	path = newFile(t)
	store = openStore(t, path, fast)
	svc, err := newService(store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.CreateOrganization(t.Context(), acme, owner); err != nil {
		t.Fatal(err)
	}
	err = svc.SetQuota(t.Context(), invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.InOrganization(acme),
		Quota:     invitations.Quota{Limit: limit, Period: invitations.PeriodEndless},
	})
	if err != nil {
		t.Fatal(err)
	}
	link, err := svc.CreateLink(t.Context(), invitations.User(owner), invitations.CreateLinkParams{
		Organization: acme, Role: invitations.RoleViewer, MaxUses: maxUses,
	})
	if err != nil {
		t.Fatal(err)
	}
	return svc, store, path, link.Token.Reveal()
}

// An outcome is all that the processes acknowledged.
type outcome struct {
	mu       sync.Mutex
	joined   map[string]bool
	consumed int64
}

func (o *outcome) line(j job) func(what string, worker, n int) {
	return func(what string, worker, n int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		switch what {
		case "joined":
			o.joined[j.user(worker, n)] = true
		case "consumed":
			o.consumed++
		}
	}
}

// violations compares the file with the acknowledged changes. unacknowledged is how many more
// changes of each kind may have taken effect.
func (o *outcome) violations(t *testing.T, store *Store, unacknowledged int) (found []string) {
	t.Helper()
	violation := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	events, err := store.Feed(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	joined := map[string]int{}
	var last invitations.Event
	for _, e := range events {
		if e.Type == invitations.EventMemberJoined && e.Subject != owner {
			joined[e.Subject]++
		}
		next := e.Version == last.Version && e.Index == last.Index+1 || e.Version > last.Version && e.Index == 0
		if !next || e.Position <= last.Position {
			violation("event %d %d.%d comes after %d %d.%d", e.Position, e.Version, e.Index, last.Position, last.Version, last.Index)
		}
		last = e
	}
	for user := range o.joined {
		if joined[user] == 0 {
			violation("%s joined, and is lost", user)
		}
	}
	for user, n := range joined {
		if n > 1 {
			violation("%s joined %d times", user, n)
		}
	}
	if len(joined) > len(o.joined)+unacknowledged {
		violation("%d joined, %d were acknowledged", len(joined), len(o.joined))
	}
	members, err := store.Members(t.Context(), invitations.MemberQuery{Organization: acme, Limit: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	if len(members.Items)-1 != len(joined) {
		violation("%d members, %d events", len(members.Items)-1, len(joined))
	}
	links, err := store.Invitations(t.Context(), invitations.InvitationQuery{Organization: acme, Limit: 10})
	if err != nil || len(links.Items) != 1 {
		t.Fatal("there is another number of links than 1", err)
	}
	if uses := links.Items[0].Uses; uses != len(joined) {
		violation("%d uses of the link, %d joined", uses, len(joined))
	}
	facts, err := store.View(t.Context(), invitations.Query{Organization: acme, Quotas: true})
	if err != nil {
		t.Fatal(err)
	}
	if used := facts.Quotas[""].Used; used < o.consumed || used > o.consumed+int64(unacknowledged) {
		violation("%d used, %d were acknowledged", used, o.consumed)
	}
	if facts.Version < last.Version {
		violation("version %d, and events up to %d", facts.Version, last.Version)
	}
	if n := count1(t, store.db, `select count(*) from pragma_integrity_check where integrity_check <> 'ok'`); n > 0 {
		violation("the file is damaged")
	}
	return found
}

// race lets two processes use one link and one quota at once, more often than these allow.
func race(t *testing.T, store string) []string {
	t.Helper()
	const maxUses, limit, workers, users = 20, 30, 4, 10
	_, ours, path, token := scene(t, maxUses, limit)
	o := &outcome{joined: map[string]bool{}}
	var wg sync.WaitGroup
	var processes []*process
	for _, name := range []string{"a", "b"} {
		j := job{Path: path, Token: token, Store: store, Name: name, From: make([]int, workers), To: users}
		p, err := start(j)
		if err != nil {
			t.Fatal(err)
		}
		processes = append(processes, p)
		wg.Go(func() { p.wait(t, -1, o.line(j)) })
	}
	for _, p := range processes {
		if err := p.work(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	found := o.violations(t, ours, 0)
	if len(o.joined) != maxUses {
		found = append(found, fmt.Sprintf("%d joined through a link with %d uses", len(o.joined), maxUses))
	}
	if o.consumed != limit {
		found = append(found, fmt.Sprintf("%d consumed of a quota of %d", o.consumed, limit))
	}
	return found
}

// Two processes on one file keep every rule. A store that reads and writes in two steps does not.
func TestProcesses_KeepTheRules(t *testing.T) {
	t.Parallel()
	const rounds = 10
	for range rounds {
		if found := race(t, ""); len(found) > 0 {
			t.Fatal(strings.Join(found, "\n"))
		}
	}
	for range rounds {
		if found := race(t, "naive"); len(found) > 0 {
			t.Logf("negative control: %s", found[0])
			return
		}
	}
	t.Errorf("the negative control kept the rules in %d rounds: the race shows nothing", rounds)
}
