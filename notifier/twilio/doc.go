// Package twilio hands pages to Twilio by its own client library, and takes its webhooks.
//
// The library knows neither contexts nor retries, keeps the headers of errors to itself and leaves their bodies open; the round tripper of
// this package gives every call its context, buffers and closes every body, and notes what was seen of the call. What came of a call is
// decided from that note first and from the error code second:
//
//	no connection was had                  → temporary      (it cannot have been processed)
//	a connection, no whole answer          → ambiguous      (look it up, then send again)
//	HTTP 408, 5xx; 2xx that cannot be read → ambiguous
//	HTTP 429                               → temporary, after Retry-After
//	HTTP 4xx with a code of codes.go       → as the table says
//	HTTP 3xx, other 4xx                    → configuration
//
// A webhook is believed when its signature over the public address is right; it carries the reference and the attempt in its path.
//
// A call is a conversation that no node remembers: what it asks stands in the signed query of each address, and nothing there is content.
//
//	picked up  → voice   the question, within a Gather
//	  1, 2     → gather  [notifier.Sink.Key] stores the decision; then it is confirmed, and the call ends
//	  9        → gather  the question again
//	  silence  → gather  the question again, three times; then goodbye
//	  other    → gather  a hint and the question
//	not stored → gather  said so, and the question again, as after silence
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
