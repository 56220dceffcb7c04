package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/request"
)

// A script answers calls in memory.
type script func(r *http.Request) *http.Response

func (s script) RoundTrip(r *http.Request) (*http.Response, error) {
	if response := s(r); response != nil {
		return response, nil
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return nil, errors.New("connection refused")
}

func scripted(s script) *Client {
	c := New("http://line.example/", "dl_token")
	c.http.Transport = s
	return c
}

func answer(status int, body string, headers ...string) *http.Response {
	r := &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestRaiseSendsTheKeyAndLaterReadsPresentThePosition(t *testing.T) {
	var seen []*http.Request
	c := scripted(func(r *http.Request) *http.Response {
		seen = append(seen, r)
		return answer(202, `{"reference":"7K4M-2QX9-D","version":1,"status":"received"}`, "Dutyline-Position", "2s")
	})
	receipt, err := c.Raise(t.Context(), "k1", []byte(`type: x`), true)
	if err != nil || receipt.Reference != "7K4M-2QX9-D" {
		t.Fatal(receipt, err)
	}
	if _, err := c.Show(t.Context(), receipt.Reference); err != nil {
		t.Fatal(err)
	}
	first, second := seen[0].Header, seen[1].Header
	if first.Get("Idempotency-Key") != "k1" || first.Get("Content-Type") != "application/yaml" || first.Get("Authorization") != "Bearer dl_token" || first.Get("Dutyline-Position") != "" {
		t.Errorf("raise: %v", first)
	}
	if second.Get("Dutyline-Position") != "2s" || seen[1].URL.String() != "http://line.example/api/v1/requests/7K4M-2QX9-D" {
		t.Errorf("show: %v %s", second, seen[1].URL)
	}
}

func TestErrorsTellRefusedFromUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		response             *http.Response
		text                 string
		refused, unavailable bool
	}{
		"fields":       {answer(422, `{"code":"invalid","detail":"Some.","errors":[{"field":"/type","detail":"Absent.","fix":"Set it."}]}`), "Some. (422 invalid)\n  /type: Absent. Set it.", true, false},
		"not yours":    {answer(404, `{"code":"not_found","detail":"No."}`), "No. (404 not_found)", true, false},
		"wrong tokens": {answer(429, `{"code":"too_many_failed_sign_ins","detail":"Wait."}`, "Retry-After", "9"), "Wait.", true, false},
		"busy":         {answer(503, `{"code":"unavailable","detail":"Not now."}`, "Retry-After", "2"), "Not now. (503 unavailable)", false, true},
		"fault":        {answer(500, `{"code":"internal","detail":"Fault."}`), "Fault. (500 internal)", false, false},
		"proxy":        {answer(502, `<html>`), "The server answered 502. (502 http_502)", false, true},
		"busy proxy":   {answer(429, `<html>`), "(429 http_429)", false, true},
		"moved":        {answer(301, ``, "Location", "https://line.example/"), "(301 http_301)", false, false},
		"no JSON":      {answer(200, `<html>`), "read the answer", false, false},
		"cut off":      {cutOff(), "read the answer", false, true},
		"nobody":       {nil, "connection refused", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scripted(func(*http.Request) *http.Response { return c.response }).Show(t.Context(), "x")
			if err == nil || !strings.Contains(err.Error(), c.text) || Refused(err) != c.refused || Unavailable(err) != c.unavailable {
				t.Errorf("%v: refused %v, unavailable %v", err, Refused(err), Unavailable(err))
			}
			if p, ok := errors.AsType[*Problem](err); name == "busy" && (!ok || p.RetryAfter != 2*time.Second) || name == "wrong tokens" && p.RetryAfter != 9*time.Second {
				t.Errorf("%#v", p)
			}
		})
	}
	if Refused(nil) || Unavailable(nil) {
		t.Error("no error is one")
	}
}

func cutOff() *http.Response {
	a := answer(200, "")
	a.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"reference":`), iotest.ErrReader(io.ErrUnexpectedEOF)))
	return a
}

func TestWhoLeavesGetsNoAdviceToRepeat(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := scripted(func(*http.Request) *http.Response { cancel(); return nil })
	if _, err := c.Show(ctx, "x"); !errors.Is(err, context.Canceled) || Unavailable(err) || Refused(err) {
		t.Errorf("%v", err)
	}
}

func TestAnAddressThatIsNoneIsNotAnOutage(t *testing.T) {
	for _, base := range []string{"", "localhost:8080", "ftp://line.example", "http://", "http://a b", "://", "/tmp/x"} {
		c := New(base, "")
		_, err := c.Show(t.Context(), "x")
		if !errors.Is(err, ErrAddress) || Unavailable(err) || Refused(err) {
			t.Errorf("%q: %v", base, err)
		}
		if err := c.Watch(t.Context(), "x", nil); !errors.Is(err, ErrAddress) {
			t.Errorf("watch %q: %v", base, err)
		}
	}
}

func TestNoRedirectionIsFollowed(t *testing.T) {
	calls := 0
	c := scripted(func(*http.Request) *http.Response {
		calls++
		return answer(http.StatusFound, "", "Location", "http://elsewhere.example/")
	})
	_, err := c.Withdraw(t.Context(), "x", "why")
	if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusFound || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestAStreamThatNeverOpenedIsAnError(t *testing.T) {
	away := scripted(func(*http.Request) *http.Response { return nil })
	if err := away.Watch(t.Context(), "x", nil); !Unavailable(err) {
		t.Errorf("nobody: %v", err)
	}
	busy := scripted(func(*http.Request) *http.Response { return answer(503, `{"code":"unavailable","detail":"x"}`) })
	if err := busy.Tail(t.Context(), nil, nil); !Unavailable(err) {
		t.Errorf("busy: %v", err)
	}
}

func TestWatchComesBackWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last []string
		c := scripted(func(r *http.Request) *http.Response {
			last = append(last, r.Header.Get("Last-Event-ID"))
			switch len(last) {
			case 1:
				return answer(200, ": open\n\nid: 1\nevent: status\ndata: {\"version\":1,\"status\":\"received\"}\n\nid: 2\nevent: status\ndata: {\"ver")
			case 2:
				return nil
			case 3: // silent: nothing, not even a heartbeat
				body, w := io.Pipe()
				context.AfterFunc(r.Context(), func() { _ = w.CloseWithError(context.Canceled) })
				a := answer(200, "")
				a.Body = body
				return a
			default:
				return answer(200, "id: 2\nevent: status\ndata: {\"version\":2,\"status\":\"withdrawn\"}\n\n")
			}
		})
		var seen []string
		began := time.Now()
		err := c.Watch(t.Context(), "7K4M-2QX9-D", func(r request.Receipt) error {
			seen = append(seen, fmt.Sprint(r.Version, r.Status))
			return nil
		})
		if err != nil || strings.Join(seen, " ") != "1received 2withdrawn" || strings.Join(last, ",") != ",1,1,1" {
			t.Errorf("%v, saw %v, asked after %v", err, seen, last)
		}
		if took := time.Since(began); took < silence || took > silence+3*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestWatchEndsForAReasonThatStays(t *testing.T) {
	refused := scripted(func(*http.Request) *http.Response { return answer(404, `{"code":"not_found","detail":"x"}`) })
	if err := refused.Watch(t.Context(), "x", nil); err == nil || !strings.Contains(err.Error(), "not_found") {
		t.Errorf("refused: %v", err)
	}
	over := scripted(func(*http.Request) *http.Response { return answer(204, "") })
	if err := over.Watch(t.Context(), "x", nil); err != nil {
		t.Errorf("over: %v", err)
	}
	one := scripted(func(*http.Request) *http.Response { return answer(200, "id: 1\ndata: {}\n\n") })
	if err := one.Watch(t.Context(), "x", func(request.Receipt) error { return ErrStop }); err != nil {
		t.Errorf("stopped: %v", err)
	}
	mine := errors.New("mine")
	if err := one.Watch(t.Context(), "x", func(request.Receipt) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("failed: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(mine)
	if err := one.Watch(ctx, "x", func(request.Receipt) error { return nil }); !errors.Is(err, mine) {
		t.Errorf("left: %v", err)
	}
}

func TestTailGivesNoEventTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		event := func(id, seq string) string {
			text := "event: event\ndata: {\"id\":\"" + id + "\"}\n\n"
			if seq != "" {
				text = "id: " + seq + "\n" + text
			}
			return text
		}
		var last []string
		c := scripted(func(r *http.Request) *http.Response {
			last = append(last, r.Header.Get("Last-Event-ID"))
			if len(last) == 1 { // breaks in the middle of commit b
				return answer(200, event("a.0", "5")+event("b.0", ""))
			}
			return answer(200, event("b.0", "")+event("b.1", "6")+event("c.0", "7"))
		})
		after := uint64(4)
		var seen []string
		err := c.Tail(t.Context(), &after, func(e Event) error {
			if seen = append(seen, e.ID); len(seen) == 4 {
				return ErrStop
			}
			return nil
		})
		if err != nil || strings.Join(seen, " ") != "a.0 b.0 b.1 c.0" || strings.Join(last, ",") != "4,5" {
			t.Errorf("%v, saw %v, asked after %v", err, seen, last)
		}
	})
}

func TestHealthReadsBothAnswers(t *testing.T) {
	proxy := scripted(func(*http.Request) *http.Response { return answer(503, "<html>") })
	if _, err := proxy.Health(t.Context()); !Unavailable(err) {
		t.Errorf("a proxy without a server: %v", err)
	}
	for status, ok := range map[int]bool{200: true, 503: false} {
		c := scripted(func(*http.Request) *http.Response {
			return answer(status, fmt.Sprintf(`{"ok":%v,"parts":[{"name":"log","ok":%v}]}`, ok, ok))
		})
		if h, err := c.Health(t.Context()); err != nil || h.OK != ok || len(h.Parts) != 1 {
			t.Errorf("%d: %v %v", status, h, err)
		}
	}
}
