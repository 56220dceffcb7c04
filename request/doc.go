// Package request is the heart of the domain and pure: what an assistance request is, which fields each type must carry, how
// urgent it is, which events can happen to it, how those events are written as commits, and how a log of commits folds into a state.
//
// # A request is a log
//
// Every request is one subject of a JetStream stream. One message of it is one [Commit]: one to many [Event] values that become true
// together. The state of a request is a fold of its commits and of nothing else ([State.Apply]): two nodes that read the same log hold
// the same state, whatever their clocks say.
//
//	received ──▶ escalated + page_ordered ──▶ attempt_started ──▶ attempt_sent ──▶ attempt_delivered
//	 (intake)       (a decision)                (a decision)        (a fact)          (a fact)
//	                                                                   └──▶ acknowledged + page_cancelled (a decision)
//
// A decision is a commit that was appended expecting the head of its log: the writer had read everything before it. It carries Prev, the
// running hash of all earlier commits ([Chain]). A fact is a report from the outside world (a provider's result, a webhook); it expects
// nothing, carries no Prev, and may arrive twice or out of order: folds ignore a repeated id and a lower rank. The next decision covers
// the facts before it, and [Verify] lists the tail that no decision covers yet.
//
// What a person wrote (the content, reasons) is sealed before it comes here ([Event].Sealed); the fold needs only the clear routing fields.
// This package imports the standard library only, starts no goroutine and reads no clock.
package request
