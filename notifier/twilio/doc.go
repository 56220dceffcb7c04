// Package twilio hands pages to Twilio by its own client library, and takes its webhooks.
//
// The library knows neither contexts nor retries, keeps the headers of errors to itself and leaves their bodies open; a
// [telephone.Exchange] carries every call of it. What came of a call is decided there, with the error codes of codes.go.
//
// A webhook is believed when its signature over the public address is right; it carries the reference and the attempt in its path.
//
// What a call says is a [telephone.Question]; it stands in the signed query of each address.
//
//	picked up    → voice
//	key, silence → gather
//	no answer of ours that the vendor can use → voice?fallback=1, from the other public address where there is one
//
// What is reported of a call follows from its status alone, so that repeated and reordered callbacks do no harm:
//
//	initiated, ringing        → Sent      (so that a call whose creation was not answered is found)
//	in-progress               → Answered  (by a human or a machine; the guess at which comes later, as a hint)
//	completed                 → Ended     (nobody has acknowledged by that)
//	busy, no-answer           → Lost, request.FailedNoKey: call again
//	failed, canceled          → Lost, by the error code of codes.go, else request.FailedCarrier
package twilio
