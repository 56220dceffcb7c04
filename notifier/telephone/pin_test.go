package telephone_test

import (
	"bytes"
	"context"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/phrase"
)

// guarded takes a key with the right PIN, and says no to all others; locked says so of all.
type guarded struct {
	notifier.Sink

	right  notifier.PIN
	locked bool
	trips  bool // the next one cannot be stored
	tries  []int
}

func (g *guarded) Key(_ context.Context, k notifier.KeyPress) notifier.Answer {
	kind := notifier.PINWanted
	switch {
	case k.Key == notifier.KeyPass:
		kind = notifier.PassedOn
	case g.locked:
		kind = notifier.PINLocked
	case k.PIN != "":
		g.tries = append(g.tries, k.Try)
		if kind = notifier.WrongPIN; k.PIN == g.right {
			kind = notifier.Taken
		}
	}
	if g.trips && kind == notifier.Taken {
		g.trips = false
		return notifier.Answer{Kind: notifier.TryAgain}
	}
	return notifier.Answer{Kind: kind}
}

// dialled is a call in which keys are pressed, turn by turn, each read from its address as a node that knows nothing does.
func dialled(t testing.TB, s notifier.Sink, keys ...string) telephone.Turn {
	t.Helper()
	q, _ := telephone.QuestionOf(message())
	turn := q.Ask()
	for _, k := range keys {
		if turn.Next == nil {
			t.Fatalf("the call was over before %q", k)
		}
		ref, attempt, _ := strings.Cut(turn.Next.Path(), "/")
		asked, ok := telephone.ReadQuestion(ref, attempt, turn.Next.Query())
		if !ok {
			t.Fatal("an address that is none")
		}
		turn = asked.Heard(t.Context(), k, notifier.KeyPress{ProviderID: "c1"}, s, zap.NewNop())
	}
	return turn
}

func says(k phrase.Key) string {
	return phrase.Spoken(phrase.Spanish, k, phrase.Args{Reference: "7K4M-2QX9-D"})
}

func TestACallAsksForThePINBeforeAnythingIsTaken(t *testing.T) {
	wanted := dialled(t, &guarded{right: "835172"}, "1")
	if !slices.Equal(wanted.Words, []string{says(phrase.VoicePIN)}) || wanted.Next.Keys() != 8 || wanted.Next.Wait() != telephone.PINTimeout {
		t.Errorf("%+v", wanted)
	}
	for name, c := range map[string]struct {
		keys  []string
		sink  guarded
		words []phrase.Key
		over  bool
		tries []int
	}{
		"the right one":                  {keys: []string{"1", "835172"}, words: []phrase.Key{phrase.VoiceTaken}, over: true, tries: []int{1}},
		"a wrong one":                    {keys: []string{"1", "111222"}, words: []phrase.Key{phrase.VoiceWrongPIN, phrase.VoicePIN}, tries: []int{1}},
		"wrong, then right":              {keys: []string{"1", "111222", "835172"}, words: []phrase.Key{phrase.VoiceTaken}, over: true, tries: []int{1, 2}},
		"three wrong ones":               {keys: []string{"1", "11", "835173", "#", "12345678"}, words: []phrase.Key{phrase.VoiceWrongPIN, phrase.VoicePINFailed}, over: true, tries: []int{1, 2, 3}},
		"nothing":                        {keys: []string{"1", ""}, words: []phrase.Key{phrase.VoicePIN}},
		"nothing for ever":               {keys: []string{"1", "", "", "", ""}, words: []phrase.Key{phrase.VoiceGoodbye}, over: true},
		"the key that would repeat":      {keys: []string{"1", "9"}, words: []phrase.Key{phrase.VoiceWrongPIN, phrase.VoicePIN}, tries: []int{1}},
		"no PIN for passing on":          {keys: []string{"2"}, words: []phrase.Key{phrase.VoicePassedOn}, over: true},
		"locked":                         {keys: []string{"1"}, sink: guarded{locked: true}, words: []phrase.Key{phrase.VoicePINLocked}, over: true},
		"a right one that is not stored": {keys: []string{"1", "835172"}, sink: guarded{trips: true}, words: []phrase.Key{phrase.VoiceTryAgain, phrase.VoicePIN}, tries: []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			c.sink.right = "835172"
			turn := dialled(t, &c.sink, c.keys...)
			var want []string
			for _, k := range c.words {
				want = append(want, says(k))
			}
			if !slices.Equal(turn.Words, want) || (turn.Next == nil) != c.over || !slices.Equal(c.sink.tries, c.tries) {
				t.Errorf("said %q, over %t, tries %v; want %q", turn.Words, turn.Next == nil, c.sink.tries, want)
			}
		})
	}
}

// However somebody keys, no call takes more than three PINs, and each is a try of its own.
func TestNoCallTakesMoreThanThreePINs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &guarded{right: "835172"}
		q, _ := telephone.QuestionOf(message())
		turn := q.Ask()
		for i := 0; turn.Next != nil && i < 40; i++ {
			keys := rapid.SampledFrom([]string{"", "1", "2", "9", "#", "12", "4711", "99999999", "1"}).Draw(t, "keys")
			turn = turn.Next.Heard(t.Context(), keys, notifier.KeyPress{ProviderID: "c1"}, s, zap.NewNop())
		}
		for i, try := range s.tries {
			if try != i+1 || try > 3 {
				t.Fatalf("tries %v", s.tries)
			}
		}
	})
}

// FuzzKeys brings any keys to any address of a call whose officer has a PIN: nothing panics, nothing is taken without the right PIN, no call goes
// beyond three tries, and what was keyed in stands in no address, no word and no line of the log.
func FuzzKeys(f *testing.F) {
	for _, query := range []string{"about=ask&reader=fr", "about=ask&try=1", "about=ask&try=3&repeats=3", "about=alarm&try=2", "about=withdrawn&try=1", "try=-1&about=ask", "about=ask&try=99"} {
		for _, keys := range []string{"", "1", "2", "9", "#", "835172", "835172#", "1234", "00000000", "*", "1\x00", "١٢٣٤"} {
			f.Add(query, keys)
		}
	}
	f.Fuzz(func(t *testing.T, query, keys string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		q, ok := telephone.ReadQuestion("7K4M2QX9D", "p1a1", values)
		if !ok {
			return
		}
		var lines bytes.Buffer
		log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(&lines), zapcore.DebugLevel))
		s := &guarded{right: "835172"}
		turn := q.Heard(t.Context(), keys, notifier.KeyPress{ProviderID: "c1"}, s, log)
		taken := slices.Contains(turn.Words, phrase.Spoken(turn.Reader, phrase.VoiceTaken, phrase.Args{Reference: "7K4M-2QX9-D"}))
		if taken != (len(s.tries) == 1 && keys == "835172") {
			t.Fatalf("%q at %q: taken %t", keys, query, taken)
		}
		if len(s.tries) > 1 || (len(s.tries) == 1 && (s.tries[0] < 1 || s.tries[0] > 3)) {
			t.Fatalf("tries %v", s.tries)
		}
		if len(s.tries) == 1 && !taken { // what is said and asked next is the same for every other wrong one
			other := q.Heard(t.Context(), keys+"0", notifier.KeyPress{ProviderID: "c1"}, &guarded{right: "835172"}, log)
			if !reflect.DeepEqual(turn, other) || lines.Len() > 0 {
				t.Fatalf("%q: %+v, another: %+v, log %s", keys, turn, other, lines.String())
			}
		}
	})
}
