// Package eventlog keeps logs in JetStream: it appends, follows and reads back bytes whose meaning it does not know.
//
// One subject is one log. An [Append] either expects the subject's last sequence (a decision: whoever loses the race gets [ErrConflict]
// and reads what the winner wrote) or expects nothing (a fact). Both carry an id, and both are repeated with the same id and the same
// expectation until the outcome is known:
//
//	Append(id, Head(7)) ──▶ server ──▶ ack 8 ─────────────────────────▶ 8
//	                          │ ack lost
//	                          └──▶ again ──▶ ack 8, duplicate ─────────▶ 8            (the server remembers the id for two minutes)
//	                                    └──▶ wrong last sequence ──▶ first entry after 7 carries our id? ──▶ 8, else ErrConflict
//
// A fact repeated after the server forgot its id is stored twice; whoever folds the log ignores ids that repeat.
// [Log.Follow] delivers every entry once and in order, across reconnects and restarts of the server.
package eventlog
