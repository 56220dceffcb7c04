// Package door is what the doors of the system have in common, whatever they speak: how a body, a version, a key and a position are read,
// and what an error is for whoever called. A caller who changes from one door to another finds the same codes, the same words and the
// same bounds.
//
// Every error is a [Problem] (RFC 9457) with a stable code and a way out; [ProblemOf] is the one place that translates the errors of package
// intake. A door answers with the status where its protocol has one, and with the document as the body.
package door
