// Package node is the thin loop around the dispatcher's [dispatcher.Machine]: it follows the log, carries out what the machine commands,
// and is the door through which officers, providers and readers reach it. It decides nothing that package dispatcher could decide.
//
//	            ┌────────── follow ──────────┐
//	log ────────┤                            ▼
//	   ▲        └─ acknowledged append ─▶ Machine.Step(now, input) ─▶ Append ─▶ fair queue ─▶ log
//	   │                                     ▲                     └▶ Call ───▶ channel ──▶ provider
//	   │                                     │                                     │
//	   └──────── fact: attempt_sent … ◀──────┼─────────────────────────────────────┘
//	webhooks, replies, pages ────────────────┘  (Report, Reply, Acknowledge, Pass, Opened)
//
// # Order
//
// The machine sees the commits of a request in the order of the log. A decision of this node is handed to it as soon as it is acknowledged
// and once more by following, where it is passed over; a fact is handed to it by following alone, because nothing says what lies between it
// and the head. A call counts as returned when its outcome was folded. Of one request and one provider, one commit of facts is on its way at a time.
//
// # What a crash does
//
// Before Append is acknowledged: nothing was decided. Between attempt_started and its outcome: the next life of the node, or another node after the
// deadline and five seconds, looks the attempt up at the provider and sends when it is not there. A shutdown waits for the calls that are
// under way, and no longer than a second after their deadline; it starts none, and decides nothing that still waits in the queue.
//
// # Several nodes
//
// Every node follows the same log and runs the same machine. [Presence] says which of them serve; the machine ranks them for each request and
// each lane, and lets the first act at once and the others only when it does not (package dispatcher). A node takes part once it has read the
// log and has a roster, and takes leave when it stops. One that hears nobody is alone and acts at once: two that do so race for the head of a
// log, and one of them loses.
//
//	                     received      +150 ms    +300 ms         +3 s
//	rank 0 ── alive ──────── ▶ append
//	rank 1 ── rank 0 dead ───────────── ▶ append
//	rank 2 ── both dead ─────────────────────────── ▶ append
//	next of the lane ── first of the lane dead ───────────────────── ▶ attempt_started
//
// # Time
//
// [Clock] is set by the log's server before anything is decided, and goes by elapsed time. Every ten seconds the offset of this machine's time is
// measured ([Clock.Offset]): above two seconds it is logged once, above thirty this node tells the others to rank it last.
//
// # Fairness
//
// Appends wait in a queue by urgency, and within an urgency people take turns: a storm for one officer does not hold up the first step for
// another. One append a person, an urgency and a kind (a step, an attempt) is with the log at a time, and while others wait it is followed
// by a rest: a storm takes a part of the log's time, not all of it. What people do at the doors does not wait in the queue.
package node
