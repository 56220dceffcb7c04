// Package notifiertest is the conformance suite of channels: [Exercise] holds a [notifier.Channel] to what the dispatcher relies on, against
// a provider that behaves well, badly or not at all. A new channel brings a fake of its provider at the level of its protocol, as a
// [Provider], and passes.
package notifiertest
