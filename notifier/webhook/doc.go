// Package webhook posts signed messages: it tells senders what became of their requests ([New]), and people, beside their telephones, that they
// are being asked ([NewBeside]). Messages are signed as Standard Webhooks (https://www.standardwebhooks.com) say, with a secret that only the
// receiver and the deployment know.
//
// A message can come twice, and carries the same webhook-id each time; there is nobody to ask whether it came. It goes over https to public
// addresses alone, and to those of networks that the operator names; it follows no redirect and uses no proxy: what somebody enters as an address
// is not a way into the operator's network.
//
// The two kinds are two channels. What a sender is told is the status of their request, for three days; what a person's gateway is told is that
// somebody is asked, for half an hour, without a name, a number, a case or a code.
package webhook
