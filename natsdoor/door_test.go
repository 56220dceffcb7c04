package natsdoor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/dutyline/dutyline/request"
)

const ref, merge = "Dutyline-Reference", "application/merge-patch+json"

func TestTheFourCallsAnswerAsHTTPDoes(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		raised := w.call(nc, me, "raise", preservation, "Idempotency-Key", "k1")
		reference := raised.receipt.Reference
		if r := raised.receipt; r.Version != 1 || r.Status != request.StatusReceived || len(r.Missing) == 0 || len(r.Warnings) == 0 || len(r.Due) == 0 {
			t.Errorf("%s", raised.Data)
		}
		for name, want := range map[string]string{"Content-Type": "application/json", "ETag": `"1"`, ref: reference, "Dutyline-Position": "1"} {
			if got := raised.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if again := w.call(nc, me, "raise", preservation, "idempotency-key", "k1"); string(again.Data) != string(raised.Data) {
			t.Errorf("the same key, however its header is written: %s", again.Data)
		}
		if other := w.call(nc, me, "raise", `{"type":"readiness_test"}`, "Idempotency-Key", "k1"); other.code() != "422" || other.problem.Code != "idempotency_key_reused" {
			t.Errorf("the key with another body: %v", other.Header)
		}
		if plain := w.call(nc, me, "raise", "type: readiness_test\nlanguage: en\n", "Content-Type", "application/yaml"); plain.receipt.Type != request.ReadinessTest {
			t.Errorf("YAML: %v %s", plain.Header, plain.Data)
		}
		if shown := w.call(nc, me, "show", "", ref, strings.ToLower(strings.ReplaceAll(reference, "-", ""))); string(shown.Data) != string(raised.Data) || shown.Header.Get("Dutyline-Position") != "" {
			t.Errorf("show: %v %s", shown.Header, shown.Data)
		}
		amended := w.call(nc, me, "amend", `{"offence":"fraud"}`, ref, reference, "If-Match", raised.Header.Get("ETag"))
		if amended.receipt.Version != 2 || amended.Header.Get("ETag") != `"2"` || strings.Contains(string(amended.Data), `"/offence"`) {
			t.Errorf("amend: %v %s", amended.Header, amended.Data)
		}
		for range 2 {
			if r := w.call(nc, me, "withdraw", `{"reason":"solved"}`, ref, reference); r.receipt.Status != request.StatusWithdrawn || r.receipt.Version != 3 {
				t.Errorf("withdraw: %v %s", r.Header, r.Data)
			}
		}
	})
}

func TestErrorsAreTheProblemsOfHTTP(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		reference := w.call(nc, me, "raise", preservation).receipt.Reference
		theirs := w.as(w.other)
		defer theirs.Close()
		foreign := w.call(theirs, w.other.id, "raise", preservation).receipt.Reference
		for _, c := range []struct {
			what, call, body string
			headers          []string
			code, status     string
		}{
			{"no JSON", "raise", `{"type":`, nil, "unreadable", "400"},
			{"nothing", "raise", ``, nil, "unreadable", "400"},
			{"a list", "raise", `[]`, nil, "invalid", "422"},
			{"no type", "raise", `{}`, nil, "invalid", "422"},
			{"an unknown urgency", "raise", `{"type":"preservation","urgency":"soon"}`, nil, "invalid", "422"},
			{"another media type", "raise", preservation, []string{"Content-Type", "text/plain"}, "unsupported_media_type", "415"},
			{"YAML that is none", "raise", "a: [", []string{"Content-Type", "application/yaml"}, "unreadable", "400"},
			{"too large", "raise", `{"type":"preservation","facts":"` + strings.Repeat("x", request.MaxBody) + `"}`, nil, "too_large", "413"},
			{"a long key", "raise", preservation, []string{"Idempotency-Key", strings.Repeat("k", 256)}, "unreadable", "400"},
			{"a made-up position", "raise", preservation, []string{"Dutyline-Position", "?"}, "unreadable", "400"},
			{"no reference", "show", "", nil, "unreadable", "400"},
			{"no reference", "withdraw", `{"reason":"x"}`, nil, "unreadable", "400"},
			{"no reference", "amend", `{}`, []string{"If-Match", `"1"`}, "unreadable", "400"},
			{"a reference in the body alone", "show", `{"reference":"` + reference + `"}`, nil, "unreadable", "400"},
			{"nonsense", "show", "", []string{ref, "nonsense"}, "not_found", "404"},
			{"nobody's", "show", "", []string{ref, "00000000-0"}, "not_found", "404"},
			{"somebody else's", "show", "", []string{ref, foreign}, "not_found", "404"},
			{"somebody else's", "withdraw", `{"reason":"x"}`, []string{ref, foreign}, "not_found", "404"},
			{"somebody else's", "amend", `{}`, []string{ref, foreign, "If-Match", `"1"`}, "not_found", "404"},
			{"no version", "amend", `{"offence":"x"}`, []string{ref, reference}, "version_required", "428"},
			{"an old version", "amend", `{"offence":"x"}`, []string{ref, reference, "If-Match", `"7"`}, "version_mismatch", "412"},
			{"no version", "amend", `{"offence":"x"}`, []string{ref, reference, "If-Match", "now"}, "version_mismatch", "412"},
			{"JSON for a patch", "amend", `{"offence":"x"}`, []string{ref, reference, "If-Match", `"1"`, "Content-Type", "application/json"}, "unsupported_media_type", "415"},
			{"another type", "amend", `{"type":"stored_data"}`, []string{ref, reference, "If-Match", `"1"`, "Content-Type", merge}, "invalid", "422"},
			{"a misspelt member", "withdraw", `{"raeson":"x"}`, []string{ref, reference}, "invalid", "422"},
		} {
			r := w.call(nc, me, c.call, c.body, c.headers...)
			if r.code() != c.status || string(r.problem.Code) != c.code || r.problem.Errors == nil {
				t.Errorf("%s, %s: %s %s, want %s %s", c.call, c.what, r.code(), r.problem.Code, c.status, c.code)
			}
			if text := fmt.Sprint(r.Header, string(r.Data)); strings.Contains(text, "zebra") || strings.Contains(text, "xxxxx") {
				t.Errorf("%s, %s: the answer quotes the body", c.call, c.what)
			}
		}
	})
}

func TestTheLogUnavailableIs503WithAWayOut(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc := w.as(w.sender)
		defer nc.Close()
		w.log.fail = true
		r := w.call(nc, w.sender.id, "raise", preservation)
		if r.code() != "503" || r.problem.Code != "unavailable" || r.Header.Get("Retry-After") != "2" || r.Header.Get(micro.ErrorHeader) == "" {
			t.Errorf("%v %s", r.Header, r.Data)
		}
	})
}

func TestTheServiceSaysWhatItIs(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		w.open()
		operator, err := w.server.Connect()
		must(t, err)
		defer operator.Close()
		inbox := operator.NewInbox()
		answers, err := operator.SubscribeSync(inbox)
		must(t, err)
		must(t, operator.PublishRequest("$SRV.INFO.dutyline", inbox, nil))
		for range 2 {
			m := next(t, answers, time.Second)
			if m == nil {
				t.Fatal("a door does not answer")
			}
			var info micro.Info
			must(t, json.Unmarshal(m.Data, &info))
			subjects := map[string]string{}
			for _, e := range info.Endpoints {
				subjects[e.Name] = e.Subject
				if e.QueueGroup != "dutyline" || e.Metadata["body"] == "" || e.Metadata["does"] == "" {
					t.Errorf("endpoint %+v", e)
				}
			}
			if info.Name != "dutyline" || info.Version != "1.0.0" || info.Metadata["node"] != "n1" || len(subjects) != 4 || subjects["withdraw"] != "dutyline.v1.*.withdraw" {
				t.Errorf("%s", m.Data)
			}
		}
	})
}

// Two nodes, one answer.
func TestOneOfSeveralDoorsAnswers(t *testing.T) {
	w := newWorld(t, false)
	second := w.open()
	nc, me := w.as(w.sender), w.sender.id
	answers, err := nc.SubscribeSync("_INBOX." + me + ".all")
	must(t, err)
	const calls = 40
	for i := range calls {
		m := &nats.Msg{Subject: "dutyline.v1." + me + ".raise", Reply: "_INBOX." + me + ".all", Data: []byte(preservation), Header: nats.Header{"Idempotency-Key": {fmt.Sprint(i)}}}
		must(t, nc.PublishMsg(m))
	}
	seen := map[string]bool{}
	for range calls {
		m := next(t, answers, 20*time.Second)
		if m == nil {
			t.Fatal("a call was not answered")
		}
		if r := m.Header.Get(ref); r == "" || seen[r] {
			t.Errorf("%v", m.Header)
		} else {
			seen[r] = true
		}
	}
	second.Close()
	if m := next(t, answers, 50*time.Millisecond); m != nil {
		t.Errorf("both answered: %v", m.Header)
	}
	if r := w.call(nc, me, "raise", preservation, "Idempotency-Key", "0"); !seen[r.receipt.Reference] {
		t.Errorf("the door that stays, the key of before: %v %s", r.Header, r.Data)
	}
}

func TestASlowCallHoldsUpNobody(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		release := make(chan struct{})
		var once sync.Once
		w.log.before(func([]byte) {
			first := false
			once.Do(func() { first = true })
			if first {
				<-release
			}
		})
		var slow sync.WaitGroup
		slow.Go(func() {
			if r := w.call(nc, me, "raise", preservation, "Idempotency-Key", "slow"); r.code() != "" {
				t.Errorf("the slow one: %v", r.Header)
			}
		})
		synctest.Wait()
		if r := w.call(nc, me, "raise", preservation, "Idempotency-Key", "quick"); r.code() != "" {
			t.Errorf("%v", r.Header)
		}
		close(release)
		slow.Wait()
	})
}

func TestADoorThatClosesAnswersWhatHasArrived(t *testing.T) {
	w := newWorld(t, false)
	nc, me := w.as(w.sender), w.sender.id
	release, held := make(chan struct{}), make(chan struct{}, 30)
	w.log.before(func([]byte) {
		held <- struct{}{}
		<-release
	})
	var calls sync.WaitGroup
	for i := range 30 {
		calls.Go(func() {
			if r, err := w.try(nc, me, "raise", preservation, "Idempotency-Key", fmt.Sprint(i)); err != nil || r.code() != "" {
				t.Errorf("call %d: %v %v", i, err, r.Msg)
			}
		})
	}
	for range 30 {
		<-held
	}
	closed := make(chan struct{})
	go func() {
		w.door.Close()
		close(closed)
	}()
	for { // until the door takes nothing more
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := nc.RequestWithContext(ctx, "dutyline.v1."+me+".show", nil)
		cancel()
		if errors.Is(err, nats.ErrNoResponders) {
			break
		}
		must(t, err)
	}
	select {
	case <-closed:
		t.Error("it did not wait for the calls under way")
	default:
	}
	close(release)
	calls.Wait()
	<-closed
}

func TestACallThatNeverEndsIsAbandonedWhenTheDoorCloses(t *testing.T) {
	w := newWorld(t, false)
	nc, me := w.as(w.sender), w.sender.id
	never, held := make(chan struct{}), make(chan struct{})
	w.log.before(func([]byte) {
		close(held)
		<-never
	})
	must(t, nc.Publish("dutyline.v1."+me+".raise", []byte(preservation)))
	<-held
	w.door.Close() // returns, or the test ends after its time
	if w.logs.FilterMessageSnippet("abandoned").Len() != 1 {
		t.Error("it was not said")
	}
	close(never)
}

func TestAPanicIsAnAnswerAndQuotesNothing(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		w.log.before(func([]byte) { panic("zebra-crossing") })
		if r := w.call(nc, me, "raise", preservation); r.code() != "500" || r.problem.Code != "internal" || strings.Contains(string(r.Data), "zebra") {
			t.Errorf("%v %s", r.Header, r.Data)
		}
		w.log.before(nil)
		if r := w.call(nc, me, "raise", preservation); r.code() != "" {
			t.Errorf("afterwards: %v", r.Header)
		}
		for _, e := range w.logs.All() {
			if line := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(line, "zebra") {
				t.Errorf("the log quotes: %s", line)
			}
		}
		if w.logs.FilterMessage("panic while answering").Len() != 1 {
			t.Error("the panic was not noted")
		}
	})
}

func TestOneSenderCannotTakeTheRoomOfAll(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		other := w.as(w.other)
		defer other.Close()
		release := make(chan struct{})
		w.log.before(func(data []byte) {
			if strings.Contains(string(data), me) {
				<-release
			}
		})
		answers, err := nc.SubscribeSync("_INBOX." + me + ".all")
		must(t, err)
		for range 600 {
			must(t, nc.PublishMsg(&nats.Msg{Subject: "dutyline.v1." + me + ".raise", Reply: "_INBOX." + me + ".all", Data: []byte(`{"type":"readiness_test"}`)}))
		}
		flush(t, nc)
		synctest.Wait()
		refused := 0
		for m := next(t, answers, time.Second); m != nil; m = next(t, answers, time.Second) {
			if m.Header.Get(micro.ErrorCodeHeader) != "503" || m.Header.Get("Retry-After") == "" {
				t.Fatalf("%v", m.Header)
			}
			refused++
		}
		if refused != 600-512 {
			t.Errorf("%d of 600 were refused", refused)
		}
		if r := w.call(other, w.other.id, "raise", preservation); r.code() != "" {
			t.Errorf("somebody else: %v", r.Header)
		}
		close(release)
		for range 512 {
			if m := next(t, answers, 5*time.Second); m == nil || m.Header.Get(ref) == "" {
				t.Fatal("a call that was under way got no answer")
			}
		}
		if r := w.call(nc, me, "raise", preservation); r.code() != "" {
			t.Errorf("afterwards: %v", r.Header)
		}
	})
}

// Headers count like bodies: both are in memory while a call waits.
func TestOneSenderCannotTakeTheMemoryOfAll(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		other := w.as(w.other)
		defer other.Close()
		release := make(chan struct{})
		w.log.before(func(data []byte) {
			if strings.Contains(string(data), me) {
				<-release
			}
		})
		answers, err := nc.SubscribeSync("_INBOX." + me + ".all")
		must(t, err)
		const calls, size, room = 100, 512 << 10, 32 << 20
		for range calls {
			must(t, nc.PublishMsg(&nats.Msg{
				Subject: "dutyline.v1." + me + ".raise", Reply: "_INBOX." + me + ".all", Header: nats.Header{"X": {strings.Repeat("x", size)}},
				Data: []byte(`{"type":"readiness_test"}`),
			}))
			flush(t, nc)
		}
		synctest.Wait()
		refused := 0
		for m := next(t, answers, time.Second); m != nil; m = next(t, answers, time.Second) {
			if m.Header.Get(micro.ErrorCodeHeader) != "503" {
				t.Fatalf("%v", m.Header)
			}
			refused++
		}
		if waiting := calls - refused; waiting*size > room || waiting < room/size-1 {
			t.Errorf("%d calls of %d bytes wait", waiting, size)
		}
		if r := w.call(other, w.other.id, "raise", preservation); r.code() != "" {
			t.Errorf("somebody else: %v", r.Header)
		}
		close(release)
		for range calls - refused {
			if m := next(t, answers, 5*time.Second); m == nil || m.Header.Get(ref) == "" {
				t.Fatal("a call that was under way got no answer")
			}
		}
		if r := w.call(nc, me, "raise", preservation); r.code() != "" {
			t.Errorf("afterwards: %v", r.Header)
		}
	})
}

func TestARequestWithoutAReplySubjectIsStored(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		must(t, nc.PublishMsg(&nats.Msg{Subject: "dutyline.v1." + me + ".raise", Data: []byte(preservation), Header: nats.Header{"Idempotency-Key": {"k"}}}))
		flush(t, nc)
		synctest.Wait()
		if head, err := w.log.log.Head(t.Context()); err != nil || head != 1 {
			t.Errorf("%d entries, %v", head, err)
		}
	})
}

func TestAReadWaitsForThePositionThatItPresents(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		reference := w.call(nc, me, "raise", preservation).receipt.Reference // 1
		began := time.Now()
		if r := w.call(nc, me, "show", "", ref, reference, "Dutyline-Position", "9"); r.code() != "503" || time.Since(began) < 4*time.Second {
			t.Errorf("a position that does not come: %v after %s", r.Header, time.Since(began))
		}
		done := make(chan reply)
		go func() { done <- w.call(nc, me, "show", "", ref, reference, "Dutyline-Position", "2") }()
		time.Sleep(time.Second)
		w.call(nc, me, "raise", `{"type":"readiness_test"}`) // 2
		if r := <-done; r.code() != "" {
			t.Errorf("%v", r.Header)
		}
	})
}

// Without the callout, NATS's own configuration lets people in, and the subject alone says who speaks.
func TestARevokedSenderIsRefusedWhateverNATSAllows(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, err := w.server.Connect()
		must(t, err)
		defer nc.Close()
		raise := func(sender string) string {
			inbox := "_INBOX." + sender + ".x"
			s, err := nc.SubscribeSync(inbox)
			must(t, err)
			defer func() { _ = s.Unsubscribe() }()
			must(t, nc.PublishRequest("dutyline.v1."+sender+".raise", inbox, []byte(preservation)))
			m := next(t, s, time.Second)
			if m == nil {
				return "no answer"
			}
			return m.Header.Get(micro.ErrorCodeHeader)
		}
		if code := raise(w.sender.id); code != "" {
			t.Errorf("a sender: %q", code)
		}
		_, err = w.dir.RevokeSender(t.Context(), w.sender.id, time.Now())
		must(t, err)
		for _, sender := range []string{w.sender.id, "nobody"} {
			if code := raise(sender); code != fmt.Sprint(http.StatusUnauthorized) {
				t.Errorf("%s: %q", sender, code)
			}
		}
	})
}

func TestEachChangeOfAStatusComesWithItsVersion(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		nc, me := w.as(w.sender), w.sender.id
		defer nc.Close()
		news, err := nc.SubscribeSync("dutyline.v1." + me + ".status.>")
		must(t, err)
		theirs := w.as(w.other)
		defer theirs.Close()
		foreign, err := theirs.SubscribeSync("dutyline.v1." + w.other.id + ".status.>")
		must(t, err)
		flush(t, nc)
		flush(t, theirs)
		reference := w.call(nc, me, "raise", preservation).receipt.Reference
		stored, err := request.ParseRef(reference)
		must(t, err)
		state := request.NewState(stored)
		history, err := w.log.History(t.Context(), stored)
		must(t, err)
		must(t, state.Apply(history[0].Seq, history[0].Data))
		w.door.StatusChanged(state)
		alarm := request.NewState("7K4M2QX9U") // no sender's
		w.door.StatusChanged(alarm)
		m := next(t, news, time.Second)
		if m == nil {
			t.Fatal("nothing was told")
		}
		var receipt request.Receipt
		must(t, json.Unmarshal(m.Data, &receipt))
		if m.Subject != "dutyline.v1."+me+".status."+reference || m.Header.Get("ETag") != `"1"` || m.Header.Get(nats.MsgIdHdr) != reference+".1" || receipt.Reference != reference || receipt.Version != 1 {
			t.Errorf("%s %v %s", m.Subject, m.Header, m.Data)
		}
		if len(receipt.Warnings) != 0 || strings.Contains(string(m.Data), "zebra") || strings.Contains(string(m.Data), "/colour") {
			t.Errorf("the content is told: %s", m.Data)
		}
		if m := next(t, foreign, time.Second); m != nil {
			t.Errorf("somebody else hears %s", m.Subject)
		}
		if m := next(t, news, time.Second); m != nil {
			t.Errorf("and %s", m.Subject)
		}
	})
}

func TestAPermissionLapsesAndIsGivenAnew(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		reconnected := make(chan struct{}, 9)
		nc := w.as(w.sender, nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }), nats.MaxReconnects(-1))
		defer nc.Close()
		began := time.Now()
		for i := range 2 {
			select {
			case <-reconnected:
			case <-time.After(3 * time.Hour):
				t.Fatal("the connection outlives its permission")
			}
			if at := time.Since(began).Round(time.Minute); at != time.Duration(i+1)*time.Hour {
				t.Errorf("given anew after %s", at)
			}
			if r := w.call(nc, w.sender.id, "raise", preservation); r.code() != "" {
				t.Errorf("%v", r.Header)
			}
		}
	})
}

func TestATokenThatExpiresEndsItsConnection(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		_, text, err := w.dir.AddToken(t.Context(), "sender", w.sender.id, 10*time.Minute, time.Now())
		must(t, err)
		closed := make(chan struct{})
		nc, err := w.connect(text, "_INBOX."+w.sender.id, nats.ClosedHandler(func(*nats.Conn) { close(closed) }), nats.NoReconnect())
		must(t, err)
		defer nc.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
		defer cancel()
		select {
		case <-closed:
		case <-ctx.Done():
			t.Error("still connected")
		}
	})
}
