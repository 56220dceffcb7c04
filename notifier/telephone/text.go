package telephone

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
)

// key is the phrase of what a text is about: sms_ask.
func key(m notifier.Message) phrase.Key { return phrase.Key("sms_" + string(m.About)) }

// Text is what a text says. ok is false for a page of a later version, which there are no words for.
func Text(m notifier.Message) (text string, ok bool) {
	return written(m, phrase.Pick(m.Reader)), phrase.Has(key(m))
}

func written(m notifier.Message, l phrase.Language) string {
	if len(m.More) > 0 {
		return together(m, l)
	}
	args := phrase.Args{Reference: m.Ref.String(), Urgency: string(m.Urgency), Language: m.Language, Code: m.Code, Alarm: string(m.Alarm)}
	d := m.Duty
	args.Roster, args.CallSign, args.Open = d.Roster, d.CallSign, d.Open
	args.From, args.Until, args.Digits, args.Number = moment(d.From), moment(d.Until), d.Digits, d.Number
	for _, ref := range d.Requests {
		args.Requests = append(args.Requests, ref.String())
	}
	return phrase.Text(l, key(m), args)
}

// together is the text of several pages that ask one person.
func together(m notifier.Message, l phrase.Language) string {
	first := notifier.Further{Ref: m.Ref, Page: m.Page, Urgency: m.Urgency, Language: m.Language, Code: m.Code}
	args := phrase.Args{Open: 1 + len(m.More)}
	for _, f := range append([]notifier.Further{first}, m.More...) {
		args.Items = append(args.Items, phrase.Item(l, phrase.Args{Reference: f.Ref.String(), Urgency: string(f.Urgency), Language: f.Language, Code: f.Code}))
	}
	return phrase.Text(l, phrase.Together, args)
}

// moment writes a time, and a dash for an end that nobody knows.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return phrase.Moment(t)
}

// Recognise tells the text of a page from others, although the urgency of the request or the language of its reader may have changed since
// it was sent, and the provider may have put words before it. The code is the page's own. A notice has none: no other text says the same of
// the same request.
func Recognise(m notifier.Message) func(body string) bool {
	if m.Code != "" {
		return func(body string) bool {
			return strings.Contains(body, m.Ref.String()) && strings.Contains(body, m.Code)
		}
	}
	return func(body string) bool {
		return slices.ContainsFunc(phrase.Languages, func(l phrase.Language) bool { return strings.Contains(body, written(m, l)) })
	}
}

// shortestValidity is what a text gets whose page is about to expire, or has by this machine's clock: the clock may be wrong.
const shortestValidity = 30 * time.Second

// Validity is how long a text may wait at the provider: until its page expires, and no longer than longest.
func Validity(expires time.Time, longest time.Duration) time.Duration {
	if expires.IsZero() {
		return longest
	}
	return min(max(time.Until(expires), shortestValidity), longest)
}

// stopWords and startWords are handled by providers and carriers themselves: they opt a phone out and in. They get no answer from us. HELP and INFO
// are answered by some carriers and handed on by others: where they arrive they are commands like any. Do not modify.
var (
	stopWords  = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "REVOKE", "OPTOUT", "CANCEL"}
	startWords = []string{"START", "YES", "UNSTOP"}
)

// Reply hands a text that somebody sent to the sink and gives what it is answered with in words, whatever happens; "" says nothing. id is
// the provider's id of the text.
func Reply(ctx context.Context, sink notifier.Sink, from notifier.Phone, id, text string, log *zap.Logger) (answer string) {
	defer func() {
		if trouble := recover(); trouble != nil {
			log.Error("panic while taking a reply", zap.Stack("stack"))
			answer = phrase.Text(phrase.English, phrase.TryAgain, phrase.Args{})
		}
	}()
	word := strings.ToUpper(strings.TrimSpace(text))
	if out := slices.Contains(stopWords, word); out || slices.Contains(startWords, word) {
		if listens, ok := sink.(notifier.OptOuts); ok {
			listens.OptedOut(ctx, from, out)
		}
		return ""
	}
	return render(sink.Reply(ctx, from, id, text))
}
