package twilio

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

const (
	// ringTime is how long a phone rings, before most voicemails take the call.
	ringTime = 25 * time.Second
	// longestCall bounds what is spoken, which is about 90 s when nobody presses a key: a machine that keeps the line would keep others from
	// the phone.
	longestCall = 2 * time.Minute
)

// callEvents are the events of a call that the vendor is to tell of.
var callEvents = []string{"initiated", "ringing", "answered", "completed"}

// questions are what calls can be about, and what asks or tells it.
var questions = map[notifier.About]phrase.Key{
	notifier.AskToTake: phrase.VoiceAsk, notifier.TellWithdrawn: phrase.VoiceWithdrawn, notifier.AskToLookAfter: phrase.VoiceAlarm,
	notifier.AskToHandOver: phrase.VoiceHandoverOut, notifier.AskToTakeOver: phrase.VoiceHandoverIn, notifier.AskToAnswer: phrase.VoiceTest,
}

// Voice is the channel of calls. Only a key acknowledges: a call that was picked up, by whomever, or that ended, does not.
func (c *Client) Voice() notifier.Channel { return voice{c} }

type voice struct{ *Client }

// Name is twilio.
func (voice) Name() string { return "twilio" }

// Medium is voice.
func (voice) Medium() string { return notifier.MediumVoice }

// Send places a call. The code of the message stays here: nobody says it aloud.
func (v voice) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := v.Client
	switch {
	case !e164.MatchString(string(m.To)): // also the empty number of somebody who has left the roster
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_number"}
	case questions[m.About] == "": // a later version's page
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}
	}
	asked := questionOf(m)
	params := &api.CreateCallParams{}
	params.SetTo(string(m.To))
	params.SetFrom(c.Lane(m.To)) // always the same number: the second call of one within minutes rings through "do not disturb"
	params.SetUrl(asked.address(c.public, voicePath, voiceOverrides))
	params.SetFallbackUrl(asked.fallback(cmp.Or(c.fallback, c.public)))
	status := c.public + callStatusPath + string(m.Ref) + "/" + m.Attempt + overrides
	params.SetStatusCallback(status)
	params.SetStatusCallbackEvent(callEvents)
	params.SetTimeout(int(ringTime.Seconds()))
	params.SetTimeLimit(int(longestCall.Seconds()))
	// Asynchronous: who picks up is asked at once, and the guess comes later, as a hint.
	params.SetMachineDetection("Enable")
	params.SetAsyncAmd("true")
	params.SetAsyncAmdStatusCallback(status)
	service, seen := c.service(ctx)
	answer, err := service.CreateCall(params)
	if err != nil || !seen.success() || value(answer.Sid) == "" {
		return seen.failure(err)
	}
	c.calls.note(*answer.Sid, pageOf(m.Ref, m.Page))
	return notifier.Accepted{ProviderID: *answer.Sid}
}

const (
	// lookUpSlack is how much older than its page a call may look: the vendor tells whole seconds, and the log's clock may be two seconds off.
	lookUpSlack = 5 * time.Second
	// oldestPage bounds the age of a page, for one that does not say when it was attempted.
	oldestPage = 48 * time.Hour
)

// Find looks for a call of the page.
//
// The vendor's list of calls says nothing that we gave it but the two numbers: no address, no text (the events of a call name the address,
// but only 15 minutes after its end). So a call is the page's
//
//   - when this process knows it to be: the vendor answered it to Send, or named it in a webhook, whose path carries the attempt;
//   - or when it is the only call under way to the number, from one of ours, placed since the page was first attempted, of which neither
//     this process nor [notifier.Message.Others] knows another page. A lane places one call to a phone at a time, so that it is the one
//     whose answer was lost. It is claimed: no second page takes it.
//
// Two that could be it are none: a second call about a page is better than none. One that is over is none, unless it is known: the webhooks
// of this page's would have told the log, and where none came through, nobody heard a question either. How old a call is, the vendor's own
// clock says. A call that was busy or that nobody picked up is as good as none, too: it is time to call again.
func (v voice) Find(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := v.Client
	if !e164.MatchString(string(m.To)) {
		return notifier.NotFound{} // without a number, nobody was called
	}
	ours := pageOf(m.Ref, m.Page)
	params := &api.ListCallParams{}
	params.SetTo(string(m.To))
	params.SetPageSize(lookUpPage)
	pageToken, pageNumber := "", ""
	age := min(max(time.Since(m.Since), 0), oldestPage) + lookUpSlack
	var unknown []string
	for range lookUpPages {
		service, seen := c.service(ctx)
		page, err := service.PageCall(params, pageToken, pageNumber)
		if err != nil || !seen.success() || page.Calls == nil { // an answer without a list is not an empty list
			return seen.failure(err)
		}
		oldest := cmp.Or(seen.date, time.Now()).Add(-age)
		old := true
		for _, found := range page.Calls {
			id := value(found.Sid)
			created, err := time.Parse(time.RFC1123Z, value(found.DateCreated))
			dated := err == nil
			old = old && dated && created.Before(oldest.Add(-lookUpSkew))
			status := value(found.Status)
			if id == "" || (!underWay(status) && status != "completed") {
				continue
			}
			switch known := c.calls.page(id); {
			case known == ours:
				return notifier.Accepted{ProviderID: id}
			case known != "", slices.Contains(m.Others, id), !dated, created.Before(oldest):
			case underWay(status) && value(found.Direction) == "outbound-api" && slices.Contains(c.opts.Numbers, value(found.From)):
				unknown = append(unknown, id)
			}
		}
		next, err := url.Parse(value(page.NextPageUri))
		if err != nil || value(page.NextPageUri) == "" || old {
			break
		}
		pageToken, pageNumber = next.Query().Get("PageToken"), next.Query().Get("Page")
	}
	if len(unknown) == 1 && c.calls.claim(unknown[0], ours) {
		return notifier.Accepted{ProviderID: unknown[0]}
	}
	return notifier.NotFound{}
}

// underWay reports whether a call of this status is being placed, rings or is spoken.
func underWay(status string) bool {
	return status == "queued" || status == "initiated" || status == "ringing" || status == "in-progress"
}
