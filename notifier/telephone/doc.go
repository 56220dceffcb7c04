// Package telephone is what a provider of texts and calls needs and does not decide: the words, the conversation of a call, which of our
// numbers serves whom, whose call is whose, and what an exchange with a provider's interface came to. A provider's own package adds its
// protocol: how a text is handed over, how a call is told what to say, how a webhook is signed.
//
// A call is a conversation that no node remembers: what it asks is a [Question], all of which stands in the addresses that the provider
// calls, and nothing in it is content.
//
//	picked up  → [Question.Ask]    the question
//	  1, 2     → [Question.Heard]  [notifier.Sink.Key] stores the decision; then it is confirmed, and the call ends
//	  9        → [Question.Heard]  the question again
//	  silence  → [Question.Heard]  the question again, three times; then goodbye
//	  other    → [Question.Heard]  a hint and the question
//	a PIN is wanted → it is asked for, three times at most; the keys go to [notifier.Sink.Key] with the 1
//	not stored → said so, and the question again, as after silence
//
// What came of an exchange is decided from what was seen of it first, and from the provider's error code second ([Exchange.Failure]):
//
//	no connection was had                  → temporary      (it cannot have been processed)
//	a connection, no whole answer          → ambiguous      (look it up, then send again)
//	HTTP 408, 5xx; 2xx that cannot be read → ambiguous
//	HTTP 429                               → temporary, after Retry-After
//	HTTP 4xx                               → as the provider's table says of its code, else configuration
//	HTTP 3xx                               → the same
package telephone
