package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzParseContent reads any body. What is not taken is unreadable, or has field errors that each name a place, a reason and a fix. What is
// taken is kept whole: its canonical form says the same, is the same for the same content however it is written, and is its own canonical
// form. Every member is known or warned of, and of the content nothing but a language tag of a bounded length leaves in clear.
func FuzzParseContent(f *testing.F) {
	for _, body := range []string{
		`{"type":"preservation","details":{"data":[1,{"a":null}]}}`, `{"type":"teleport"}`, `{"type":"preservation","type":"interception"}`,
		`{"type":"preservation","details":{"days":1e999999999,"a":-0,"b":1.50,"c":9223372036854775808}}`, "{\"type\":\"preservation\",\"facts\":\"\xff\"}",
		`{"type":"preservation","facts":"\ud800\u202e\u0000","":{"":{"":0}},"a/b~c":1}`, `{"Type":"preservation"}`, `{"type":["preservation"]}`,
		`{"type":"preservation","language":"x-the suspect"}`, `{"type":"preservation","language":"en-GB-oxendict","attachments":[{"data":"="}]}`, `null`, `{} {}`, ``,
		"\ufeff" + `{"type":"preservation"}`, `{"type":" preservation "}`, `{"type":"eu_urgent_information","details":{"accessibility":"direct"},"urgency":"routine"}`,
		`{"type":"preservation","a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, problems, err := ParseContent(body)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) {
				t.Fatalf("an error of its own: %v", err)
			}
			return
		}
		for _, p := range problems {
			if (p.Field == "") != (c.members == nil) || p.Code == "" || p.Detail == "" || p.Fix == "" {
				t.Fatalf("refused without a place, a reason or a fix: %+v", p)
			}
		}
		if len(problems) > 0 {
			return
		}
		canonical := c.Canonical()
		if !utf8.Valid(canonical) || !json.Valid(canonical) {
			t.Fatalf("the canonical form is no JSON: %q", canonical)
		}
		var before, after any
		if err := errors.Join(number(body, &before), number(canonical, &after)); err != nil || !reflect.DeepEqual(before, after) {
			t.Fatalf("sent %v, kept %v, %v", before, after, err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, canonical, "", " "); err != nil {
			t.Fatal(err)
		}
		again, problems, err := ParseContent(indented.Bytes())
		if err != nil || len(problems) > 0 || !bytes.Equal(again.Canonical(), canonical) {
			t.Fatalf("canonical form is not stable: %v %v", problems, err)
		}
		missing, warnings := c.Missing(), c.Warnings()
		for name := range c.members {
			path := "/" + escape(name)
			known := slices.ContainsFunc(c.Fields(), func(f Field) bool { return f.Path == path })
			if warned := slices.ContainsFunc(warnings, func(w Warning) bool { return w.Field == path }); !known && !warned {
				t.Fatalf("%q is not known, and nobody is told", name)
			}
		}
		for _, m := range missing {
			if !slices.ContainsFunc(c.Fields(), func(f Field) bool { return f.Path == m.Field && !f.Optional }) || c.present(m.Field) {
				t.Fatalf("%s is listed as missing", m.Field)
			}
		}
		if tag := c.Language(); len(tag) > 30 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			t.Fatalf("%q leaves the content as a language", tag)
		}
		if !slices.Contains(Types, c.Type()) || (c.Urgency() != "" && !slices.Contains(Urgencies, c.Urgency())) || !slices.Contains(Urgencies, Judge(c.Type(), c.Urgency())) {
			t.Fatalf("type %q, urgency %q", c.Type(), c.Urgency())
		}
	})
}

// number decodes JSON with its numbers as they are written.
func number(data []byte, into *any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// nightRef is the request of the night.
const nightRef = "7K4M2QX9D"

// FuzzFold puts any bytes into the log of a request, as a commit at any point of a night. Nothing panics, and:
//   - what is no commit moves the head and the chain, and nothing else;
//   - a fact that comes again, and a commit at or below the head, change nothing;
//   - who sent the request, and when it was received, stays; the version counts up by one at most, and only if the sender sees a difference;
//   - a reader that the commit asks for is remembered, and its other bytes survive: decoded and encoded, a commit means the same;
//   - the copy that was handed out before does not change.
func FuzzFold(f *testing.F) {
	log, _ := night(f)
	for i, c := range log {
		f.Add(c.Data, uint8(i))
		f.Add(bytes.Replace(c.Data, []byte(`"prev":`), []byte(`"was":`), 1), uint8(len(log)))
		f.Add(bytes.Replace(c.Data, []byte(`"min_reader":1`), []byte(`"min_reader":9223372036854775807`), 1), uint8(len(log)))
	}
	for _, data := range []string{
		``, `null`, `{}`, `{"v":1}`, `{"v":1,"id":"x","request":"7K4M2QX9D","time":"2016-12-31T23:59:60Z","events":[{}]}`,
		`{"v":-1,"id":"x","request":"` + nightRef + `","time":"2026-03-02T12:00:00Z","events":[null]}`,
		`{"v":1,"id":"x","request":"` + nightRef + `","time":"9999-12-31T23:59:59-23:59","events":[{"type":"closed","body":{}}]}`,
		`{"v":1,"id":"x","request":"` + nightRef + `","time":"2026-03-02T12:00:00Z","events":[{"type":"acknowledged","body":[]},{"type":"closed"}]}`,
		`{"v":1,"id":"x","request":"` + nightRef + `","time":"2026-03-02T12:00:00Z","prev":"0","events":[{"type":"received","body":{"sender":"s9","origin":"z"}}]}`,
	} {
		f.Add([]byte(data), uint8(len(log)))
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint8) {
		state := NewState(nightRef)
		for _, c := range log[:int(at)%(len(log)+1)] {
			if err := state.Apply(c.Seq, c.Data); err != nil {
				t.Fatal(err)
			}
		}
		before, kept := state.Clone(), state.Clone()
		seq := state.LastSeq + 7
		err := state.Apply(seq, data)
		if state.LastSeq != seq || state.Chain == before.Chain {
			t.Fatal("the head does not move")
		}
		commit, unread := Decode(data)
		if unread != nil || commit.Request != state.Ref {
			if !errors.Is(err, ErrCommit) {
				t.Fatalf("it is no commit of this request: %v", err)
			}
			moved := before.Clone()
			moved.LastSeq, moved.Chain = state.LastSeq, state.Chain
			if !reflect.DeepEqual(moved, state) {
				t.Fatalf("it is no commit and changes\n%+v into\n%+v", before, state)
			}
			return
		}
		if err != nil && !errors.Is(err, ErrCommit) {
			t.Fatal(err)
		}
		if !commit.IsDecision() && slices.Contains(before.seen, commit.ID) {
			before.LastSeq, before.Chain = state.LastSeq, state.Chain
			if !reflect.DeepEqual(before, state) {
				t.Fatalf("a fact that came again changes\n%+v into\n%+v", before, state)
			}
			return
		}
		if before.Exists() && (state.Sender != before.Sender || state.Origin != before.Origin || !state.Received.Equal(before.Received)) {
			t.Fatalf("a request of %q, received at %s, became one of %q, received at %s", before.Sender, before.Received, state.Sender, state.Received)
		}
		if state.Exists() == state.Received.IsZero() {
			t.Fatalf("exists %t, received at %s", state.Exists(), state.Received)
		}
		if d := state.Version - before.Version; d != 0 && d != 1 || (d == 1) != (state.view() != before.view()) {
			t.Fatalf("version %d after %d, as the sender sees %+v after %+v", state.Version, before.Version, state.view(), before.view())
		}
		if state.MinReader != max(before.MinReader, commit.MinReader) || state.TooNew() != (state.MinReader > Reader) {
			t.Fatalf("reader %d, after %d and a commit for %d", state.MinReader, before.MinReader, commit.MinReader)
		}
		names := map[string]bool{}
		for i := range state.Pages {
			if p := &state.Pages[i]; names[p.Page] {
				t.Fatalf("two pages of the name %q", p.Page)
			} else if names[p.Page] = true; p.State == "" || ((p.State == PageSending || p.State == PageRetrying) && p.Last() == nil) {
				t.Fatalf("page %+v", p)
			}
		}
		receipt := state.Receipt(nil)
		if text, err := json.Marshal(receipt); err != nil || slices.ContainsFunc(state.Pages, func(p Page) bool { return len(p.Person) > 8 && bytes.Contains(text, []byte(p.Person)) }) {
			t.Fatalf("the receipt names a person, or cannot be written: %s, %v", text, err)
		}
		if !reflect.DeepEqual(before, kept) {
			t.Fatal("a copy that was handed out has changed")
		}
		again := state.Clone()
		if err := again.Apply(seq, data); err != nil || !reflect.DeepEqual(again, state) {
			t.Fatalf("the same message changes the state: %v", err)
		}
		if !commit.IsDecision() {
			_ = again.Apply(seq+1, data)
			again.LastSeq, again.Chain = state.LastSeq, state.Chain
			if !reflect.DeepEqual(again, state) {
				t.Fatalf("the same fact changes\n%+v into\n%+v", state, again)
			}
		}
		encoded, err := commit.Encode()
		if err != nil {
			t.Fatalf("decoded, and does not encode: %v", err)
		}
		if twice, err := Decode(encoded); err != nil || !reflect.DeepEqual(compact(t, twice), compact(t, commit)) {
			t.Fatalf("%s means something else than %s: %v", encoded, data, err)
		}
	})
}

// compact is a commit with its bodies as short as can be.
func compact(t *testing.T, c Commit) Commit {
	t.Helper()
	c.Events = slices.Clone(c.Events)
	for i := range c.Events {
		var out any
		if len(c.Events[i].Body) == 0 {
			c.Events[i].Body = json.RawMessage("null")
		}
		if err := number(c.Events[i].Body, &out); err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		c.Events[i].Body, c.Events[i].Sealed = body, append([]byte{}, c.Events[i].Sealed...)
	}
	return c
}

// FuzzReference reads any text as a reference. One that is read has nine characters of the alphabet and is read again from every form in
// which people write it; with a character changed it is another request's or none; and its subject leads back to it.
func FuzzReference(f *testing.F) {
	for _, text := range []string{
		"7K4M-2QX9-D", "7k4m2qx9d", " 7 K 4 M 2 Q X 9 D ", "OIL0-1111-0", "00000000U", "0000-000Y-Z", "7K4M2QX9", "7K4M2QX9DD", "", "-", "\u212a", "\u017f\u0131", "7K4M2QX9\x00", "7K4M2QX9D\xff",
		"\u202e7K4M2QX9D", strings.Repeat("-", 2000) + "7K4M2QX9D", "UUUUUUUUU", "7K4M—2QX9—D",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseRef(text)
		if err != nil {
			if !errors.Is(err, ErrReference) || ref != "" {
				t.Fatalf("%q: %q, %v", text, ref, err)
			}
			return
		}
		if len(ref) != referenceLength || strings.Trim(string(ref[:8]), alphabet) != "" || strings.Trim(string(ref[8:]), alphabet+"U") != "" {
			t.Fatalf("%q is read as %q", text, ref)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) {
			t.Fatalf("%q is read as a reference", text)
		}
		for _, form := range []string{
			string(ref), ref.String(), strings.ToLower(ref.String()), strings.ReplaceAll(ref.String(), "-", " "), " " + text + "-",
			strings.NewReplacer("0", "o", "1", "l").Replace(string(ref)), strings.NewReplacer("1", "I").Replace(string(ref)),
		} {
			if again, err := ParseRef(form); err != nil || again != ref {
				t.Fatalf("%q is read as %q, and %q as %q, %v", text, ref, form, again, err)
			}
		}
		if back, ok := RefOfSubject(ref.Subject()); !ok || back != ref {
			t.Fatalf("%s leads to %q", ref.Subject(), back)
		}
		for i := range ref {
			other := []byte(ref)
			other[i] = alphabet[(strings.IndexByte(alphabet, other[i])+1)%32]
			if wrong, err := ParseRef(string(other)); err == nil && wrong[:8] != ref[:8] && i == 8 {
				t.Fatalf("%q and %q are both references", ref, wrong)
			} else if err == nil && i < 8 {
				t.Fatalf("one character differs: %q and %q are both references", ref, wrong)
			}
		}
	})
}
