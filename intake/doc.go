// Package intake is the one function behind every door through which senders speak: raise, amend, show, withdraw.
//
//	body ─▶ request.ParseContent ─▶ vault.Seal ─▶ Append(received, expecting 0) ─▶ fold ─▶ receipt
//
// A reference is derived from the sender and the idempotency key. Whoever repeats a key therefore meets their own first request, on any node, for
// ever, and no table has to remember it.
package intake
