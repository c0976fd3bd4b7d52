package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
)

// Clients that are killed are processes of this program. A process writes a line before and after each
// call, which outlives it.

// childVariable is the environment variable that makes the program one of these processes.
const childVariable = "INVITATIONS_FAULTS_CHILD"

// A job is the work of a process.
type job struct {
	Database string // a URL, or the path of a file
	Scene    scene
	Control  string
	Life     string // a name that no other process has
	First    int    // the first of its clients
	Clients  int    // how many it has
}

// A row is one line of a process.
type row struct {
	Begin  *effect     `json:",omitempty"`
	Call   int         // the number of the call that begins or ends
	Answer answer      `json:",omitempty"`
	Error  string      `json:",omitempty"`
	Saw    []seenEvent `json:",omitempty"`
}

// child is the whole life of a process. It ends by being killed.
func child(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	ctx := context.Background()
	store, err := openStore(ctx, j.Database)
	if err != nil {
		return err
	}
	svc := newService(broken(store, j.Control))
	p := &pipe{out: json.NewEncoder(os.Stdout)}
	var working sync.WaitGroup
	for n := range j.Clients {
		w := &worker{svc: svc, record: p, scene: &j.Scene, name: clientName(j.First + n), life: j.Life, early: j.Control == earlyAnswer}
		working.Go(func() { w.work(ctx, nil) })
	}
	working.Wait()
	return nil
}

// A pipe is the recorder of a process.
type pipe struct {
	mu   sync.Mutex
	out  *json.Encoder // writes each line at once
	last int
}

func (p *pipe) write(r row) {
	if err := p.out.Encode(r); err != nil {
		panic(err) // nobody reads any more
	}
}

func (p *pipe) begin(f effect) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.write(row{Begin: &f, Call: p.last})
	return p.last
}

func (p *pipe) end(n int, a answer, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(row{Call: n, Answer: a, Error: text})
}

func (p *pipe) saw(events []seenEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(row{Saw: events})
}

// processes lets clients work in processes that are killed at random instants, each followed by another
// one. It returns how many were killed.
func (r *round) processes(ctx context.Context, database string) (killed int, err error) {
	const atOnce, kills = 2, 4
	errs := make([]error, atOnce)
	var running sync.WaitGroup
	for n := range atOnce {
		running.Go(func() {
			for k := range kills {
				j := job{
					Database: database, Scene: r.scene, Control: r.control, Life: fmt.Sprintf("x%d-%d-", n, k),
					First: n * clients / atOnce, Clients: clients / atOnce,
				}
				if errs[n] = r.process(ctx, j, 8+rand.IntN(60)); errs[n] != nil {
					return
				}
			}
		})
	}
	running.Wait()
	for _, e := range errs {
		if e != nil {
			return 0, e
		}
	}
	return atOnce * kills, nil
}

// process runs a process, and kills it after a number of lines.
func (r *round) process(ctx context.Context, j job, lines int) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	calls := map[int]int{}
	in := bufio.NewScanner(out)
	in.Buffer(nil, 1<<20)
	n := 0
	for ; in.Scan(); n++ {
		if n == lines {
			if err := cmd.Process.Kill(); err != nil {
				return err
			}
		}
		var l row
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			if n > lines {
				break // the kill cut the line
			}
			return fmt.Errorf("a process says: %s", in.Text())
		}
		switch {
		case l.Begin != nil:
			calls[l.Call] = r.journal.begin(*l.Begin)
		case l.Answer != "":
			r.journal.end(calls[l.Call], l.Answer, l.Error)
		default:
			r.journal.saw(l.Saw)
		}
	}
	_ = cmd.Wait() // it was killed
	if n <= lines {
		return fmt.Errorf("a process ended by itself after %d lines", n)
	}
	return ctx.Err()
}

// killedClientsKind kills processes of clients of PostgreSQL.
func killedClientsKind() kind {
	return kind{
		name: "kill -9 of clients", controls: []string{earlyAnswer},
		open: func(ctx context.Context, m *machine) (stage, error) {
			s, err := m.server(ctx)
			return &killedClientsStage{s}, err
		},
	}
}

type killedClientsStage struct{ *server }

func (s *killedClientsStage) close() {}

func (s *killedClientsStage) run(ctx context.Context, r *round) (int, error) {
	return r.processes(ctx, s.URL())
}
