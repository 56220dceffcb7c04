// Package natsdoor is the door of senders on NATS: a micro service named dutyline, and a message at every change of a status.
//
//	dutyline.v1.<sender>.raise      body: the request; header Idempotency-Key    ─▶ the receipt, when it is on disk
//	dutyline.v1.<sender>.amend      body: a merge patch; headers Dutyline-Reference, If-Match
//	dutyline.v1.<sender>.show       header Dutyline-Reference
//	dutyline.v1.<sender>.withdraw   body: {"reason"}; header Dutyline-Reference
//	dutyline.v1.<sender>.status.<reference>   ◀─ the status, whenever it changed
//
// Bodies, headers, codes and bounds are those of HTTP (package door); an error is a micro error whose code is HTTP's status and whose body is
// the problem document. All nodes serve the subjects as one queue group.
//
// # Who speaks
//
// The sender is a token of the subject, and of nothing else. That nobody speaks in another's name is a matter of permissions of NATS, and the
// door gives them out itself: NATS asks it about everyone who connects (auth callout), and whoever presents a sender's token may publish to the
// four subjects of that sender and subscribe to its status and to the inbox _INBOX.<sender>, until the permission lapses. A token that
// is revoked is sought among the connections that this node let in, and those are ended.
//
//	client ──token──▶ NATS ──$SYS.REQ.USER.AUTH──▶ door ──▶ directory
//	                       ◀──signed permissions───
//
// An answer goes only to the inbox of its sender: the door's own rights are wider than the sender's, and a reply subject is the sender's
// choice. What names another reply subject, or none, is served and not answered.
//
// # Status
//
// A node tells what it wrote itself (see dispatcher/node, Options.StatusChanged), over core NATS: at most once, and rarely twice. A subscriber
// that was away asks by show, and drops what is not newer than what it has.
package natsdoor
