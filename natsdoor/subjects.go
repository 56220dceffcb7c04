package natsdoor

import (
	"strings"

	"github.com/nats-io/jwt/v2"
)

// prefix begins all subjects of the door, before the sender.
const prefix = "dutyline.v1."

// calls are the endpoints, by their last token.
var calls = []string{"raise", "amend", "show", "withdraw"}

// senderOf is the sender of a subject of the door.
func senderOf(subject string) string {
	sender, _, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
	return sender
}

func statusSubject(sender, reference string) string {
	return prefix + sender + ".status." + reference
}

// inbox begins the subjects on which a sender is answered.
func inbox(sender string) string { return "_INBOX." + sender + "." }

// permissions are what a sender may do: nothing else, since there are lists of what is allowed.
func permissions(sender string) jwt.Permissions {
	var p jwt.Permissions
	for _, call := range calls {
		p.Pub.Allow.Add(prefix + sender + "." + call)
	}
	p.Sub.Allow.Add(statusSubject(sender, ">"), inbox(sender)+">")
	return p
}
