package notifiertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase/phrasetest"
	"github.com/dutyline/dutyline/request"
)

// Exercise runs the suite.
func Exercise(t *testing.T, h Harness) {
	t.Run("names", h.names)
	t.Run("lane", h.lane)
	t.Run("content", h.content)
	t.Run("notice", h.notice)
	t.Run("outcomes", h.outcomes)
	t.Run("recovers", h.recovers)
	t.Run("nobody to send to", h.nobody)
	t.Run("deadline", h.deadline)
	t.Run("called off", h.calledOff)
	t.Run("too late", h.tooLate)
	t.Run("together", h.together)
	if h.NoLookUp {
		t.Run("no look-up", h.noLookUp)
	} else {
		t.Run("look-up", h.lookUp)
		t.Run("look-up of what changed", h.lookUpOfWhatChanged)
		t.Run("look-up of another's", h.lookUpOfAnothers)
		t.Run("look-up behind many", h.lookUpBehindMany)
		t.Run("look-up that fails", h.lookUpThatFails)
	}
	t.Run("concurrency", h.concurrency)
}

const (
	reference = request.Ref("7K4M2QX9D")
	recipient = notifier.Phone("+15005550100")
	// guard ends a test that would wait for ever. No test asserts how long anything takes.
	guard = 30 * time.Second
)

// message is an ask of page n.
func message(n int) notifier.Message {
	now := time.Now()
	page := fmt.Sprintf("p%d", n)
	return notifier.Message{
		Ref: reference, Page: page, Attempt: request.AttemptID(page, 1), About: notifier.AskToTake, To: recipient, Urgency: request.Critical,
		Language: "fr", Reader: "en", Code: fmt.Sprintf("%06d", (100000+7919*n)%1_000_000), Expires: now.Add(5 * time.Minute), Since: now,
	}
}

// within gives a call much time: what the test is about is not how long it takes.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), guard)
	t.Cleanup(cancel)
	return ctx
}

func send(t *testing.T, p Provider, m notifier.Message) notifier.Outcome {
	t.Helper()
	return p.Channel().Send(within(t), m)
}

func find(t *testing.T, p Provider, m notifier.Message) notifier.Outcome {
	t.Helper()
	return p.Channel().Find(within(t), m)
}

// mustSend sends, wants it accepted, and gives the provider's id.
func mustSend(t *testing.T, p Provider, m notifier.Message) string {
	t.Helper()
	accepted, ok := send(t, p, m).(notifier.Accepted)
	if !ok || accepted.ProviderID == "" {
		t.Fatalf("a message that the provider took: %#v", accepted)
	}
	return accepted.ProviderID
}

// only gives the one message that arrived.
func only(t *testing.T, p Provider) Arrival {
	t.Helper()
	arrived := p.Arrived()
	if len(arrived) != 1 {
		t.Fatalf("%d messages arrived, want 1", len(arrived))
	}
	return arrived[0]
}

func (h Harness) names(t *testing.T) {
	c := h.New(t).Channel()
	for what, name := range map[string]string{"name": c.Name(), "medium": c.Medium()} {
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("the %s stands in events: small letters, digits and underscores, not %q", what, name)
		}
	}
}

func (h Harness) lane(t *testing.T) {
	one, other := h.New(t).Channel(), h.New(t).Channel()
	for n := range 200 {
		to := notifier.Phone(fmt.Sprintf("+1500555%04d", n))
		lane := one.Lane(to)
		if lane == "" {
			t.Fatalf("recipient %d has no lane", n)
		}
		if one.Lane(to) != lane || other.Lane(to) != lane {
			t.Fatalf("the lane of recipient %d changes", n)
		}
	}
}

func (h Harness) content(t *testing.T) {
	p := h.New(t)
	n := 0
	for _, reader := range append(slices.Clone(request.Languages), "fr-CA", "tlh", "") {
		for _, urgency := range append(slices.Clone(request.Urgencies), "dire") {
			for _, language := range []string{"fr", "zho-Hans", ""} {
				n++
				m := message(n)
				m.Reader, m.Urgency, m.Language = reader, urgency, language
				id := mustSend(t, p, m)
				arrived := p.Arrived()
				got := arrived[len(arrived)-1]
				if got.To != m.To || got.ProviderID != id {
					t.Fatalf("page %d arrived at %q as %q, accepted as %q", n, string(got.To), got.ProviderID, id)
				}
				h.checkText(t, p, got.Text)
				if !refersTo(p, got.Text, m.Ref) {
					t.Errorf("an ask in %q lacks its reference: %q", reader, got.Text)
				}
				// What is said aloud is heard by whoever stands by, and a mailbox or a display is read by others: a code stays here.
				if written := strings.Contains(joined(got.Text), m.Code); written == (spoken(p) || notifier.Beside(p.Channel().Medium())) {
					t.Errorf("an ask in %q has its code: %t: %q", reader, written, got.Text)
				}
			}
		}
	}
}

func spoken(p Provider) bool { return p.Channel().Medium() == notifier.MediumVoice }

// refersTo reports whether a text names a request; a voice says its reference character by character.
func refersTo(p Provider, text string, ref request.Ref) bool {
	if spoken(p) {
		return strings.Contains(joined(text), string(ref)) && !strings.Contains(text, string(ref)[:2])
	}
	return strings.Contains(text, ref.String())
}

// joined is a text without all that stands between its letters and digits.
func joined(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

func (h Harness) checkText(t *testing.T, p Provider, text string) {
	t.Helper()
	if n, encoding := phrasetest.Segments(text); p.Channel().Medium() == notifier.MediumSMS && n != 1 {
		t.Errorf("%d segments of %s: %q", n, encoding, text)
	}
	if strings.ContainsAny(text, "{}") {
		t.Errorf("a place was not filled: %q", text)
	}
	if strings.Contains(text, "://") {
		t.Errorf("carriers filter texts with links: %q", text)
	}
}

func (h Harness) notice(t *testing.T) {
	p := h.New(t)
	for n, reader := range request.Languages {
		m := message(n)
		m.About, m.Code, m.Reader = notifier.TellWithdrawn, "", reader
		mustSend(t, p, m)
		arrived := p.Arrived()
		got := arrived[len(arrived)-1]
		h.checkText(t, p, got.Text)
		if !refersTo(p, got.Text, m.Ref) {
			t.Errorf("a notice in %s lacks its reference: %q", reader, got.Text)
		}
	}
	strange := message(99)
	strange.About = "a_later_versions"
	before := len(p.Arrived())
	if o, ok := send(t, p, strange).(notifier.Failed); !ok || o.Kind.Retryable() {
		t.Errorf("a message about something unknown: %#v, want a failure that is not tried again", o)
	}
	if len(p.Arrived()) != before {
		t.Error("a message about something unknown was sent")
	}
}

func (h Harness) outcomes(t *testing.T) {
	cases := []struct {
		behaviour  Behaviour
		want       request.FailureKind
		arrives    bool
		retryAfter time.Duration
	}{
		{RefuseContact, request.FailedForGood, false, 0},
		{RefuseConfiguration, request.FailedConfig, false, 0},
		{TooMany, request.FailedForNow, false, RetryAfter},
		{Unavailable, request.FailedUnknown, false, 0},
		{LoseAnswer, request.FailedUnknown, true, 0},
		{Garble, request.FailedUnknown, true, 0},
		{Down, request.FailedForNow, false, 0},
	}
	for _, c := range cases {
		t.Run(string(c.behaviour), func(t *testing.T) {
			if h.Certain {
				c.retryAfter = 0
				if c.behaviour == Unavailable {
					c.want = request.FailedForNow
				}
			}
			p := h.New(t)
			p.Behave(c.behaviour)
			got, ok := send(t, p, message(1)).(notifier.Failed)
			if !ok {
				t.Fatalf("accepted, want %s", c.want)
			}
			if got.Kind != c.want || got.RetryAfter != c.retryAfter {
				t.Errorf("%s after %v, want %s after %v", got.Kind, got.RetryAfter, c.want, c.retryAfter)
			}
			checkCode(t, got)
			if arrived := len(p.Arrived()) > 0; arrived != c.arrives {
				t.Errorf("arrived: %v, want %v: the fake does not do as it is told", arrived, c.arrives)
			}
		})
	}
}

// checkCode holds a failure's code to what events may carry: a word or a number, nothing of a person.
func checkCode(t *testing.T, f notifier.Failed) {
	t.Helper()
	if f.Code == "" || len(f.Code) > 40 || strings.Trim(f.Code, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		t.Errorf("the code stands in events: a number or a word is needed, not %q", f.Code)
	}
	if strings.Contains(f.Code, strings.TrimPrefix(string(recipient), "+")) {
		t.Error("the code holds the recipient's number")
	}
}

// recovers checks that no trouble outlasts its cause.
func (h Harness) recovers(t *testing.T) {
	p := h.New(t)
	n := 0
	for _, b := range Behaviours {
		if b == Hang {
			continue
		}
		for range 3 {
			n++
			p.Behave(b)
			send(t, p, message(n))
		}
		n++
		p.Behave(Accept)
		mustSend(t, p, message(n))
	}
}

func (h Harness) nobody(t *testing.T) {
	p := h.New(t)
	for _, to := range []notifier.Phone{"", "nobody", "15005550100"} {
		m := message(1)
		m.To = to
		if got, ok := send(t, p, m).(notifier.Failed); !ok || got.Kind != request.FailedForGood {
			t.Errorf("to %q: %#v, want a failure for good", string(to), got)
		}
		if got := find(t, p, m); got != (notifier.NotFound{}) {
			t.Errorf("look-up of a message to %q: %#v, want not found", string(to), got)
		}
	}
	if len(p.Arrived()) > 0 {
		t.Error("a message without a recipient was handed over")
	}
}

// outcome waits for a call that has been told to end.
func outcome(t *testing.T, calls <-chan notifier.Outcome) notifier.Outcome {
	t.Helper()
	select {
	case o := <-calls:
		return o
	case <-time.After(guard):
		t.Fatal("the call goes on after its context has ended")
		return nil
	}
}

// deadline checks that a call to a provider that hangs ends by its deadline, no sooner, and says that nobody knows.
func (h Harness) deadline(t *testing.T) {
	for name, call := range h.calls() {
		t.Run(name, func(t *testing.T) {
			p := h.New(t)
			p.Behave(Hang)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			calls := make(chan notifier.Outcome, 1)
			go func() {
				o := call(p.Channel(), ctx, message(1))
				if ctx.Err() == nil {
					t.Error("the call gave up before its deadline")
				}
				calls <- o
			}()
			got, ok := outcome(t, calls).(notifier.Failed)
			// A machine so busy that no connection was had in time may say that nothing was sent.
			if !ok || !got.Kind.Retryable() {
				t.Fatalf("%#v, want a failure that is tried again", got)
			}
			checkCode(t, got)
		})
	}
}

// both are the calls of a channel.
var both = map[string]func(notifier.Channel, context.Context, notifier.Message) notifier.Outcome{
	"send": notifier.Channel.Send, "find": notifier.Channel.Find,
}

// calls are those of both that reach the provider.
func (h Harness) calls() map[string]func(notifier.Channel, context.Context, notifier.Message) notifier.Outcome {
	calls := maps.Clone(both)
	if h.NoLookUp {
		delete(calls, "find")
	}
	return calls
}

// noLookUp checks that a channel which cannot look anything up always says so, and that what it sends again carries the same id: it is all
// that its recipients can tell repetitions by.
func (h Harness) noLookUp(t *testing.T) {
	for _, b := range Behaviours {
		t.Run("after "+string(b), func(t *testing.T) {
			p := h.New(t)
			first := mustSend(t, p, message(1))
			p.Behave(b)
			if got := find(t, p, message(1)); got != (notifier.NotFound{}) {
				t.Errorf("%#v, want not found", got)
			}
			p.Behave(Accept)
			again := message(1)
			again.Attempt = request.AttemptID(again.Page, 2)
			if id := mustSend(t, p, again); id != first {
				t.Errorf("sent again as %s, was %s", id, first)
			}
			if id := mustSend(t, p, message(2)); id == first {
				t.Errorf("another page is sent as %s, too", id)
			}
		})
	}
}

// calledOff checks that a call which hangs ends with its context, and that what may have been taken is ambiguous.
func (h Harness) calledOff(t *testing.T) {
	for name, call := range h.calls() {
		t.Run(name, func(t *testing.T) {
			p := h.New(t)
			p.Behave(Hang)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := make(chan notifier.Outcome, 1)
			go func() { calls <- call(p.Channel(), ctx, message(1)) }()
			select {
			case <-p.Hung():
			case o := <-calls:
				t.Fatalf("ended before it was called off: %#v", o)
			case <-time.After(guard):
				t.Fatal("the provider was not called")
			}
			cancel()
			if got, ok := outcome(t, calls).(notifier.Failed); !ok || got.Kind != request.FailedUnknown {
				t.Errorf("%#v, want a failure of which nobody knows", got)
			}
		})
	}
}

// tooLate checks that nothing is handed over once the context has ended.
func (h Harness) tooLate(t *testing.T) {
	p := h.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, ok := p.Channel().Send(ctx, message(1)).(notifier.Failed); !ok || !got.Kind.Retryable() {
		t.Errorf("%#v, want a failure that is tried again", got)
	}
	if len(p.Arrived()) > 0 {
		t.Error("a message was handed over after the context had ended")
	}
}

func (h Harness) lookUp(t *testing.T) {
	for _, b := range []Behaviour{LoseAnswer, Garble} {
		t.Run("after "+string(b), func(t *testing.T) {
			p := h.New(t)
			p.Behave(b)
			m := message(1)
			send(t, p, m)
			p.Behave(Accept)
			m.Attempt = request.AttemptID(m.Page, 2) // the new attempt looks for the one before
			if got, want := find(t, p, m), (notifier.Accepted{ProviderID: only(t, p).ProviderID}); got != want {
				t.Errorf("%#v, want %#v", got, want)
			}
		})
	}
	for _, b := range []Behaviour{Unavailable, TooMany, Down, RefuseContact} {
		t.Run("after "+string(b), func(t *testing.T) {
			p := h.New(t)
			p.Behave(b)
			send(t, p, message(1))
			p.Behave(Accept)
			if got := find(t, p, message(1)); got != (notifier.NotFound{}) {
				t.Errorf("%#v, want not found: nothing arrived", got)
			}
		})
	}
	t.Run("of a notice", func(t *testing.T) {
		p := h.New(t)
		m := message(1)
		m.About, m.Code = notifier.TellWithdrawn, ""
		if got := find(t, p, m); got != (notifier.NotFound{}) {
			t.Errorf("%#v, want not found", got)
		}
		id := mustSend(t, p, m)
		if got := find(t, p, m); got != (notifier.Accepted{ProviderID: id}) {
			t.Errorf("%#v, want %s", got, id)
		}
		m.Ref = "7JD001R9R" // the text of another request is not it
		if got := find(t, p, m); got != (notifier.NotFound{}) {
			t.Errorf("%#v, want not found", got)
		}
	})
}

// lookUpOfWhatChanged checks that an attempt is found although what its text depends on has changed since.
func (h Harness) lookUpOfWhatChanged(t *testing.T) {
	p := h.New(t)
	p.Behave(LoseAnswer)
	send(t, p, message(1))
	p.Behave(Accept)
	for what, change := range map[string]func(*notifier.Message){
		"urgency":  func(m *notifier.Message) { m.Urgency = request.Emergency },
		"reader":   func(m *notifier.Message) { m.Reader = "ar" },
		"language": func(m *notifier.Message) { m.Language = "de" },
	} {
		m := message(1)
		change(&m)
		if got, want := find(t, p, m), (notifier.Accepted{ProviderID: only(t, p).ProviderID}); got != want {
			t.Errorf("after a change of the %s: %#v, want %#v", what, got, want)
		}
	}
}

func (h Harness) lookUpOfAnothers(t *testing.T) {
	p := h.New(t)
	mustSend(t, p, message(1))
	for what, change := range map[string]func(*notifier.Message){
		"page":    func(m *notifier.Message) { m.Page, m.Attempt, m.Code = "p2", "p2a1", message(2).Code },
		"request": func(m *notifier.Message) { m.Ref = "7JD001R9R" },
		"person":  func(m *notifier.Message) { m.To = "+15005550101" },
	} {
		m := message(1)
		change(&m)
		if got := find(t, p, m); got != (notifier.NotFound{}) {
			t.Errorf("the page of another %s was found: %#v", what, got)
		}
	}
}

// lookUpBehindMany checks that an attempt is found although much has gone to the same recipient since.
func (h Harness) lookUpBehindMany(t *testing.T) {
	p := h.New(t)
	id := mustSend(t, p, message(1))
	for n := range 250 {
		mustSend(t, p, message(2+n))
	}
	if got := find(t, p, message(1)); got != (notifier.Accepted{ProviderID: id}) {
		t.Errorf("%#v, want %s", got, id)
	}
	if got := find(t, p, message(1000)); got != (notifier.NotFound{}) {
		t.Errorf("%#v, want not found", got)
	}
}

// lookUpThatFails checks that a look-up which fails does not say that nothing arrived.
func (h Harness) lookUpThatFails(t *testing.T) {
	for _, b := range []Behaviour{RefuseConfiguration, TooMany, Unavailable, LoseAnswer, Garble, Down} {
		t.Run(string(b), func(t *testing.T) {
			p := h.New(t)
			mustSend(t, p, message(1))
			p.Behave(b)
			got, ok := find(t, p, message(1)).(notifier.Failed)
			if !ok {
				t.Fatal("want a failure")
			}
			checkCode(t, got)
			if b == TooMany && got.RetryAfter != RetryAfter {
				t.Errorf("after %v, want %v", got.RetryAfter, RetryAfter)
			}
		})
	}
}

// concurrency calls from many goroutines, while the provider changes its behaviour, and then while it behaves well.
func (h Harness) concurrency(t *testing.T) {
	const callers, each = 16, 6
	p := h.New(t)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), guard)
			defer cancel()
			for i := range each {
				p.Behave(Behaviours[(n+i)%len(Behaviours)])
				short, stop := context.WithTimeout(ctx, 20*time.Millisecond)
				for name, call := range both {
					switch o := call(p.Channel(), short, message(n*each+i)).(type) {
					case notifier.Accepted, notifier.Failed, notifier.NotFound:
					default:
						t.Errorf("%s: %#v is no outcome", name, o)
					}
				}
				stop()
			}
		})
	}
	wg.Wait()
	p.Behave(Accept)
	before := len(p.Arrived())
	for still := 0; still < 5; still++ { // a call that was given up may be on its way yet
		time.Sleep(50 * time.Millisecond)
		if n := len(p.Arrived()); n != before {
			before, still = n, -1
		}
	}
	ids := make([][]string, callers)
	for n := range callers {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), guard)
			defer cancel()
			for i := range each {
				if o, ok := p.Channel().Send(ctx, message(1000+n*each+i)).(notifier.Accepted); ok {
					ids[n] = append(ids[n], o.ProviderID)
				}
			}
		})
	}
	wg.Wait()
	got := slices.Sorted(slices.Values(slices.Concat(ids...)))
	var want []string
	for _, a := range p.Arrived()[before:] {
		want = append(want, a.ProviderID)
	}
	slices.Sort(want)
	if len(slices.Compact(slices.Clone(got))) != callers*each || !slices.Equal(got, want) {
		t.Errorf("%d accepted and %d arrived, want %d of both, each once", len(got), len(want), callers*each)
	}
}
