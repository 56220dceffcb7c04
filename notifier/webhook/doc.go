// Package webhook tells senders what became of their requests: it posts the status to an address that the sender gave, signed as Standard
// Webhooks (https://www.standardwebhooks.com) say, with a secret that only the sender and the deployment know.
//
// A message can come twice, and carries the same webhook-id each time; there is nobody to ask whether it came. It goes over https to public
// addresses alone, follows no redirect and uses no proxy: what a sender enters as an address is not a way into the operator's network.
package webhook
