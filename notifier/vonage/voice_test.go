package vonage_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

var asked = phrase.Args{Reference: "7K4M-2QX9-D", Urgency: "critical", Language: "fr"}

// rings places a call about a message and gives it after the first words.
func (w *world) rings(m notifier.Message) vonagesim.Call {
	w.t.Helper()
	before := len(w.sim.Calls())
	if o, ok := w.client.Voice().Send(w.t.(*testing.T).Context(), m).(notifier.Accepted); !ok {
		w.t.Fatalf("%#v", o)
	}
	return w.sim.Calls()[before]
}

// says wants words said in a language, and the call to go on or to be over.
func says(t testing.TB, c vonagesim.Call, over bool, l phrase.Language, args phrase.Args, keys ...phrase.Key) {
	t.Helper()
	var want []string
	for _, key := range keys {
		want = append(want, phrase.Spoken(l, key, args))
	}
	if !slices.Equal(c.Turn, want) || (c.InputURL == "") != over || c.Trouble != "" {
		t.Errorf("said %q, over: %t, trouble %q; want %q, %t", c.Turn, c.InputURL == "", c.Trouble, want, over)
	}
	if len(keys) > 0 && c.Language != spokenIn[l] {
		t.Errorf("%s is spoken as %s", l, c.Language)
	}
}

func TestWhoPicksUpIsAskedInTheirLanguage(t *testing.T) {
	w := newWorld(t, nil, nil)
	for _, l := range phrase.Languages {
		for _, urgency := range request.Urgencies {
			m := page()
			m.Reader, m.Urgency = string(l), urgency
			c := w.rings(m)
			says(t, c, false, l, phrase.Args{Reference: "7K4M-2QX9-D", Urgency: string(urgency), Language: "fr"}, phrase.VoiceAsk)
			if !strings.Contains(c.Turn[0], "7, K, 4, M; 2, Q, X, 9; D") {
				t.Errorf("%q does not spell the reference", c.Turn[0])
			}
		}
	}
}

func TestEveryKey(t *testing.T) {
	for key, want := range map[string]struct {
		sink notifier.Key
		says []phrase.Key
		over bool
	}{
		"1":  {"1", []phrase.Key{phrase.VoiceTaken}, true},
		"2":  {"2", []phrase.Key{phrase.VoiceTaken}, true},
		"9":  {"", []phrase.Key{phrase.VoiceAsk}, false},
		"":   {"", []phrase.Key{phrase.VoiceAsk}, false},
		"0":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"*":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"#":  {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
		"11": {"", []phrase.Key{phrase.VoiceWrongKey, phrase.VoiceAsk}, false},
	} {
		w := newWorld(t, nil, nil)
		w.sink.answer = notifier.Answer{Kind: notifier.Taken, Ref: "7K4M2QX9D"}
		c := w.rings(page())
		says(t, w.sim.Press(c.UUID, key), want.over, phrase.English, asked, want.says...)
		var keys []notifier.KeyPress
		if want.sink != "" {
			keys = []notifier.KeyPress{{Ref: "7K4M2QX9D", Attempt: "p1a1", Key: want.sink, Phone: recipient, Provider: "vonage", ProviderID: c.UUID}}
		}
		if !slices.Equal(w.sink.keys, keys) {
			t.Errorf("%q: the sink is told of %+v, want %+v", key, w.sink.keys, keys)
		}
	}
}

func TestWhatBecameOfAKeyIsSaid(t *testing.T) {
	for kind, key := range map[notifier.AnswerKind]phrase.Key{
		notifier.Taken: phrase.VoiceTaken, notifier.AlreadyYours: phrase.VoiceAlreadyYours, notifier.AlreadyTaken: phrase.VoiceAlreadyTaken,
		notifier.AlreadyEnded: phrase.VoiceAlreadyEnded, notifier.PassedOn: phrase.VoicePassedOn, notifier.CannotPass: phrase.VoiceCannotPass,
		notifier.AlarmTaken: phrase.VoiceAlarmTaken, notifier.AlarmOver: phrase.VoiceAlarmOver,
		notifier.Signed: phrase.VoiceSigned, notifier.TakenOver: phrase.VoiceTakenOver, notifier.AlreadyConfirmed: phrase.VoiceAlreadyConfirmed,
		notifier.HandoverOver: phrase.VoiceHandoverOver, notifier.NoAnswer: phrase.VoiceUnknown, "a_later_versions": phrase.VoiceUnknown,
	} {
		w := newWorld(t, nil, nil)
		for _, l := range phrase.Languages {
			for _, sign := range []string{"KESTREL", "<speak>&\x01<break>"} {
				w.sink.answer = notifier.Answer{Kind: kind, Ref: "7K4M2QX9D", CallSign: sign, Language: "es"}
				m := page()
				m.Reader = string(l)
				got := w.sim.Press(w.rings(m).UUID, "1")
				args := asked
				args.CallSign = strings.NewReplacer("<", " ", ">", " ", "&", " ", "\x01", " ").Replace(sign)
				says(t, got, true, l, args, key)
				if kind == notifier.AlreadyTaken && sign == "KESTREL" && !strings.Contains(got.Turn[0], sign) {
					t.Errorf("%q does not say who has it", got.Turn)
				}
			}
		}
	}
}

func TestSilenceIsAskedThreeTimesMore(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.Taken}
	c := w.rings(page())
	for range 3 {
		says(t, w.sim.Press(c.UUID, ""), false, phrase.English, asked, phrase.VoiceAsk)
	}
	says(t, w.sim.Press(c.UUID, ""), true, phrase.English, asked, phrase.VoiceGoodbye)
	if len(w.sink.keys) > 0 {
		t.Error("silence acknowledges")
	}
	c = w.rings(page())
	for range 3 {
		w.sim.Press(c.UUID, "")
	}
	says(t, w.sim.Press(c.UUID, "1"), true, phrase.English, asked, phrase.VoiceTaken) // the last chance is one
}

func TestWhatIsNotStoredIsNotConfirmed(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.TryAgain}
	c := w.rings(page())
	says(t, w.sim.Press(c.UUID, "1"), false, phrase.English, asked, phrase.VoiceTryAgain, phrase.VoiceAsk)
	w.sink.answer.Kind = notifier.Taken
	says(t, w.sim.Press(c.UUID, "1"), true, phrase.English, asked, phrase.VoiceTaken)
	if len(w.sink.keys) != 2 {
		t.Errorf("%+v", w.sink.keys)
	}
}

func TestAKeyThatPanicsIsAnsweredAllTheSame(t *testing.T) {
	logger, check := logged(t)
	w := newWorld(t, func(o *vonage.Options) { o.Logger = logger }, nil)
	w.sink.panics = "whole text 424242 of " + string(recipient)
	says(t, w.sim.Press(w.rings(page()).UUID, "1"), false, phrase.English, asked, phrase.VoiceTryAgain, phrase.VoiceAsk)
	check()
}

func TestANoticeTakesNothing(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.Taken}
	m := page()
	m.About, m.Code, m.Reader = notifier.TellWithdrawn, "", "ru"
	c := w.rings(m)
	says(t, c, false, phrase.Russian, asked, phrase.VoiceWithdrawn)
	says(t, w.sim.Press(c.UUID, "9"), false, phrase.Russian, asked, phrase.VoiceWithdrawn)
	for _, key := range []string{"1", "2", "7"} {
		says(t, w.sim.Press(c.UUID, key), false, phrase.Russian, asked, phrase.VoiceWrongKey, phrase.VoiceWithdrawn)
	}
	says(t, w.sim.Press(c.UUID, ""), true, phrase.Russian, asked)
	if len(w.sink.keys) > 0 {
		t.Errorf("%+v", w.sink.keys)
	}
}

func TestAnAlarmIsSpoken(t *testing.T) {
	w := newWorld(t, nil, nil)
	m := page()
	ref, _ := request.NewOpsRef([]byte("alarm"))
	m.Ref, m.About, m.Alarm = ref, notifier.AskToLookAfter, request.AlarmProvider
	args := phrase.Args{Reference: ref.String(), Alarm: string(m.Alarm)}
	w.sink.answer = notifier.Answer{Kind: notifier.AlarmTaken, Ref: ref}
	c := w.rings(m)
	says(t, c, false, phrase.English, args, phrase.VoiceAlarm)
	says(t, w.sim.Press(c.UUID, "2"), false, phrase.English, args, phrase.VoiceWrongKey, phrase.VoiceAlarm)
	says(t, w.sim.Press(c.UUID, "1"), true, phrase.English, args, phrase.VoiceAlarmTaken)
	if len(w.sink.keys) != 1 || w.sink.keys[0].Ref != ref {
		t.Errorf("keys %+v", w.sink.keys)
	}
}

func TestAHandoverIsSpokenAndPassedToNobody(t *testing.T) {
	ref, _ := request.NewOpsRef([]byte("handover"))
	args := phrase.Args{Reference: ref.String(), CallSign: "HERON"}
	for about, want := range map[notifier.About]struct {
		asks phrase.Key
		says map[notifier.AnswerKind]phrase.Key
	}{
		notifier.AskToHandOver: {phrase.VoiceHandoverOut, map[notifier.AnswerKind]phrase.Key{
			notifier.Signed: phrase.VoiceSigned, notifier.AlreadyConfirmed: phrase.VoiceAlreadyConfirmed, notifier.HandoverOver: phrase.VoiceHandoverOver,
		}},
		notifier.AskToTakeOver: {phrase.VoiceHandoverIn, map[notifier.AnswerKind]phrase.Key{
			notifier.TakenOver: phrase.VoiceTakenOver, notifier.AlreadyTaken: phrase.VoiceAlreadyTaken, notifier.HandoverOver: phrase.VoiceHandoverOver,
		}},
	} {
		for answer, said := range want.says {
			w := newWorld(t, nil, nil)
			w.sink.answer = notifier.Answer{Kind: answer, Ref: ref, CallSign: "HERON"}
			m := page()
			m.Ref, m.About, m.Reader = ref, about, "fr"
			m.Duty = notifier.Duty{CallSign: "KESTREL", Open: 2, Requests: []request.Ref{"7K4M2QX9D", "9QX2M4K7B"}}
			c := w.rings(m)
			says(t, c, false, phrase.French, args, want.asks)
			says(t, w.sim.Press(c.UUID, "2"), false, phrase.French, args, phrase.VoiceWrongKey, want.asks)
			says(t, w.sim.Press(c.UUID, "1"), true, phrase.French, args, said)
			if len(w.sink.keys) != 1 || w.sink.keys[0].Ref != ref || w.sink.keys[0].Key != notifier.KeyTake {
				t.Errorf("keys %+v", w.sink.keys)
			}
		}
	}
}

// When the vendor gets nothing from the address that it was told, it asks the fallback, which is told of the other: the call goes on, also
// after a key.
func TestACallFallsBackAndGoesOn(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.Taken}
	w.broken.Store(true)
	c := w.rings(page())
	says(t, c, false, phrase.English, asked, phrase.VoiceAsk)
	says(t, w.sim.Press(c.UUID, "1"), true, phrase.English, asked, phrase.VoiceTaken)
	if len(w.sink.keys) != 1 || w.sink.keys[0].Key != notifier.KeyTake || w.sink.keys[0].Attempt != "p1a1" {
		t.Errorf("%+v", w.sink.keys)
	}
}

// newcomer is a client of another process: it knows nothing of what was called.
func newcomer(t *testing.T, w *world) notifier.Channel {
	t.Helper()
	o := options()
	o.BaseURL = w.simURL
	return newClient(t, o).Voice()
}

func TestANewcomerFindsACall(t *testing.T) {
	other := page()
	other.Page, other.Attempt = "p2", "p2a1"
	for name, c := range map[string]struct {
		prepare func(w *world)
		change  func(w *world, m *notifier.Message)
		want    int // number of the call; 0 is none
	}{
		"the only one":         {nil, nil, 1},
		"the only one, rings":  {func(w *world) { w.sim.SetStatus(-1, 0, "ringing") }, nil, 1},
		"the only one, spoken": {func(w *world) { w.sim.SetStatus(-1, 0, "answered") }, nil, 1},
		"a machine's":          {func(w *world) { w.sim.SetStatus(-1, 0, "machine") }, nil, 1},
		"over, and not known":  {func(w *world) { w.sim.SetStatus(-1, 0, "completed") }, nil, 0},
		"busy":                 {func(w *world) { w.sim.SetStatus(-1, 0, "busy") }, nil, 0},
		"nobody picked up":     {func(w *world) { w.sim.SetStatus(-1, 0, "timeout") }, nil, 0},
		"failed":               {func(w *world) { w.sim.SetStatus(-1, 0, "failed") }, nil, 0},
		"one of two, nobody knows which": {
			func(w *world) { w.client.Voice().Send(w.t.(*testing.T).Context(), other) }, nil, 0,
		},
		"one of two, the other is known": {
			func(w *world) { w.client.Voice().Send(w.t.(*testing.T).Context(), other) },
			func(w *world, m *notifier.Message) { m.Others = []string{w.sim.Calls()[1].UUID} }, 1,
		},
		"known to be another's": {nil, func(w *world, m *notifier.Message) { m.Others = []string{w.sim.Calls()[0].UUID} }, 0},
		"before the page":       {func(w *world) { w.sim.Backdate(0, 20*time.Second) }, nil, 0},
		"of another phone":      {nil, func(_ *world, m *notifier.Message) { m.To = "+15005550124" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, nil)
			w.voice = true
			w.Behave(notifiertest.LoseAnswer)
			w.Channel().Send(t.Context(), page())
			w.Behave(notifiertest.Accept)
			if c.prepare != nil {
				c.prepare(w)
			}
			m := page()
			m.Since = time.Now().Add(-time.Second)
			if c.change != nil {
				c.change(w, &m)
			}
			want := notifier.Outcome(notifier.NotFound{})
			if c.want > 0 {
				want = notifier.Accepted{ProviderID: w.sim.Calls()[c.want-1].UUID}
			}
			if got := newcomer(t, w).Find(t.Context(), m); got != want {
				t.Errorf("%#v, want %#v", got, want)
			}
		})
	}
}

func TestACallFromAStrangeNumberIsNotOurs(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.rings(page())
	o := options()
	o.BaseURL, o.Numbers = w.simURL, []string{"+15005550099"}
	if got := newClient(t, o).Voice().Find(t.Context(), page()); got != (notifier.NotFound{}) {
		t.Errorf("%#v", got)
	}
}

func TestACallIsFoundForOnePageOnly(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.rings(page())
	channel := newcomer(t, w)
	var wg sync.WaitGroup
	outcomes := make([]notifier.Outcome, 8)
	for n := range outcomes {
		wg.Go(func() {
			m := page()
			m.Page = "p" + strconv.Itoa(n+1)
			outcomes[n] = channel.Find(t.Context(), m)
		})
	}
	wg.Wait()
	accepted := 0
	for _, o := range outcomes {
		if _, ok := o.(notifier.Accepted); ok {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d pages took the same call: %v", accepted, outcomes)
	}
}
