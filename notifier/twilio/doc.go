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
package twilio
