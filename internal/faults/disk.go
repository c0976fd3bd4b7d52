package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// A disk is a small file system in memory that can be filled.
type disk struct{ folder string }

// newDisk mounts a disk, or returns a [skip] if this process may not.
func newDisk(ctx context.Context, megabytes int) (*disk, error) {
	if os.Geteuid() != 0 {
		return nil, skip{errors.New("only root can mount the small disk that this fills")}
	}
	folder, err := os.MkdirTemp("", "invitations-disk-")
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=755", megabytes), "tmpfs", folder).CombinedOutput()
	if err != nil {
		_ = os.Remove(folder)
		return nil, skip{fmt.Errorf("mounting the small disk that this fills: %w: %s", err, out)}
	}
	return &disk{folder}, nil
}

func (d *disk) remove() {
	if err := exec.Command("umount", d.folder).Run(); err == nil {
		_ = os.Remove(d.folder)
	}
}

func (d *disk) ballast() string { return filepath.Join(d.folder, "ballast") }

// fill takes all the space that is left.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for size := 1 << 20; size >= 512; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if closed := f.Close(); closed != nil {
		return closed
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("filling the disk: %w", err)
	}
	return nil
}

// empty gives the space back.
func (d *disk) empty() error { return os.Remove(d.ballast()) }

// fullDiskKind fills the disk of a server with its data and its log.
func fullDiskKind() kind {
	return kind{
		name: "full disk", variants: 2, controls: []string{failureAsDone},
		open: func(ctx context.Context, _ *machine) (stage, error) {
			d, err := newDisk(ctx, 96)
			if err != nil {
				return nil, err
			}
			c, err := newCluster(ctx, d.folder, "--wal-segsize=1")
			if err != nil {
				d.remove()
				return nil, err
			}
			c.Settings = []string{"shared_buffers=16MB", "min_wal_size=2MB", "max_wal_size=8MB", "wal_recycle=off", "fsync=off"}
			s, err := newServer(ctx, c)
			if err != nil {
				d.remove()
				return nil, err
			}
			return &fullDiskStage{s, d}, nil
		},
	}
}

type fullDiskStage struct {
	*server
	disk *disk
}

func (s *fullDiskStage) close() {
	s.server.remove()
	s.disk.remove()
}

func (s *fullDiskStage) run(ctx context.Context, r *round) (int, error) {
	pool, store, err := connect(ctx, s.URL(), clientsName, modes[r.n%len(modes)])
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	return r.clients(ctx, store, func(ctx context.Context) (int, error) {
		full := func() error { return nil }
		if r.n%2 == 1 && r.control == "" {
			full = func() error { return s.fillLog(ctx) }
		}
		return fillTwice(ctx, r, s.disk, full, func() error { return s.heal(ctx) })
	})
}

// heal waits for a server that writes again, and starts it if it has ended, which it does if it cannot
// write its log. That can be after the last answer of a client. So a server that takes connections
// proves nothing yet; one that has written a checkpoint will not end.
func (s *fullDiskStage) heal(ctx context.Context) error {
	for {
		var err error
		select {
		case <-s.Exited():
			err = s.Start(ctx)
		default:
		}
		if err == nil {
			err = s.exec(ctx, "checkpoint")
		}
		if err == nil {
			s.pool.Reset() // its connections may be to the server before
			return nil
		}
		if pause(ctx) != nil {
			return err
		}
	}
}

func (s *fullDiskStage) calm(ctx context.Context) (invitations.Store, error) {
	if err := s.heal(ctx); err != nil {
		return nil, err
	}
	return s.server.calm(ctx)
}

// fillLog lets the server begin new files of its log, until it ends all sessions because it cannot.
func (s *fullDiskStage) fillLog(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return ctx.Err() // the clients' changes have filled it before
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for {
		if _, err := conn.Exec(ctx, "select pg_switch_wal()"); err != nil && conn.IsClosed() {
			return ctx.Err()
		}
		if err := errors.Join(s.disk.fill(), pause(ctx)); err != nil {
			return err
		}
	}
}

// fillTwice fills the disk while clients work, and calls full. When calls have failed, there is space
// again, it calls heal, and the clients work on.
func fillTwice(ctx context.Context, r *round, d *disk, full, heal func() error) (faults int, err error) {
	failures, enough := []answer{failed, unknown}, 5
	if r.control != "" { // it tells none
		failures, enough = []answer{done}, 20
	}
	for range 2 {
		if err := r.journal.more(ctx, 5, done); err != nil {
			return faults, err
		}
		err := d.fill()
		if err == nil {
			err = full()
		}
		if err == nil {
			err = r.journal.more(ctx, enough, failures...)
		}
		if err := errors.Join(err, d.empty()); err != nil {
			return faults, err
		}
		faults++
		if err := heal(); err != nil {
			return faults, err
		}
		if err := r.journal.more(ctx, 5, done); err != nil {
			return faults, err
		}
	}
	return faults, nil
}

// fullFileKind fills the disk of a SQLite file.
func fullFileKind() kind {
	return kind{
		// SQLite notices the full disk at the commit, so the outcome of the call is unknown.
		name: "SQLite: full disk", controls: []string{unknownAsDone},
		open: func(ctx context.Context, _ *machine) (stage, error) {
			d, err := newDisk(ctx, 8)
			if err != nil {
				return nil, err
			}
			f, err := newFile(ctx, d.folder, d.remove)
			return &fullFileStage{f, d}, err
		},
	}
}

type fullFileStage struct {
	*file
	disk *disk
}

func (s *fullFileStage) run(ctx context.Context, r *round) (int, error) {
	return r.clients(ctx, s.store(), func(ctx context.Context) (int, error) {
		return fillTwice(ctx, r, s.disk, func() error { return nil }, func() error { return nil })
	})
}
