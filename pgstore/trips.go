package pgstore

import "github.com/jackc/pgx/v5"

// A batch of statements is one round trip if a [carrier] of pgx takes it to the server.
//
// A change is two batches in a transaction of isolation level read committed: one that locks
// and reads, and one that writes and commits. It is atomic because
//
//  1. The first batch locks the organization's row before it reads the facts. Every other change
//     of the organization waits for this lock until the transaction ends. A sweep or a purge
//     skips the organizations that others have locked. So a sweep can lock several, one after the
//     other, without a deadlock. Only consumptions do not need this lock: see [Store.Consume].
//  2. At read committed, a statement sees all that was committed before the statement began, not
//     before the transaction began. The statements after the lock begin when the lock is held.
//     So they see the facts that all earlier changes left, and no later change can alter these
//     facts before the transaction ends. At a higher level they would see the facts of the time
//     before the wait for the lock.
//  3. All writes and the commit are in the second batch. If a write fails, nothing is committed:
//     of a batch of pgx the server skips the rest, including the commit, and through database/sql
//     the store rolls back.
//
// In a transaction of the host, which may have any level, the first two hold at read committed.
// At a higher level the server refuses the lock if the row has changed since the transaction's
// first statement.

// A queueRead queues the statements that load the facts of a change.
type queueRead func(b *pgx.Batch, to purpose)

// A queueWrite decides and queues the writes of a change. If it queues none, nothing changes.
type queueWrite func(b *pgx.Batch, to purpose) error
