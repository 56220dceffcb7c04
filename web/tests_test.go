package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/web"
)

// tester begins test pages in the log of a world, or refuses them.
type tester struct {
	w      *world
	orders []web.TestOrder
	refuse error
}

func (s *tester) OrderTest(_ context.Context, o web.TestOrder) (request.Ref, error) {
	if s.refuse != nil {
		return "", s.refuse
	}
	s.orders = append(s.orders, o)
	p := roster.Person{ID: o.Person, Contacts: []roster.Contact{{ID: "mobile", Channel: "sms", Address: "+15005550101"}, {ID: "desk", Channel: "voice", Address: "+15005550151"}}}
	b, _ := dispatcher.TestPage(p, o.Calls, s.w.now, func(_, contact, _ string) string { return "mark of " + contact })
	ref, _ := request.NewOpsRef([]byte("test of " + o.Person))
	commit := request.NewState(ref).Decide(s.w.now, "n1", request.Actor{Kind: request.BySystem, ID: "n1"}, dispatcher.RaiseMatter(b))
	data, err := commit.Encode()
	if err != nil {
		return "", err
	}
	_, err = s.w.log.Append(s.w.t.Context(), ref, commit.ID, data, 0, false)
	return ref, err
}

func TestATestPageIsOrderedAndShownWithoutANumber(t *testing.T) {
	w := newWorld(t)
	orders := &tester{w: w}
	w.web.Tester = orders
	a := w.call("POST", "/api/v1/people/ada/test-page", w.coordinator, `{"call": true, "now": true}`)
	var page struct{ Reference string }
	a.into(t, &page)
	where := "/api/v1/people/ada/test-page/" + page.Reference
	if a.StatusCode != http.StatusAccepted || a.Header.Get("Location") != where || orders.orders[0] != (web.TestOrder{Person: "ada", Calls: true, Night: true}) {
		t.Fatalf("%d, %s, orders %+v", a.StatusCode, a.Header.Get("Location"), orders.orders)
	}
	want := `{"reference":"` + page.Reference + `","person":"ada","ordered_at":"2026-03-04T22:05:00.000Z","expires_at":"2026-03-04T22:35:00.000Z","state":"open",` +
		`"contacts":[{"contact":"mobile","state":"waiting","acknowledged_at":null},{"contact":"desk","state":"waiting","acknowledged_at":null}]}`
	if got := strings.TrimSpace(a.text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	ref, _ := request.ParseRef(page.Reference)
	ordered := func(id, channel, contact string) request.Event {
		return request.NewEvent(request.PageOrdered, request.PageBody{Page: id, Purpose: request.Ask, About: "test", Person: "ada", Channel: channel, Contact: contact})
	}
	_, err := w.append(ref, request.Actor{Kind: request.BySystem, ID: "n1"}, ordered("p1", "sms", "mobile"), ordered("p2", "voice", "desk"))
	must(t, err)
	w.now = w.now.Add(time.Minute)
	state, err := w.State(t.Context(), ref)
	must(t, err)
	events, _ := dispatcher.Acknowledge(state, w.now, "ada", "p1", request.ViaCode)
	_, err = w.append(ref, request.Actor{Kind: request.ByOfficer, ID: "ada"}, events...)
	must(t, err)
	for name, token := range map[string]string{"a coordinator": w.coordinator, "the officer": w.officer} {
		text := w.call("GET", where, token, "").text
		if !strings.Contains(text, `{"contact":"mobile","channel":"sms","state":"acknowledged","acknowledged_at":"2026-03-04T22:06:00.000Z","via":"code"},{"contact":"desk","channel":"voice","state":"ordered"`) {
			t.Errorf("%s sees %s", name, text)
		}
		if strings.Contains(text, "+1500") || strings.Contains(text, "mark of") {
			t.Errorf("%s sees a number: %s", name, text)
		}
	}
}

func TestATestPageThatCannotGoOutSaysWhy(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/people/ada/test-page"
	if a := w.call("POST", path, w.coordinator, "{}"); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a node that sends none: %d", a.StatusCode)
	}
	orders := &tester{w: w}
	w.web.Tester = orders
	for name, c := range map[string]struct {
		token string
		err   error
		want  int
		says  string
	}{
		"a colleague":  {w.colleague, nil, http.StatusForbidden, "themselves only"},
		"a sender":     {w.sender, nil, http.StatusForbidden, ""},
		"nobody":       {w.coordinator, web.ErrNoPerson, http.StatusNotFound, ""},
		"no telephone": {w.coordinator, web.ErrNoTelephone, http.StatusConflict, "no telephone"},
		"at night":     {w.officer, web.ErrNight, http.StatusConflict, "--now"},
		"away":         {w.officer, web.ErrUnavailable, http.StatusServiceUnavailable, ""},
	} {
		orders.refuse = c.err
		if a := w.call("POST", path, c.token, "{}"); a.StatusCode != c.want || !strings.Contains(a.text, c.says) {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
	if len(orders.orders) != 0 {
		t.Errorf("ordered all the same: %+v", orders.orders)
	}
	orders.refuse = nil
	a := w.call("POST", path, w.officer, "{}")
	var page struct{ Reference string }
	a.into(t, &page)
	for _, where := range []string{"/api/v1/people/bruno/test-page/" + page.Reference, path + "/" + w.raised().Reference} {
		if a := w.call("GET", where, w.coordinator, ""); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", where, a.StatusCode)
		}
	}
}
