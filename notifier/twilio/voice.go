package twilio

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/request"
)

// callEvents are the events of a call that the vendor is to tell of.
var callEvents = []string{"initiated", "ringing", "answered", "completed"}

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
	asked, ok := telephone.QuestionOf(m)
	switch {
	case !telephone.Dialable(m.To): // also the empty number of somebody who has left the roster
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_number"}
	case !ok: // a later version's page
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}
	}
	params := &api.CreateCallParams{}
	params.SetTo(string(m.To))
	params.SetFrom(c.Lane(m.To)) // always the same number: the second call of one within minutes rings through "do not disturb"
	params.SetUrl(address(asked, c.public, voicePath, voiceOverrides))
	params.SetFallbackUrl(fallback(asked, cmp.Or(c.fallback, c.public)))
	status := c.public + callStatusPath + asked.Path() + overrides
	params.SetStatusCallback(status)
	params.SetStatusCallbackEvent(callEvents)
	params.SetTimeout(int(telephone.RingTime.Seconds()))
	params.SetTimeLimit(int(telephone.LongestCall.Seconds()))
	// Asynchronous: who picks up is asked at once, and the guess comes later, as a hint.
	params.SetMachineDetection("Enable")
	params.SetAsyncAmd("true")
	params.SetAsyncAmdStatusCallback(status)
	service, seen := c.service(ctx)
	answer, err := service.CreateCall(params)
	if err != nil || !seen.Success() || value(answer.Sid) == "" {
		return failure(seen, err)
	}
	c.calls.Note(*answer.Sid, m.Ref, m.Attempt)
	return notifier.Accepted{ProviderID: *answer.Sid}
}

// Find looks for a call of the page, as [telephone.Search] says: the vendor's list of calls has no address and no text (the events of a call
// name the address, but only 15 minutes after its end). How old a call is, the vendor's own clock says. A call that was busy or that nobody
// picked up is as good as none: it is time to call again.
func (v voice) Find(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := v.Client
	if !telephone.Dialable(m.To) {
		return notifier.NotFound{} // without a number, nobody was called
	}
	search := c.calls.Search(m)
	params := &api.ListCallParams{}
	params.SetTo(string(m.To))
	params.SetPageSize(lookUpPage)
	pageToken, pageNumber := "", ""
	age := telephone.Age(m)
	for range lookUpPages {
		service, seen := c.service(ctx)
		page, err := service.PageCall(params, pageToken, pageNumber)
		if err != nil || !seen.Success() || page.Calls == nil { // an answer without a list is not an empty list
			return failure(seen, err)
		}
		oldest := cmp.Or(seen.Date, time.Now()).Add(-age)
		old := true
		for _, found := range page.Calls {
			id := value(found.Sid)
			created, err := time.Parse(time.RFC1123Z, value(found.DateCreated))
			dated := err == nil
			old = old && dated && created.Before(oldest.Add(-lookUpSkew))
			status := value(found.Status)
			if !underWay(status) && status != "completed" {
				continue
			}
			ours := value(found.Direction) == "outbound-api" && slices.Contains(c.opts.Numbers, value(found.From))
			if search.See(id, ours && underWay(status) && dated && !created.Before(oldest)) {
				return notifier.Accepted{ProviderID: id}
			}
		}
		next, err := url.Parse(value(page.NextPageUri))
		if err != nil || value(page.NextPageUri) == "" || old {
			break
		}
		pageToken, pageNumber = next.Query().Get("PageToken"), next.Query().Get("Page")
	}
	if id, ok := search.Only(); ok {
		return notifier.Accepted{ProviderID: id}
	}
	return notifier.NotFound{}
}

// underWay reports whether a call of this status is being placed, rings or is spoken.
func underWay(status string) bool {
	return status == "queued" || status == "initiated" || status == "ringing" || status == "in-progress"
}
