// Package twiliosim is one Twilio account on a simulated telephone network, on a local address. Dutyline runs against it unchanged, with the
// vendor's own client and its own signed webhooks, where there is no account to pay for and nobody to wake. The phones, their page and the
// doors to them are those of package phonesim; other operators can reach the same phones.
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
// its sender's lane is free, and ends delivered, undelivered (30003, where the phone is Unreachable), failed (21610, where it opted out; 30036,
// where its validity was over) or canceled. Every status after the first is posted to its StatusCallback. What the phone of the recipient does
// is its [Behaviour]; what the API does is its [Fault]. Both can be changed at any time, by methods, by the doors and on the page of phones.
//
// # The way of a call
//
//	client ── POST Calls.json ──▶ REST API ──▶ queue ────▶ network ────▶ phone: busy, failed, or it
//	                                201      (a lane a    initiated      │
//	                                queued     sender)                   ▼
//	                                                                  ringing ──▶ busy (declined), no-answer, canceled
//	                                                                     │ somebody picks up
//	          Url, or the parameter Twiml ◀── document? ──────────── in-progress ──▶ completed
//	          (fails: FallbackUrl, or an apology)  ▲                     │
//	                                               └── action, Redirect ─┘ Say, Gather, Pause, Hangup
//
// A call is accepted as queued, is dialled when its sender's lane is free (a callback says initiated, the REST API still queued), and rings
// for its Timeout. A person picks it up by [Simulator.Answer], on the page or through the doors; then the document is asked for and followed
// to its end. The events that a StatusCallback asked for are posted to it, each numbered: SequenceNumber counts also those that it did not
// ask for.
//
//   - Say: speaks at Options.SpeechRate. Language and voice have to fit; of voices the simulator knows Polly.Amy (en-GB),
//     Polly.Lea-Neural (fr-FR), Polly.Lucia-Neural (es-ES), Polly.Tatyana (ru-RU), Polly.Zeina (arb) and Polly.Zhiyu-Neural (cmn-CN).
//     Either can be left out; both, and it is en-US. A Say that cannot be said is left out with a warning, 13520.
//   - Gather: keys alone. Those pressed while a Say or Pause within it goes on count, and the first ends that prompt; those pressed where no
//     Gather listens are lost. finishOnKey ends what was begun. Without keys the next verb follows, or the action with actionOnEmptyResult.
//   - Pause, Hangup, Redirect; Reject hangs up with a warning, because it is for calls that come in.
//   - What is not understood (a verb, an attribute, a value) is left out with a warning in [Simulator.Alerts], as the vendor does.
//   - What cannot be fetched or is no document is an error: the FallbackUrl is asked once, with ErrorCode and ErrorUrl, and where there is
//     none, or it fails too, the call says an apology and ends.
//   - After twenty documents in a row without a key pressed the call ends with an error, 11215. The limit is the simulator's own.
//
// MachineDetection guesses human after 2 s, machine_start after 4 s and machine_end_beep after 12 s, or unknown where its time is up
// before; the document waits for that, unless AsyncAmd is true.
//
// Everything that happens later hangs on one timer under one lock; only webhooks have goroutines, as many as are under way and
// at most 256. All of it reads package time, so a test runs a night in a synctest bubble.
//
// # What is as it is there
//
//   - Requests and answers of Messages (create, fetch, list with paging, cancel, redact, delete), Calls (create, fetch, list with paging,
//     update, delete) and IncomingPhoneNumbers, held to the vendor's OpenAPI description by a test; errors in the vendor's shape with its
//     codes; credentials.
//   - Creating is not idempotent, and an answer can get lost after the text or call was accepted ([FaultLostAnswer]).
//   - Webhooks: X-Twilio-Signature, I-Twilio-Idempotency-Token (one for all repetitions), 5 s to connect, 15 s in all, connection overrides
//     in the fragment (rc, rp, ct, rt, tt) with the vendor's defaults: one repetition, and only where no connection was made.
//     Callbacks can overtake each other, being carried at the same time.
//   - Opt-out words are handled by the network and handed on; texts to a phone that opted out are refused with 21610, calls are not.
//   - The numbers +15005550001 to 4 are refused when called, as with test credentials: 21217, 21214, 21215, 21216.
//   - Segments, the validity period, the queue of a number that may send so many texts or make so many calls a second.
//   - An empty 200 to an inbound text is an error in the debugger ([Simulator.Alerts]); 204 and an empty Response are fine.
//
// # What is not
//
// There are no calls that come in, no MMS content, no channels but SMS and voice, no subaccounts, no API keys, no applications, no XML
// representations, no fallback URLs of texts, no recordings, no sound, no speech recognition and no TwiML but the verbs above and Message;
// SendDigits is ignored, redirects by HTTP are not followed. Numbers are checked for their form and, but for those four, not for existing; an
// opt-out concerns all of the account's numbers; the status sending is never seen; a lane counts texts and not segments; every carrier gives
// receipts. The waits between repetitions of a webhook are made up.
//
// # Doors
//
// [Simulator.Handler] serves the whole network: the vendor's API under /2010-04-01, the page and the doors of package phonesim, and
//
//	GET    /sim/webhooks                {"sms_url"}; PUT likewise
//	GET    /sim/messages, /sim/calls    everything of the account, ?to=NUMBER
//	GET    /sim/stats, /sim/alerts
//
// The doors ask for no credentials: listen on loopback.
package twiliosim
