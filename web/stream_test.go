package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A listener reads a stream until it ends or is left.
type listener struct {
	recorder *httptest.ResponseRecorder
	done     chan struct{}
	leave    context.CancelFunc
}

func (w *world) listen(path, token string, headers ...string) *listener {
	ctx, cancel := context.WithCancel(w.t.Context())
	l := &listener{httptest.NewRecorder(), make(chan struct{}), cancel}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	go func() {
		defer close(l.done)
		w.web.ServeHTTP(l.recorder, r)
	}()
	return l
}

// heard leaves the stream and gives what was said.
func (l *listener) heard() string {
	l.leave()
	<-l.done
	return l.recorder.Body.String()
}

func TestWatchTellsEveryChangeAndEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newQuietWorld(t, "redis.invalid:1")
		reference := w.raised().Reference
		path := "/api/v1/requests/" + reference
		l := w.listen(path+"/events", w.sender)
		time.Sleep(31 * time.Second)
		w.call("POST", path+"/acknowledge", w.officer, "")
		w.ask(reference, w.book.People[1].ID) // changes nothing that the sender sees
		synctest.Wait()
		w.call("POST", path+"/withdraw", w.sender, `{"reason":"solved"}`)
		<-l.done // by itself
		text := l.heard()
		ids := regexp.MustCompile(`(?m)^id: (\d+)\nevent: status\ndata: \{.*"status":"(\w+)"`).FindAllStringSubmatch(text, -1)
		var got []string
		for _, m := range ids {
			got = append(got, m[1]+" "+m[2])
		}
		if strings.Join(got, ", ") != "1 received, 2 acknowledged, 3 withdrawn" {
			t.Errorf("%v in\n%s", got, text)
		}
		if n := strings.Count(text, ": still here"); n != 2 {
			t.Errorf("%d heartbeats in 31 s", n)
		}
		if strings.Contains(text, w.book.People[0].CallSign) || strings.Contains(text, w.book.People[0].ID) {
			t.Error("the sender learns who has it")
		}
		if !strings.Contains(text, "/colour") {
			t.Error("the warnings are missing")
		}
		if a := w.listen(path+"/events", w.sender, "Last-Event-ID", "3"); a.heard() != "" || a.recorder.Code != http.StatusNoContent {
			t.Errorf("coming back after the end: %d", a.recorder.Code)
		}
		back := w.listen(path+"/events", w.sender, "Last-Event-ID", "2")
		<-back.done
		if text := back.heard(); strings.Count(text, "event: status") != 1 || !strings.Contains(text, "withdrawn") {
			t.Errorf("coming back in between: %s", text)
		}
	})
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newQuietWorld(t, "redis.invalid:1")
		l := w.listen("/api/v1/requests/"+w.raised().Reference+"/events", w.officer)
		synctest.Wait()
		_, err := w.dir.RevokeToken(t.Context(), w.officerToken.ID, w.now)
		must(t, err)
		time.Sleep(16 * time.Second)
		select {
		case <-l.done:
		default:
			t.Error("still open after the revocation")
		}
		l.leave()
	})
}

func TestTailStreamsEveryEventFromWhereTheReaderStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newQuietWorld(t, "redis.invalid:1")
		reference := w.raised().Reference // 1
		all, fresh := w.listen("/api/v1/log?after=0", w.coordinator), w.listen("/api/v1/log", w.coordinator)
		synctest.Wait()
		w.ask(reference, w.book.People[0].ID) // 2: two events
		back := w.listen("/api/v1/log?after=0", w.coordinator, "Last-Event-ID", "1")
		synctest.Wait()
		time.Sleep(16 * time.Second)
		lines := func(text string) string {
			var out []string
			for _, m := range regexp.MustCompile(`(?m)^(?:id: (\d+)\n)?event: event\ndata: \{.*?"type":"(\w+)"`).FindAllStringSubmatch(text, -1) {
				out = append(out, m[1]+m[2])
			}
			return strings.Join(out, " ")
		}
		if got := lines(all.heard()); got != "1received escalated 2page_ordered" {
			t.Errorf("all: %s", got)
		}
		for _, l := range []*listener{fresh, back} {
			text := l.heard()
			if got := lines(text); got != "escalated 2page_ordered" || !strings.Contains(text, ": still here") {
				t.Errorf("from 1 on: %s", text)
			}
		}
		if a := w.call("GET", "/api/v1/log", w.officer, ""); a.StatusCode != http.StatusForbidden {
			t.Errorf("officer: %d", a.StatusCode)
		}
		if a := w.call("GET", "/api/v1/log?after=x", w.coordinator, ""); a.StatusCode != http.StatusBadRequest {
			t.Errorf("nonsense: %d", a.StatusCode)
		}
	})
}
