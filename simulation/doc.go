// Package simulation plays nights: each decided by a seed, in one goroutine and in a time of its own, over the very machine, fold, lanes, policy,
// roster, clock and monitor that page officers.
//
//	disturbances (drawn from the seed) ─▶ agenda ─▶ node ×3 ──▶ Machine.Step ─▶ Append ─▶ log in memory ─▶ auditor
//	                                                  ▲                      └▶ Call ──▶ providers ─▶ carriers ─▶ telephone ─▶ person
//	                                                  └──────── reports, replies, keys ◀──────────────────────────────────────────┘
//
// What package dispatcher/node does with goroutines and timers, [Run]'s nodes do with an agenda: appends are repeated with the same id until their outcome
// is known, a lost race is told as lost, outcomes are stored as facts, a call is over when its outcome is folded, a roster is seen before it
// is read, presence is heard or missed. The log in memory passes the suite of tests that package eventlog passes.
//
// # Chances
//
// Nothing is drawn from a shared stream. Each disturbance, each call, each reaction throws dice of its own, made of the seed and of what they are thrown
// for. So one disturbance can be left out and the others stay as they were, which is how the story of a violation is made short.
//
// # The auditor
//
// It reads every commit when it is stored and judges it with a reading of the log of its own, not with the fold that the machines share. What must
// happen is expected within a time on a clock that stands still while nobody could have done it (no node that is up, ready and reaches the
// log) and for a while after each change; that one node of three is away stops no clock. docs/simulation.md lists the invariants.
package simulation
