package vonage_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

// How a webhook of the fuzz target is signed.
const (
	forged  = iota // by somebody else
	asCall         // as one about a call
	asText         // as one about a text, where the body is an object of single values
	allWays = 3
)

// bring posts a body to an address, signed in a way.
func bring(h http.Handler, target *url.URL, body string, way int) *httptest.ResponseRecorder {
	r := &http.Request{Method: http.MethodPost, URL: target, RequestURI: target.RequestURI(), Host: "node-3.internal", Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	switch way {
	case forged:
		r.Header.Set("Authorization", "Bearer "+vonagesim.Token("another secret of 32 characters..", claims(body, nil)))
	case asCall:
		r.Header.Set("Authorization", "Bearer "+token(body))
	default:
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// textOf is a webhook about a text with one member set to anything, signed.
func textOf(name, value string) string {
	params := map[string]string{"msisdn": "15005550123", "to": "15005550006", "text": "PASS 424242", "client-ref": "7K4M2QX9D.p1a1", "status": "delivered"}
	params[name] = value
	return text(params, signSecret)
}

// same reports whether an address is one of ours: in which order its query comes, and what follows our mark there, is the same to both.
func same(target *url.URL, ours string) bool {
	want, err := url.ParseRequestURI(ours)
	if err != nil || target.Path != want.Path {
		return false
	}
	query := target.Query()
	query.Set("mark", query.Get("mark"))
	return query.Encode() == want.Query().Encode()
}

// FuzzWebhook brings any body to any address, genuine or forged: nothing panics; what is forged reaches nobody, and neither does a call's
// webhook at an address without our mark, or a receipt of another attempt; what reaches us is about the attempt in its address and no other;
// and what is signed for one address is good for no other. way says how it is signed; as a text, name and value stand for the body.
func FuzzWebhook(f *testing.F) {
	voice, status := addresses(f, options(), page())
	answers := newClient(f, options())
	key := input(f, answers.Webhooks(&sink{}), voice)
	for _, way := range []int{forged, asCall} {
		for _, name := range []string{"started", "answered", "human", "completed", "busy", "failed", "later"} {
			f.Add(strings.TrimPrefix(status, "/"), event(name, map[string]any{"detail": "cannot_route"}), "", "", way)
		}
		for _, digit := range []string{"1", "2", "9", "5", ""} {
			f.Add(strings.TrimPrefix(key, "/"), pressed(digit), "", "", way)
		}
		f.Add(strings.TrimPrefix(voice, "/"), event("", nil), "", "", way)
		f.Add(strings.TrimPrefix(vonage.FallbackPath, "/"), event("", map[string]any{"original_request": map[string]string{"url": public + key}}), "", "", way)
		f.Add("webhooks/vonage/voice/7K4M2QX9D/p1a1?about=ask&mark=x", "{}", "", "", way)
	}
	for _, name := range []string{"text", "status", "err-code", "client-ref", "msisdn", "&=", "sig", "timestamp", "api-key"} {
		f.Add(strings.TrimPrefix(receiptPath, "/"), "", name, "7K4M2QX9D.p1a1", asText)
		f.Add(strings.TrimPrefix(vonage.InboundPath, "/"), "", name, "1 & = \x00", asText)
	}
	_, elsewhere := addresses(f, options(), func() notifier.Message {
		m := page()
		m.Page, m.Attempt = "p2", "p2a1"
		return m
	}())
	otherAddress, err := url.ParseRequestURI(elsewhere)
	if err != nil {
		f.Fatal(err)
	}
	o := options()
	o.Transport = trip(func(*http.Request) (*http.Response, error) {
		return response(http.StatusOK, `{"messages":[{"status":"0","message-id":"0A"}]}`), nil
	})
	s := &sink{answer: notifier.Answer{Kind: notifier.AlreadyTaken, Ref: "7K4M2QX9D", CallSign: "<K>", Language: "fr"}}
	h := newClient(f, o).Webhooks(s)
	marked := []string{voice, status, key}
	f.Fuzz(func(t *testing.T, path, body, name, value string, way int) {
		way = ((way % allWays) + allWays) % allWays
		target, err := url.ParseRequestURI("/" + path)
		if err != nil || target.Host != "" {
			return // no path that a server would be called at
		}
		if way == asText {
			body = textOf(name, value)
		}
		s.reports, s.replies, s.keys = nil, nil, nil
		w := bring(h, target, body, way)
		reached := s.reached()
		about := strings.HasPrefix(target.Path, "/webhooks/vonage/message-status/") || target.Path == vonage.InboundPath
		switch {
		case reached > 0 && way == forged:
			t.Fatalf("what is forged reached us: %+v %q %+v", s.reports, s.replies, s.keys)
		case reached > 0 && way == asCall && (about || (target.Path != vonage.FallbackPath && !slices.ContainsFunc(marked, func(a string) bool { return same(target, a) }))):
			t.Fatalf("%s has no mark of ours, and reached us: %+v %+v", target, s.reports, s.keys)
		case reached > 0 && way == asText && !about:
			t.Fatalf("a text at %s reached us", target)
		}
		parts := strings.Split(target.Path, "/")
		for _, report := range s.reports {
			if ref, err := request.ParseRef(parts[4]); err != nil || report.Ref != ref || report.Attempt != parts[5] || report.Provider != "vonage" {
				t.Fatalf("%s reports of %s %s", target, report.Ref, report.Attempt)
			}
		}
		for _, k := range s.keys {
			if k.Ref != "7K4M2QX9D" || k.Attempt != "p1a1" || (k.Key != notifier.KeyTake && k.Key != notifier.KeyPass) {
				t.Fatalf("%s has a key of %s %s: %q", target, k.Ref, k.Attempt, k.Key)
			}
		}
		if way == asCall && target.RequestURI() != otherAddress.RequestURI() && reached > 0 {
			r := httptest.NewRequest(http.MethodPost, otherAddress.String(), strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+vonagesim.Token(signSecret, claims(body+" ", nil)))
			moved := httptest.NewRecorder()
			h.ServeHTTP(moved, r)
			if moved.Code != http.StatusForbidden || s.reached() != reached {
				t.Fatalf("the token of another body is good here: %d", moved.Code)
			}
		}
		switch w.Code {
		case http.StatusOK:
			if !strings.HasPrefix(w.Body.String(), `[{"action":"talk","text":"`) {
				t.Fatalf("a call is told %s", w.Body)
			}
		case http.StatusNoContent:
		case http.StatusForbidden, http.StatusNotFound, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusRequestEntityTooLarge, http.StatusBadRequest:
			if reached > 0 {
				t.Fatalf("%d, but the sink was reached", w.Code)
			}
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
