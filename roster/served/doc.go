// Package served is the roster as everybody reads it: from Redis, which holds the same sealed bytes as the log that is the truth.
//
// # Where a read comes from
//
//	Redis ──(empty, behind, unreadable, or no answer within 50 ms)──▶ log ──(no answer)──▶ the last revision that this node knew
//	  ▲                                                                │
//	  └───────────── repaired, if it answered at all ──────────────────┘
//
// A read never prefers a revision older than one that was seen: a Redis that was flushed, or an old copy that came back after a failover,
// is passed over for the log and repaired. Revisions are compared on each read and not on each reconnect, because a proxy or a sentinel can
// swap the server behind a connection that stays open. When nothing changed a read is one round trip of a few bytes.
//
// The patience with Redis is kept by this package, not by the client: go-redis waits for its own time-outs and retries, whatever the
// context says, unless it is told otherwise ([ClientOptions] does). While one question to Redis hangs, other reads go to the log at once.
//
// # Who is on duty now
//
// The duty table is the final roster of the next two weeks as tiles, in one key, so that [Service.WhoNow] is one command. Each tile carries the
// revision. It is believed at the revision that this node has read, if none later was seen in the log, and else passed over as above; nobody is
// paged by it. [Service.Run] compares document and table with the log every few seconds and mends them, so that an empty or old Redis is whole
// before anybody asks. docs/decisions/0022-the-duty-table-in-redis.md says why it is as it is.
//
// # Edits
//
// An edit is a whole document, appended to the log expecting the sequence of the revision that it was made from. Who loses the race gets a
// [Conflict] with the winner's book, and nothing is overwritten. An edit that changes nothing is not stored; to say that somebody was erased
// changes something, even where their key is gone already. Redis is written after the log and may fail: the next read mends it.
//
// # Personal data
//
// Names and addresses are sealed per person before anything leaves the process. A node opens a revision once and serves it from memory:
// after a person's key was erased, an edit (it raises the revision, so every node reads anew) or [Service.Rebuild] on the node makes it
// forget them. Free text (reasons, names of rosters and teams) is not sealed: it must name nobody.
package served
