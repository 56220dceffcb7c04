package telephone_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/phrase/phrasetest"
	"github.com/dutyline/dutyline/request"
)

func message() notifier.Message {
	return notifier.Message{
		Ref: "7K4M2QX9D", Page: "p1", Attempt: "p1a1", About: notifier.AskToTake, To: "+15005550100", Urgency: request.Critical, Language: "fr", Reader: "es-MX", Code: "424242",
	}
}

// spoken is what calls are about.
var spoken = []notifier.About{notifier.AskToTake, notifier.TellWithdrawn, notifier.AskToLookAfter, notifier.AskToHandOver, notifier.AskToTakeOver}

// What stands in an address is read back, and asks the same.
func TestAQuestionTravelsInItsAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := message()
		m.About = rapid.SampledFrom(spoken).Draw(t, "about")
		m.Reader = rapid.SampledFrom(append(slices.Clone(request.Languages), "fr-CA", "tlh", "", "Mr Smith")).Draw(t, "reader")
		m.Urgency = request.Urgency(rapid.SampledFrom([]string{"emergency", "routine", "", "because 10.0.0.1", "a_later_one"}).Draw(t, "urgency"))
		m.Language = rapid.SampledFrom([]string{"fr", "zho-Hans", "", "Smith of Example Street"}).Draw(t, "language")
		m.Alarm = rapid.SampledFrom([]request.AlarmKind{"", request.AlarmProvider, "the suspect Doe"}).Draw(t, "alarm")
		q, ok := telephone.QuestionOf(m)
		if !ok {
			t.Fatal("no words")
		}
		for range rapid.IntRange(0, 3).Draw(t, "repeats") {
			if next := q.Heard(t.Context(), "", notifier.KeyPress{}, nil, zap.NewNop()).Next; next != nil {
				q = *next
			}
		}
		query, err := url.ParseQuery(q.Query().Encode())
		if err != nil {
			t.Fatal(err)
		}
		ref, attempt, _ := strings.Cut(q.Path(), "/")
		again, ok := telephone.ReadQuestion(ref, attempt, query)
		if !ok || !reflect.DeepEqual(again, q) {
			t.Fatalf("%+v, then %+v", q, again)
		}
		for _, part := range []string{"Smith", "10.0", "Doe", m.Code} {
			if strings.Contains(q.Path()+q.Query().Encode(), part) {
				t.Fatalf("%s stands in an address", part)
			}
		}
	})
}

// sink takes every key.
type sink struct {
	notifier.Sink

	keys []notifier.KeyPress
}

func (s *sink) Key(_ context.Context, k notifier.KeyPress) notifier.Answer {
	s.keys = append(s.keys, k)
	return notifier.Answer{Kind: notifier.Taken}
}

// However long keys are pressed, a key of ours decides, silence ends, and nothing else does.
func TestACallEndsByAKeyOrBySilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := message()
		m.About = rapid.SampledFrom(spoken).Draw(t, "about")
		q, _ := telephone.QuestionOf(m)
		s := &sink{}
		turn, silent := q.Ask(), 0
		for i := 0; turn.Next != nil; i++ {
			key := rapid.SampledFrom([]string{"", "", "1", "2", "9", "5", "#", "12"}).Draw(t, "key")
			if i > 50 {
				key = ""
			}
			if silent++; key != "" {
				silent = 0
			}
			turn = turn.Next.Heard(t.Context(), key, notifier.KeyPress{Phone: m.To}, s, zap.NewNop())
			if silent > 4 {
				t.Fatal("silence goes on")
			}
			if ends := turn.Next == nil; ends != (len(s.keys) > 0) && key != "" {
				t.Fatalf("after %q: ends %t, keys %v", key, ends, s.keys)
			}
		}
		if len(s.keys) > 1 || (len(s.keys) == 1 && (!m.About.Asks() || (m.About != notifier.AskToTake && s.keys[0].Key != notifier.KeyTake))) {
			t.Fatalf("about %s: %v", m.About, s.keys)
		}
		if len(s.keys) == 1 && (s.keys[0].Ref != m.Ref || s.keys[0].Attempt != m.Attempt || s.keys[0].Phone != m.To) {
			t.Fatalf("%+v", s.keys)
		}
	})
}

func TestANumberServesARecipientAlwaysAndANewOneMovesFew(t *testing.T) {
	numbers := []string{"+15005550006", "+15005550007", "+15005550008"}
	moved, served := 0, map[string]int{}
	for n := range 1000 {
		to := notifier.Phone(fmt.Sprintf("+1500555%04d", n))
		first := telephone.Serving(numbers, to)
		served[first]++
		reversed := slices.Clone(numbers)
		slices.Reverse(reversed)
		if telephone.Serving(reversed, to) != first {
			t.Fatal("the order of numbers changes who serves")
		}
		if now := telephone.Serving(append(slices.Clone(numbers), "+15005550009"), to); now != first {
			moved++
			if now != "+15005550009" {
				t.Fatal("a new number moves conversations between others")
			}
		}
	}
	if len(served) != 3 || moved < 150 || moved > 350 {
		t.Errorf("served %v, moved %d of 1000", served, moved)
	}
}

func TestWhichTextsFitTheAlphabetOfTelephones(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.SampledFrom([]rune("aZ0 @€[é漢😀\n\fЯسñç`"))).Draw(t, "text"))
		if _, encoding := phrasetest.Segments(text); telephone.FitsGSM7(text) != (encoding == phrasetest.GSM7) {
			t.Fatalf("%q: %s", text, encoding)
		}
	})
	for _, l := range phrase.Languages {
		text := phrase.Text(l, phrase.Ask, phrase.Args{Reference: "7K4M-2QX9-D", Urgency: "critical", Code: "424242"})
		if _, encoding := phrasetest.Segments(text); telephone.FitsGSM7(text) != (encoding == phrasetest.GSM7) {
			t.Errorf("%q: %s", text, encoding)
		}
	}
}

func TestATextLivesAsLongAsItsPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for left, want := range map[time.Duration]time.Duration{time.Hour: 5 * time.Minute, 2 * time.Minute: 2 * time.Minute, time.Second: 30 * time.Second, -time.Hour: 30 * time.Second} {
			if got := telephone.Validity(time.Now().Add(left), 5*time.Minute); got != want {
				t.Errorf("%v left: %v, want %v", left, got, want)
			}
		}
		if got := telephone.Validity(time.Time{}, 5*time.Minute); got != 5*time.Minute {
			t.Errorf("without an end: %v", got)
		}
		m := message()
		for age, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Minute: 65 * time.Second, -time.Minute: 5 * time.Second, 1000 * time.Hour: 48*time.Hour + 5*time.Second} {
			m.Since = time.Now().Add(-age)
			if got := telephone.Age(m); got != want {
				t.Errorf("%v old: %v, want %v", age, got, want)
			}
		}
	})
}

func TestOfSeveralPagesOneFindsTheCall(t *testing.T) {
	var calls telephone.Calls
	var wg sync.WaitGroup
	found := make([]bool, 20)
	for n := range found {
		wg.Go(func() {
			m := message()
			m.Page = fmt.Sprint("p", n)
			search := calls.Search(m)
			if search.See("call", true) {
				t.Error("known to nobody")
			}
			_, found[n] = search.Only()
		})
	}
	wg.Wait()
	found = slices.DeleteFunc(found, func(f bool) bool { return !f })
	if len(found) != 1 {
		t.Errorf("%d pages found the call", len(found))
	}
}

func TestWhatAnExchangeCameTo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3")
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/lost":
			panic(http.ErrAbortHandler)
		case "/hang":
			<-r.Context().Done()
		default:
			status := 0
			_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
			w.WriteHeader(status)
		}
	}))
	defer server.Close()
	base, _ := url.Parse(server.URL)
	nowhere, _ := url.Parse("http://127.0.0.1:1")
	const refused = request.FailedForGood
	for name, c := range map[string]struct {
		base *url.URL
		path string
		want notifier.Failed
	}{
		"nobody there":        {nowhere, "/", notifier.Failed{Kind: request.FailedForNow, Code: "connection"}},
		"the connection lost": {base, "/lost", notifier.Failed{Kind: request.FailedUnknown, Code: "connection_lost"}},
		"no answer in time":   {base, "/hang", notifier.Failed{Kind: request.FailedUnknown, Code: "timeout"}},
		"too many":            {base, "/429", notifier.Failed{Kind: request.FailedForNow, Code: "http_429", RetryAfter: 3 * time.Second}},
		"out of order":        {base, "/503", notifier.Failed{Kind: request.FailedUnknown, Code: "http_503", RetryAfter: 3 * time.Second}},
		"a strange success":   {base, "/200", notifier.Failed{Kind: request.FailedUnknown, Code: "http_200", RetryAfter: 3 * time.Second}},
		"a refusal":           {base, "/400", notifier.Failed{Kind: refused, Code: "http_400"}},
		"a redirect":          {base, "/redirect", notifier.Failed{Kind: refused, Code: "http_302"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if c.path == "/hang" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
			}
			transport := telephone.NewTransport()
			defer transport.CloseIdleConnections()
			seen := &telephone.Exchange{}
			response, err := seen.Client(ctx, c.base, transport).Get("http://elsewhere.example" + c.path)
			if err == nil {
				_ = response.Body.Close()
			}
			if got := seen.Failure("", refused); got != c.want {
				t.Errorf("%#v, want %#v", got, c.want)
			}
		})
	}
}
