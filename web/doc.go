// Package web is the HTTP face of Dutyline: the interface under /api/v1 that senders, the command line and coordinators use, the pages on
// which officers take requests, and the place where the providers' webhooks are mounted.
//
// # Who may what
//
// The interface knows its callers by a bearer token, the pages by a session that was opened with one. The role of the token decides: a
// sender sees its own requests and nothing else, an officer takes and passes on, a coordinator edits. A reference authorises nothing:
// one that is unknown, malformed or somebody else's answers 404 alike.
//
// # What callers can rely on
//
// A write is stored when it is answered. Its answer carries an opaque position in the header Dutyline-Position; a read that presents it,
// on any node, waits until that node has read as far. Every error is application/problem+json with a stable code and a way out; no
// answer and no log line holds what a person wrote unless the caller may read it.
package web
