package sqldrivers

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
)

// A wire watches the network connections of a database.
type wire struct {
	trips atomic.Int64
	// loseAnswer closes a connection instead of delivering the answer to a commit, once.
	loseAnswer atomic.Bool
	// cutIn closes a connection instead of writing to it, once: 1 means at the next write.
	cutIn atomic.Int64
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return &watchedConn{Conn: conn, wire: w}, err
}

// count returns how many round trips f makes. A round trip is a write after a read, so the first
// write on a connection does not count.
func (w *wire) count(f func()) int64 {
	before := w.trips.Load()
	f()
	return w.trips.Load() - before
}

type watchedConn struct {
	net.Conn
	wire  *wire
	heard atomic.Bool // something was read since the last write
}

func (c *watchedConn) Write(b []byte) (int, error) {
	if c.wire.cutIn.Add(-1) == 0 {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	if c.heard.Swap(false) {
		c.wire.trips.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b) // the driver may call it before a slow write, so only the return counts
	if n > 0 {
		c.heard.Store(true)
	}
	if bytes.Contains(b[:n], []byte("COMMIT\x00")) && c.wire.loseAnswer.CompareAndSwap(true, false) {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}
