// Package vonage hands pages to Vonage over its SMS and Voice interfaces, and takes its webhooks. The words, the conversation of a call and
// the care for an exchange are those of package telephone; here is what the vendor asks for:
//
//	texts     POST /sms/json, a form with the account's key and secret; an answer of 200 says in its body whether the text was taken
//	calls     POST /v1/calls, a token (RS256) of the application; what is said comes from our webhooks as an NCCO
//	look-ups  GET /v2/reports/records of texts (by the client reference that each carries), GET /v1/calls of calls
//
// Calls live in one region of the vendor's; they are placed and looked up at [Options.VoiceURL].
//
// A webhook about a call carries a token (HS256) with the hash of its body, and is believed for five minutes. The token does not cover the
// address, so each address that a call is given carries a mark of ours, without which nothing is believed. A webhook about a text is signed
// over its members, the time among them; it is believed for as long as the vendor repeats what nobody took, which is a day, and a delivery
// receipt must carry the client reference of the attempt in its address. A webhook that is repeated as it was is answered as it was, and
// reaches nobody again.
//
// What is reported follows from a status alone, so that repeated and reordered webhooks do no harm:
//
//	text  accepted, buffered            → Sent
//	      delivered                     → Delivered
//	      expired, failed, rejected     → Lost, by the error code of codes.go
//	call  started, ringing              → Sent      (so that a call whose creation was not answered is found)
//	      answered, human, machine      → Answered  (the guess at which comes later, as a hint)
//	      completed                     → Ended     (nobody has acknowledged by that)
//	      busy, timeout, unanswered     → Lost, request.FailedNoKey: call again
//	      rejected, failed, cancelled   → Lost, by the detail: see codes.go
package vonage
