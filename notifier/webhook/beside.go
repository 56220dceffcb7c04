package webhook

import (
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// besideTypes are the types of message to people, by what they are about. Do not modify.
var besideTypes = map[notifier.About]string{
	notifier.AskToTake:      "page.asked",
	notifier.TellWithdrawn:  "request.withdrawn",
	notifier.AskToLookAfter: "alarm.raised",
}

// notice is what a person's webhook is told: that they are being asked, and for what. Nothing of the case, no name, no number and no code: whoever
// reads it cannot answer with it.
type notice struct {
	Reference string            `json:"reference"`
	Urgency   request.Urgency   `json:"urgency"`
	Language  string            `json:"language,omitempty"` // of the request (BCP 47)
	Alarm     request.AlarmKind `json:"alarm,omitempty"`    // what is wrong, of an alarm
	CallSign  string            `json:"call_sign"`          // who is asked: one gateway may serve several people
	Reader    string            `json:"reader,omitempty"`   // the language in which that person is addressed (BCP 47)
}

// NewBeside makes the channel to the webhooks of people, which goes beside their telephones. It makes no call.
func NewBeside(o Options) *Channel {
	c := o.channel()
	c.medium, c.types = notifier.MediumHook, besideTypes
	c.data = func(m notifier.Message) any {
		return notice{m.Ref.String(), m.Urgency, m.Language, m.Alarm, m.CallSign, m.Reader}
	}
	return c
}
