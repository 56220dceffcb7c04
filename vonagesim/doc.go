// Package vonagesim simulates the part of Vonage that Dutyline uses: texts with delivery receipts and replies, calls that follow what they are
// told, reports and lists, and webhooks signed as the vendor signs them. It shares no code with notifier/vonage, and checks and makes
// signatures by the standard library alone, so that the two must agree on the vendor's protocol.
//
// # With phones and without
//
// With Options.Network an account is an operator on a network of phones (package phonesim), as twiliosim is:
//
//   - A text is buffered, accepted by the carrier, and ends delivered, expired (its ttl was over before a phone that is Late took it), failed
//     (2, the phone is Unreachable) or rejected (9, it opted out). A receipt is posted for each status but the first, for the whole text and
//     not for each segment.
//   - A text that a phone sends goes to Options.InboundURL. The vendor acts upon no word in it, neither STOP nor START.
//   - What is posted about a text is repeated each minute for a day until it is answered with 2xx.
//   - A call is started, rings for its ringing_timer (60 s) and is then answered, or ends as busy, timeout or failed. Where it is picked up, its
//     answer_url says what follows: talk, with bargeIn, and input of keys. With machine_detection an event says human after 2 s or machine
//     after 4 s. Events are posted to event_url, each once; they can overtake each other. What is no NCCO ends the call.
//   - How the interfaces fail is one of the network's faults, in the vendor's words.
//
// Without, a test is the network: a call is picked up at once and waits for [Simulator.Press], receipts are posted by [Simulator.Receipt], texts
// by [Simulator.Write], and [Simulator.SetFault] knows more failures, those of the conformance suite.
//
// # What is not
//
// Messages, RCS, WhatsApp, applications and numbers as resources, recordings, conferences, speech, streams, changes of a call under way, and
// prices that mean anything.
package vonagesim
