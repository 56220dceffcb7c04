package vonage

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/request"
)

// Voice is the channel of calls. Only a key acknowledges: a call that was picked up, by whomever, or that ended, does not.
func (c *Client) Voice() notifier.Channel { return voice{c} }

type voice struct{ *Client }

// Name is vonage.
func (voice) Name() string { return "vonage" }

// Medium is voice.
func (voice) Medium() string { return notifier.MediumVoice }

// An endpoint is a telephone.
type endpoint struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

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
	order, err := json.Marshal(map[string]any{
		"to":            []endpoint{{"phone", digits(m.To)}},
		"from":          endpoint{"phone", digits(c.Lane(m.To))}, // always the same: the second call of one within minutes rings through "do not disturb"
		"answer_url":    []string{c.address(voicePath, asked)},
		"answer_method": http.MethodPost,
		"event_url":     []string{c.address(callStatusPath, asked)},
		"event_method":  http.MethodPost,
		// Who picks up is asked at once, and the guess comes later, as a hint.
		"machine_detection": "continue",
		"ringing_timer":     int(telephone.RingTime.Seconds()),
		"length_timer":      int(telephone.LongestCall.Seconds()),
	})
	if err != nil {
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"} // texts and numbers can always be encoded
	}
	body, seen := c.exchange(ctx, c.calls, call{
		method: http.MethodPost, target: callsPath, contentType: "application/json", authorization: c.token(), body: order,
	})
	var answer struct {
		UUID string `json:"uuid"`
	}
	if !seen.Success() || json.Unmarshal(body, &answer) != nil || answer.UUID == "" {
		return callFailure(body, seen)
	}
	c.placed.Note(answer.UUID, m.Ref, m.Attempt)
	return notifier.Accepted{ProviderID: answer.UUID}
}

// callsPath is where calls are placed and listed.
const callsPath = "/v1/calls"

// callFailure decides what came of a call that brought nothing that can be used. The vendor has no table of codes here; it names the
// parameters that it does not take, and that of the telephone concerns the contact.
func callFailure(body []byte, seen *telephone.Exchange) notifier.Outcome {
	var problem struct {
		Parameters []struct {
			Name string `json:"name"`
		} `json:"invalid_parameters"`
	}
	if (seen.Status == http.StatusBadRequest || seen.Status == http.StatusUnprocessableEntity) && json.Unmarshal(body, &problem) == nil {
		for _, p := range problem.Parameters {
			if name, _, _ := strings.Cut(strings.TrimLeft(p.Name, "/"), "["); name == "to" || strings.HasPrefix(name, "to.") || strings.HasPrefix(name, "to/") {
				return seen.Failure("invalid_to", request.FailedForGood)
			}
		}
	}
	return seen.Failure("", request.FailedConfig)
}

// tokenLife is how long a token of ours is good for. Each call has one of its own.
const tokenLife = 5 * time.Minute

// token is the authorization of a call to the Voice interface.
func (c *Client) token() string {
	now := c.now()
	claims := jwt.MapClaims{"application_id": c.opts.ApplicationID, "iat": now.Unix(), "exp": now.Add(tokenLife).Unix(), "jti": rand.Text()}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(c.key)
	if err != nil {
		return "" // a key that was read can sign; else the vendor refuses the call, and an operator is told
	}
	return "Bearer " + signed
}

const lookUpPage = 100

// Find looks for a call of the page, as [telephone.Search] says: the vendor's list of calls has the two numbers, and neither address nor
// text. A call that is not over is not dated in it: the vendor is asked for those since the page's first attempt, by its own clock. A call
// that was busy or that nobody picked up is as good as none: it is time to call again.
func (v voice) Find(ctx context.Context, m notifier.Message) notifier.Outcome {
	c := v.Client
	if !telephone.Dialable(m.To) {
		return notifier.NotFound{} // without a number, nobody was called
	}
	search := c.placed.Search(m)
	query := url.Values{
		"date_start": {c.now().Add(-telephone.Age(m)).UTC().Format(reportTime)}, "order": {"desc"}, "page_size": {strconv.Itoa(lookUpPage)},
	}
	for page := range lookUpPages {
		query.Set("record_index", strconv.Itoa(page*lookUpPage))
		var list struct {
			Count    int `json:"count"`
			Embedded struct {
				Calls *[]struct {
					UUID      string   `json:"uuid"`
					To        endpoint `json:"to"`
					From      endpoint `json:"from"`
					Status    string   `json:"status"`
					Direction string   `json:"direction"`
				} `json:"calls"`
			} `json:"_embedded"`
		}
		seen, ok := c.get(ctx, c.calls, callsPath, query, c.token(), &list)
		if !ok || list.Embedded.Calls == nil { // an answer without a list is not an empty list
			return seen.Failure("", request.FailedConfig)
		}
		for _, found := range *list.Embedded.Calls {
			if digits(found.To.Number) != digits(m.To) || (!underWay(found.Status) && found.Status != "completed") {
				continue
			}
			ours := found.Direction == "outbound" && slices.Contains(c.opts.Numbers, "+"+digits(found.From.Number))
			if search.See(found.UUID, ours && underWay(found.Status)) {
				return notifier.Accepted{ProviderID: found.UUID}
			}
		}
		if len(*list.Embedded.Calls) == 0 || (page+1)*lookUpPage >= list.Count {
			break
		}
	}
	if id, ok := search.Only(); ok {
		return notifier.Accepted{ProviderID: id}
	}
	return notifier.NotFound{}
}

// underWay reports whether a call of this status is being placed, rings or is spoken.
func underWay(status string) bool {
	return slices.Contains([]string{"started", "ringing", "answered", "human", "machine"}, status)
}
