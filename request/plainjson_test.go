package request

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// seeds are commits as this code writes them, and as it does not.
func seeds(t testing.TB) [][]byte {
	t.Helper()
	at := time.Date(2026, 3, 2, 12, 0, 0, 123_456_789, time.UTC)
	s := NewState("7K4M2QX9D")
	full := NewEvent(Received, ReceivedBody{Sender: "s1", Type: Preservation, Urgency: Urgent, Missing: []string{"/facts"}, Due: []Due{{Clock: "acknowledge", At: At(at), Rule: "policy v1: acknowledge"}}})
	full.Sealed = []byte("sealed <bytes> \x00\xff")
	page := NewEvent(PageOrdered, PageBody{Page: "p1", Purpose: Ask, Person: "ada", Level: 1, Round: 1, Channel: "sms", RosterRevision: 12345678901, Expires: At(at)})
	strange := NewEvent(AlarmRaised, AlarmBody{Kind: AlarmNoChannel, Cause: "person <é> & \"x\""})
	var list [][]byte
	for _, c := range []Commit{
		s.Decide(at, "n1", Actor{BySystem, "n1"}, full, page), s.Decide(at, "n1", Actor{ByOfficer, "ada"}, strange), s.Decide(at, "ñ", Actor{}, page),
		Fact("7K4M2QX9D", "f1", at, "n1", Actor{ByProvider, "twilio"}, NewEvent(AttemptFailed, AttemptBody{Page: "p1", Attempt: "p1a1", Failure: FailedUnknown, RetryAt: At(at)})),
		Fact("7K4M2QX9D", "f2", at, "n1", Actor{ByProvider, "twilio"}, Event{Type: "later", Body: json.RawMessage(`{"a":[1,2,{"b":null}],"c":true,"d":-1.5e3}`)}),
		Fact("7K4M2QX9D", "f3", at, "n1", Actor{ByProvider, "twilio"}, Event{Type: Withdrawn, Body: json.RawMessage(`{}`)}),
	} {
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, data)
	}
	for _, text := range []string{
		`{"v":1,"id":"a","request":"r","time":"2026-02-30T12:00:00.000Z","node":"n","actor":{"kind":"k","id":"i"},"min_reader":1,"events":[{"type":"t","body":{}}]}`,
		`{"v":01,"id":"a","request":"r","time":"2026-02-03T12:00:00.000Z","node":"n","actor":{"kind":"k","id":"i"},"min_reader":1,"events":[]}`,
		`{"v":1,"id":"a","request":"r","time":"2026-02-03T12:00:00.000Z","node":"n","actor":{"kind":"k","id":"i"},"min_reader":1,"events":[{"type":"t","body":{},"sealed":"QQ"}]}`,
		`{"v":1,"id":"a","request":"r","time":"2026-02-03T12:00:00.000Z","node":"n","actor":{"kind":"k","id":"i"},"min_reader":1,"events":[{"type":"t","body":{"a":}}]}`,
		`{"V":1,"id":"a"}`, `{}`, ``, `[]`,
	} {
		list = append(list, []byte(text))
	}
	return list
}

// FuzzPlainCommits holds the plain reader and writer to what encoding/json makes of the same.
func FuzzPlainCommits(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want Commit
		err := json.Unmarshal(data, &want)
		got, ok := decodePlain(data)
		if ok && (err != nil || !reflect.DeepEqual(got, want)) {
			t.Fatalf("%s\nplain %+v\njson  %+v, error %v", data, got, want, err)
		}
		if err != nil {
			return
		}
		whole, err := json.Marshal(want)
		if plain, ok := encodePlain(want); ok && (err != nil || string(plain) != string(whole)) && !want.Time.IsZero() {
			t.Fatalf("plain %s\njson  %s, error %v", plain, whole, err)
		}
	})
}

// FuzzPlainBodies does the same for the bodies that are read by hand.
func FuzzPlainBodies(f *testing.F) {
	for _, seed := range seeds(f) {
		var c Commit
		if json.Unmarshal(seed, &c) != nil {
			continue
		}
		for _, e := range c.Events {
			f.Add([]byte(e.Body))
		}
	}
	f.Add([]byte(`{"page":"p1","page":"p2","look_up":true,"deadline":"2026-03-02T12:00:00.123Z","LEVEL":3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		holds(t, data, new(AttemptBody), new(AttemptBody))
		holds(t, data, new(PageBody), new(PageBody))
	})
}

func holds[B any](t *testing.T, data []byte, got, want *B) {
	t.Helper()
	err := json.Unmarshal(data, want)
	if readPlain(data, got) && (err != nil || !reflect.DeepEqual(got, want)) {
		t.Fatalf("%s\nplain %+v\njson  %+v, error %v", data, got, want, err)
	}
}

// TestWhatThisCodeWritesIsPlain: else the plain functions would be of no use.
func TestWhatThisCodeWritesIsPlain(t *testing.T) {
	list := seeds(t)
	for _, i := range []int{0, 3, 5} {
		c, ok := decodePlain(list[i])
		if _, writes := encodePlain(c); !ok || !writes {
			t.Errorf("not plain: %s", list[i])
		}
		for _, e := range c.Events {
			reads := e.Type != PageOrdered && e.Type != AttemptFailed
			if reads = reads || readPlain(e.Body, new(PageBody)) || readPlain(e.Body, new(AttemptBody)); !reads {
				t.Errorf("not plain: %s", e.Body)
			}
		}
	}
	if _, ok := decodePlain(list[1]); ok {
		t.Errorf("plain: %s", list[1])
	}
}

func BenchmarkDecode(b *testing.B) {
	data := seeds(b)[0]
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			_, _ = Decode(data)
		}
	})
	b.Run("json", func(b *testing.B) {
		for b.Loop() {
			var c Commit
			_ = json.Unmarshal(data, &c)
		}
	})
}
