// Package notifiertest is the conformance suite of channels: [Exercise] holds a [notifier.Channel] to what the dispatcher relies on, against
// a provider that behaves well, badly or not at all. A new channel brings a fake of its provider at the level of its protocol, as a
// [Provider], and passes. Of a channel of calls or of e-mails the suite wants the same, but for the code, which nobody says aloud or leaves in a
// mailbox; how a call goes on after its question is for the provider's own package to test.
package notifiertest
