// Package dispatcher decides who is paged, when and how, until somebody acknowledges. It is pure: no goroutine, no clock, no I/O.
//
// [Machine.Step] takes now and an input (a commit that was folded, a roster that changed, a call that came back, or just the time) and
// returns commands (append this commit, make this call) and when it wants to be stepped again. Package dispatcher/node carries the commands out.
//
//	commit ─▶ fold ─▶ Plan ─▶ Append(escalated, page_ordered) ─▶ … ─▶ lane ─▶ Append(attempt_started) ─▶ Call
//	                   ▲                                                                                   │
//	                   └──────────────── commit ◀─ Append(attempt_sent | attempt_failed) ◀─ node ◀─────────┘
//
// Every node runs the whole of it over the same log. A decision is appended expecting the head of the request's log, so of two nodes
// that decide the same thing one loses, folds what the other wrote, and decides anew. There is one decision in flight a request;
// pages of a request that the lanes let go in one step begin in one commit, and facts that come while the log is busy share one ([Facts]).
// So that they seldom race, [LiveChanged] tells a machine which nodes live: of a request the first in its order decides at once and each next
// one 150 ms later if nothing has happened, and of a lane the first alone starts attempts. A machine that was told of nobody waits for nobody.
//
// Where several providers serve a medium, each attempt goes through the first that is well with this page and with others (pick.go), and what one has taken
// without effect is asked once more by a page beside it, through another (paths.go). Both read the log alone, so that every node chooses alike. What
// waits in a lane for one person may go in one text (together.go): its pages keep their logs, and their intents are stored before it goes.
package dispatcher
