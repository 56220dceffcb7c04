// Package twiliosim is a telephone network in a box: one Twilio account and the phones around it, on a local address. Dutyline runs
// against it unchanged, with the vendor's own client and its own signed webhooks, where there is no account to pay for and nobody to wake.
//
// # The way of a text
//
//	client ── POST Messages.json ──▶ REST API ──▶ queue ──────▶ carrier ──▶ phone
//	           (basic auth, faults)    │  201       (a lane a      │          (behaviour: shows it,
//	                                   │  queued     sender,       │           loses it, is away)
//	                                   ▼             validity)     ▼             │
//	                                record ◀── failed, canceled   sent           ├─▶ delivered │ undelivered
//	                                   │                           │             │
//	                                   └──────── StatusCallback ◀──┴─────────────┘
//	                                             (signed, repeated as its fragment says)
//
//	phone ── text ──▶ network (STOP, START, HELP) ──▶ webhook of the number ──▶ <Response><Message> … back to the phone
//
// A text is accepted as queued (accepted, where a messaging service chooses the sender; scheduled, where it asks for a time), is sent when
// its sender's lane is free, and ends delivered, undelivered, failed or canceled. Every status after the first is posted to its
// StatusCallback. What the phone of the recipient does is its [Behaviour]; what the API does is its [Fault]. Both can be changed at any
// time, by methods, by the control API and on the page of phones.
//
// Everything that happens later hangs on one timer under one lock; only webhooks have goroutines, as many as are under way and
// at most 256. All of it reads package time, so a test runs a night in a synctest bubble.
//
// # What is as it is there
//
//   - Requests and answers of Messages (create, fetch, list with paging, cancel, redact, delete) and IncomingPhoneNumbers, held to the
//     vendor's OpenAPI description by a test; errors in the vendor's shape with its codes; credentials.
//   - Creating is not idempotent, and an answer can get lost after the text was accepted ([FaultLostAnswer]).
//   - Webhooks: X-Twilio-Signature, I-Twilio-Idempotency-Token (one for all repetitions), 5 s to connect, 15 s in all, connection overrides
//     in the fragment (rc, rp, ct, rt, tt) with the vendor's defaults: one repetition, and only where no connection was made.
//     Callbacks can overtake each other, being carried at the same time.
//   - Opt-out words are handled by the network and handed on; a phone that opted out is refused with 21610.
//   - Segments, the validity period, the queue of a number that may send so many texts a second.
//   - An empty 200 to an inbound text is an error in the debugger ([Simulator.Alerts]); 204 and an empty Response are fine.
//
// # What is not
//
// There are no calls yet, no MMS content, no channels but SMS, no subaccounts, no API keys, no XML representations, no fallback URLs and no
// TwiML but Message. Numbers are checked for their form and not for existing; an opt-out concerns all of the account's numbers; the
// status sending is never seen; a lane counts texts and not segments; every carrier gives receipts. The waits between repetitions of a webhook are made up.
//
// # Doors
//
// [Simulator.Handler] serves the vendor's API under /2010-04-01, the page of phones under /phones and the control API under /sim:
//
//	GET    /sim/phones                  [{"number","behaviour","texts":[{"sid","direction","body","status","at"}],"call":null,"total","lost"}]
//	                                    ?texts=N &limit=N &contains=DIGITS; header X-Total-Count
//	GET    /sim/phones/{number}         one of them with all its texts
//	PUT    /sim/phones/{number}         {"behaviour"}
//	POST   /sim/phones/{number}/texts   {"body"} and, where it is not to go to the number that wrote last, "to"
//	POST   /sim/phones/{number}/call    409: there are no calls yet
//	GET    /sim/faults                  {"mode","until"}
//	PUT    /sim/faults                  {"mode","for"}
//	GET    /sim/webhooks                {"sms_url"}; PUT likewise
//	GET    /sim/messages, /sim/stats, /sim/alerts
//	GET    /sim/events                  server-sent events: "changed" when something did
//	DELETE /sim/state                   forget everything but the account
//
// The last two doors ask for no credentials: listen on loopback.
package twiliosim
