package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/riverqueue/river"
)

// workerVariable, if not empty, makes this program a worker and no more.
const workerVariable = "INVITATIONS_EXAMPLE_WORKER"

// A process is a worker in a process of its own, so that it can be killed.
type process struct {
	cmd *exec.Cmd
	out io.Reader // what it prints
}

// spawn starts this program again as a worker. The setting goes through a pipe, for it holds
// secrets: what is in arguments and the environment, others can see. When the pipe ends,
// because this process does, so does the worker.
func spawn(ctx context.Context, s setting, kind string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), workerVariable+"="+kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd, out}
	if err := json.NewEncoder(in).Encode(s); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// kill ends the process as a power failure would: it gets to do nothing any more.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// work is what a spawned process does: it sends mails until in ends. It returns the exit status.
func work(ctx context.Context, in io.Reader, adjust ...func(*river.Config)) int {
	var s setting
	input := json.NewDecoder(in)
	if err := input.Decode(&s); err != nil {
		return fail(err)
	}
	d, err := open(ctx, s, adjust...)
	if err != nil {
		return fail(err)
	}
	defer d.close()
	if err := d.jobs.Start(ctx); err != nil {
		return fail(err)
	}
	_ = input.Decode(&struct{}{}) // until the pipe ends
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "river:", err)
	return 1
}
