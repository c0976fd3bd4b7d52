package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// A cut is what a [proxy] does to a connection at a commit.
type cut int

const (
	carry  cut = iota
	before     // the server gets what was written before the commit, and no commit
	during     // the server gets a part of the commit's messages
	after      // the server has committed, and the client does not get the answer
	hold       // like after, but the client waits for the answer until it is lost
)

// A proxy carries connections of clients to a PostgreSQL server. It understands enough of the protocol
// to find commits.
type proxy struct {
	listener net.Listener
	target   atomic.Pointer[string]
	plan     atomic.Pointer[func() cut] // is asked at each commit
	cuts     atomic.Int64
	held     chan struct{} // gets a value for each answer that is held
	lose     chan struct{} // takes a value for each that is then lost
	holding  atomic.Bool   // an answer is held, or was held
	running  sync.WaitGroup
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, held: make(chan struct{}, 1), lose: make(chan struct{}, 1)}
	p.target.Store(&target)
	p.at(func() cut { return carry })
	p.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.carry(client) })
		}
	})
	return p, nil
}

// at sets what happens at a commit.
func (p *proxy) at(plan func() cut) { p.plan.Store(&plan) }

// holdNext holds the answer to the next commit.
func (p *proxy) holdNext() {
	p.holding.Store(false)
	p.at(func() cut { return hold })
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// close waits until clients and servers have closed all connections.
func (p *proxy) close() {
	_ = p.listener.Close()
	p.running.Wait()
}

// A line is one connection through the proxy.
type line struct {
	*proxy
	client, server net.Conn
	commits        map[string]bool // names of prepared statements that commit
	loses          atomic.Int32    // the cut at the answer to the commit that is in progress
}

func (p *proxy) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", *p.target.Load())
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	l := &line{proxy: p, client: client, server: server, commits: map[string]bool{}}
	var answers sync.WaitGroup
	answers.Go(func() {
		l.answers()
		_ = client.Close()
		_ = server.Close()
	})
	l.requests()
	_ = server.Close()
	answers.Wait()
}

// A message of the protocol has a type, its length and its content.
func readMessage(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(5)
	if err != nil {
		return nil, err
	}
	m := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(r, m)
	return m, err
}

// requests carries the messages of the client.
func (l *line) requests() {
	r, w := bufio.NewReader(l.client), bufio.NewWriter(l.server)
	head, err := r.Peek(4) // the first message has no type
	if err != nil {
		return
	}
	if _, err := io.CopyN(w, r, int64(binary.BigEndian.Uint32(head))); err != nil {
		return
	}
	for {
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
		m, err := readMessage(r)
		if err != nil {
			return
		}
		if l.isCommit(m) {
			switch c := (*l.plan.Load())(); c {
			case before:
				l.cuts.Add(1)
				_ = w.Flush()
				return
			case during:
				l.cuts.Add(1)
				for last := m; last[0] != 'S' && last[0] != 'Q'; m = append(m, last...) {
					if last, err = readMessage(r); err != nil {
						return
					}
				}
				_, _ = w.Write(m[:1+rand.IntN(len(m)-1)])
				_ = w.Flush()
				return
			case after, hold:
				l.loses.Store(int32(c))
			}
		}
		if _, err := w.Write(m); err != nil {
			return
		}
	}
}

// isCommit reports whether a message lets the server commit.
func (l *line) isCommit(m []byte) bool {
	content := m[5:]
	switch m[0] {
	case 'Q':
		return strings.Contains(string(content), "commit work")
	case 'P': // a name and a statement
		name, rest, _ := bytes.Cut(content, []byte{0})
		l.commits[string(name)] = strings.HasPrefix(string(rest), "commit work")
	case 'B': // the names of a portal and of a statement
		_, rest, _ := bytes.Cut(content, []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		return l.commits[string(name)]
	}
	return false
}

// answers carries the messages of the server.
func (l *line) answers() {
	r, w := bufio.NewReader(l.server), bufio.NewWriter(l.client)
	for {
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
		m, err := readMessage(r)
		if err != nil {
			_ = w.Flush()
			return
		}
		if c := cut(l.loses.Load()); c != carry && m[0] == 'C' && string(m[5:]) == "COMMIT\x00" {
			if c == hold && l.holding.Swap(true) {
				c = carry
				l.loses.Store(int32(carry))
			}
			if c == hold {
				l.held <- struct{}{}
				<-l.lose
			}
			if c != carry {
				l.cuts.Add(1)
				return
			}
		}
		if _, err := w.Write(m); err != nil {
			return
		}
	}
}
