// Package jobs takes submissions and answers questions about jobs. Postgres is
// the truth about them; the stream only says that there is something to do.
//
//	             ┌──────── failed, tried again ────────┐
//	             ▼                                     │
//	submit ─▶ queued ──acquired, token rotated──▶ running ──by token──▶ done
//	             ▲                                 │   └──by token──▶ dead
//	             └── released by a stopping owner ─┘
//
// Invariants:
//
//   - A job's row and its outbox row are written by one statement: no job that
//     nobody will ever be told of, no message without a job.
//   - The key is the identity of a submission: the same key again is the same
//     job, whatever became of the first answer. The same key with other
//     contents is a conflict.
//   - A submission is acknowledged only after its commit. An error other than
//     those below leaves open whether it was committed.
//
// Failure cases: the client hangs up (the statement runs on under its own
// limit: what is begun is finished); Postgres is away before the statement was
// sent (ErrNotWritten: certainly nothing happened) or afterwards (unknown,
// and the same key settles it).
package jobs
