// Package mail tells officers and coordinators by e-mail, over SMTP, that they are being asked. It goes beside their telephones: it wakes
// nobody, nobody answers by it, and no page waits for it.
//
// An e-mail is plain text in the reader's language: reference, urgency, language of the request, and where to answer. It names nothing of the
// case, no code and no person, and has no link, picture or receipt in it. It says of itself that a program wrote it, so that no program
// answers.
//
// # What is known afterwards
//
// A server that took a message answers 250 after its last line, and never says again what became of it: there is nothing to look up. What ends
// between the command DATA and that answer may have arrived. It is sent again, under the same Message-ID, by which mailboxes know what comes
// twice. The id is that of the page, not of the attempt.
//
// A connection without TLS, or with a certificate that cannot be verified, carries nothing, not even the password.
package mail
