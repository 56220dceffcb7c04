package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
)

// unsealed keeps what is sealed as it is, for tests that look at something else.
type unsealed struct{}

func (unsealed) Seal(_ context.Context, _, _ string, plain []byte) ([]byte, error) { return plain, nil }

func (unsealed) Open(_ context.Context, _, _ string, sealed []byte) ([]byte, error) {
	return sealed, nil
}

func clearService(m *memory) *intake.Service {
	return intake.New(intake.Options{
		Log: m, Sealer: unsealed{}, Deployment: deployment, Node: "n1",
		Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) },
	})
}

// refusal is the word for an error that a sender can be told, "" for nil and for one that they cannot.
func refusal(err error) string {
	invalid := &intake.InvalidError{}
	switch {
	case errors.Is(err, request.ErrUnreadable):
		return "unreadable"
	case errors.As(err, &invalid) && len(invalid.Fields) > 0:
		return "invalid"
	case errors.Is(err, intake.ErrKeyReused):
		return "key reused"
	case errors.Is(err, intake.ErrTooLarge):
		return "too large"
	default:
		return ""
	}
}

// value is JSON with its numbers as they are written.
func value(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return v
}

// FuzzRaise brings any body and key. It is refused with a reason, and then nothing is stored; or it is stored once, whole: the content says
// what was sent, the same key and body get the first answer on another node, and the same key with another body is refused. Another sender
// cannot see it. What the log holds in clear does not hold what people wrote.
func FuzzRaise(f *testing.F) {
	f.Add("k1", []byte(body))
	f.Add("", []byte(body))
	f.Add("\x00\xff", []byte(`{"type":"preservation"}`))
	f.Add(strings.Repeat("k", 300), []byte(`{"type":"eu_urgent_information","instrument":"eu_directive_2023_977","details":{"accessibility":"direct"}}`))
	for _, text := range []string{
		`{"type":"preservation","facts":"a","facts":"b"}`, "{\"type\":\"preservation\",\"facts\":\"\xc0\xaf\"}", `{"type":"preservation","n":1e400,"m":18446744073709551616}`,
		`{"type":"preservation","a":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `}`,
		`{"type":"preservation","a":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}`,
		`{"type":"preservation","language":"` + strings.Repeat("x", 200) + `"}`, `{"":{"":null},"type":"readiness_test","~/":0}`, `{"type":"preservation"}]`,
	} {
		f.Add("k", []byte(text))
	}
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		m := newMemory()
		s := clearService(m)
		result, err := s.Raise(t.Context(), "s1", key, body)
		if err != nil {
			if refusal(err) == "" || len(m.logs) != 0 {
				t.Fatalf("%v, and %d logs", err, len(m.logs))
			}
			return
		}
		if len(m.logs) != 1 || len(m.logs[result.Ref]) != 1 || result.Receipt.Status != request.StatusReceived || result.Receipt.Version != 1 {
			t.Fatalf("%d logs, %+v", len(m.logs), result.Receipt)
		}
		stored, err := s.Content(t.Context(), result.Ref)
		if err != nil || !reflect.DeepEqual(value(t, stored.Content), value(t, body)) {
			t.Fatalf("sent %q, kept %q, %v", body, stored.Content, err)
		}
		shown, err := s.Show(t.Context(), "s1", result.Ref)
		if err != nil || !reflect.DeepEqual(shown, result.Receipt) {
			t.Fatalf("answered %+v, shown %+v, %v", result.Receipt, shown, err)
		}
		if _, err := s.Show(t.Context(), "s2", result.Ref); !errors.Is(err, intake.ErrNotFound) {
			t.Fatalf("another sender sees it: %v", err)
		}
		commit, err := request.Decode(m.logs[result.Ref][0].Data)
		if err != nil {
			t.Fatal(err)
		}
		if c, _, _ := request.ParseContent(body); !bytes.Contains(commit.Events[0].Sealed, c.Canonical()) {
			t.Fatal("the content is not sealed as it is")
		} else if facts, ok := c.Get("/facts"); ok && len(facts.(string)) > 8 && bytes.Contains(commit.Events[0].Body, []byte(facts.(string))) {
			t.Fatalf("the facts stand in clear: %s", commit.Events[0].Body)
		}
		if key == "" {
			return
		}
		again, err := clearService(m).Raise(t.Context(), "s1", key, stored.Content)
		if err != nil || !reflect.DeepEqual(again, result) || len(m.logs) != 1 {
			t.Fatalf("again %+v, first %+v, %v", again, result, err)
		}
		if _, err := s.Raise(t.Context(), "s1", key, []byte(`{"type":"asset_freeze","sender_reference":"another"}`)); !errors.Is(err, intake.ErrKeyReused) {
			t.Fatalf("another body: %v", err)
		}
	})
}

// patched is a second reading of RFC 7396, section 2, over values that it never changes.
func patched(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out := map[string]any{}
	if members, ok := target.(map[string]any); ok {
		for name, v := range members {
			if _, touched := changes[name]; !touched {
				out[name] = v
			}
		}
	}
	members, _ := target.(map[string]any)
	for name, change := range changes {
		if change != nil {
			out[name] = patched(members[name], change)
		}
	}
	return out
}

// FuzzAmend amends a stored request by any merge patch. It is refused with a reason, and then the content, the version and the log are what
// they were; or the content is what RFC 7396 makes of it, a second time by the same patch changes nothing more, and the version counts up
// by one. Type and urgency stay. A patch made from another version is refused, and so is one by somebody else.
func FuzzAmend(f *testing.F) {
	first := []byte(`{"type":"preservation","urgency":"critical","facts":"Fraud","n":1.50,"callback_person":{"name":"J","phone":"+33199001234"},"details":{"data":["a",{"b":null}],"x":{"y":{"z":1}}}}`)
	for _, patch := range []string{
		`{}`, `{"facts":"More"}`, `{"facts":null}`, `{"details":{"x":{"y":null}}}`, `{"details":{"x":{"y":{"z":{"deep":null}}}}}`, `{"details":["x"]}`, `{"details":null}`,
		`{"urgency":"routine"}`, `{"urgency":null}`, `{"type":"interception"}`, `{"type":null}`, `{"type":" preservation "}`, `[]`, `null`, `{"a":1,"a":2}`, `{"facts":"` + "\xff" + `"}`,
		`{"n":1.5}`, `{"n":1.50}`, `{"":{"":{"":null}}}`, `{"callback_person":"nobody"}`, `{"new":{"b":null,"c":[null]}}`, `{"facts":`, `{"n":2}{"n":3}`,
		`{"a":` + strings.Repeat(`{"a":`, 999) + `0` + strings.Repeat("}", 1000), `{"facts":"\u0000\u202e"}`, `{"confidential":"yes"}`, `{"language":"fr"}`,
	} {
		f.Add(first, []byte(patch))
	}
	f.Add([]byte(`{"type":"readiness_test"}`), []byte(`{"urgency":"emergency","details":{"scenario":"drill"}}`))
	f.Fuzz(func(t *testing.T, first, patch []byte) {
		m := newMemory()
		s := clearService(m)
		raised, err := s.Raise(t.Context(), "s1", "k", first)
		if err != nil {
			t.Skip("FuzzRaise looks at bodies")
		}
		before, err := s.Content(t.Context(), raised.Ref)
		if err != nil {
			t.Fatal(err)
		}
		log := slices.Clone(m.logs[raised.Ref])
		for _, wrong := range []struct {
			sender  string
			version int
			want    error
		}{{"s2", 1, intake.ErrNotFound}, {"s1", 2, intake.ErrVersion}, {"s1", -1, intake.ErrVersion}} {
			if _, err := s.Amend(t.Context(), wrong.sender, raised.Ref, wrong.version, patch); !errors.Is(err, wrong.want) {
				t.Fatalf("%+v: %v", wrong, err)
			}
		}
		result, err := s.Amend(t.Context(), "s1", raised.Ref, 1, patch)
		after, readErr := s.Content(t.Context(), raised.Ref)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if err != nil {
			if refusal(err) == "" || !reflect.DeepEqual(m.logs[raised.Ref], log) || !reflect.DeepEqual(after, before) {
				t.Fatalf("%v, and the content is %s", err, after.Content)
			}
			return
		}
		want := patched(value(t, before.Content), value(t, patch))
		if got := value(t, after.Content); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s amended by %s is %s", before.Content, patch, after.Content)
		}
		if changed := !bytes.Equal(before.Content, after.Content); result.Receipt.Version != 1 && !changed || changed && result.Receipt.Version != 2 {
			t.Fatalf("version %d, changed %t", result.Receipt.Version, changed)
		}
		if result.Receipt.Type != raised.Receipt.Type || result.Receipt.Urgency != raised.Receipt.Urgency {
			t.Fatalf("type %s and urgency %s became %s and %s", raised.Receipt.Type, raised.Receipt.Urgency, result.Receipt.Type, result.Receipt.Urgency)
		}
		again, err := s.Amend(t.Context(), "s1", raised.Ref, result.Receipt.Version, patch)
		if err != nil || !reflect.DeepEqual(again, result) {
			t.Fatalf("the same patch again: %+v after %+v, %v", again, result, err)
		}
	})
}
