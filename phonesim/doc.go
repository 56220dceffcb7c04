// Package phonesim is the people's end of a simulated telephone network: phones that texts arrive at and calls ring on, the page on which a
// person holds them, and the doors by which tests do. It knows no vendor. Operators carry texts and calls to it, each in a package of its
// own that speaks one vendor's protocol (twiliosim, vonagesim), and any number of them reach the same phones:
//
//	client ── REST ──▶ Operator ── Handset.Show, Line.Dial ──▶ phone ◀── page, doors, tests
//	       ◀─webhooks─          ◀─ Operator.Take, Caller ─────
//
// # One lock
//
// A [Network] has one lock, one timer and one order of events. Operators guard what they know of texts and calls with the same lock, and
// nothing that a phone does to them happens without it. Methods that say so are called with the lock held; all others take it.
//
// # The way of a call
//
//	Line.Dial ──▶ phone: busy, failed, or it
//	 initiated       │
//	                 ▼
//	              ringing ──▶ busy (declined), no-answer, canceled
//	                 │ somebody picks up
//	                 ▼
//	             in-progress ──▶ completed
//
// A person picks a call up by [Network.Answer], on the page or through the doors. Phones have no call waiting: one that rings or is spoken on
// is busy for others, whichever operator they come through. The last call stays on its phone. What is said in a call is the operator's.
//
// # Doors
//
//	GET    /sim/phones                  [{"number","behaviour","texts":[{"sid","provider","direction","body","status","at"}],"call","total","lost"}]
//	                                    ?texts=N &limit=N &contains=DIGITS; header X-Total-Count
//	                                    "call": null, or {"sid","provider","from","to","status","said":[],"pressed","picked_up_by","answered_by",times}
//	GET    /sim/phones/{number}         one of them with all its texts
//	PUT    /sim/phones/{number}         {"behaviour"}
//	POST   /sim/phones/{number}/texts   {"body"} and, where it is not to go to the number that wrote last, "to"
//	POST   /sim/phones/{number}/call    {"answer":true} or {"digits":"1"} or {"hangup":true}; 409 where the phone cannot do that now
//	GET    /sim/faults                  {"mode","until"} of the first operator, and "providers": the same of each
//	PUT    /sim/faults                  {"mode","for","provider"}; without a provider, of the first operator
//	GET    /sim/events                  server-sent events: "changed" when something did
//	DELETE /sim/state                   forget everything but the accounts
//
// and the page under /phones. They ask for no credentials: listen on loopback. Operators add doors of their own.
package phonesim
