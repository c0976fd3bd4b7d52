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

// workerVariable makes the test binary a worker process, if it is not empty. Its value says where
// the worker stops.
const workerVariable = "INVITATIONS_EXAMPLE_WORKER"

// A process is a worker in another process, which can be killed.
type process struct {
	cmd *exec.Cmd
	out io.Reader // its standard output
}

// spawn starts the test binary again as a worker that stops at point. It sends the settings
// through a pipe, because other users can see arguments and environments. The worker ends with
// the pipe.
func spawn(ctx context.Context, s settings, point string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), workerVariable+"="+point)
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

// kill kills the process, which cannot clean up.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// work is the main function of a spawned process. It sends mails until in ends.
func work(ctx context.Context, in io.Reader, adjust ...func(*river.Config)) int {
	var s settings
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
	_ = input.Decode(&struct{}{}) // returns when the pipe ends
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "river:", err)
	return 1
}
