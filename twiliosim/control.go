package twiliosim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Handler serves everything: the vendor's API under /2010-04-01, the control API under /sim and the page under /phones. The latter two ask
// for no credentials; they are safe from other web sites (cross-origin requests are refused, and on a loopback address also foreign Host
// headers), not from whoever can reach the address: listen on loopback.
func (s *Simulator) Handler() http.Handler {
	own := http.NewServeMux()
	own.HandleFunc("GET /sim/phones", s.getPhones)
	own.HandleFunc("GET /sim/phones/{number}", s.getPhone)
	own.HandleFunc("PUT /sim/phones/{number}", s.putPhone)
	own.HandleFunc("POST /sim/phones/{number}/texts", s.postText)
	own.HandleFunc("POST /sim/phones/{number}/call", s.postCall)
	own.HandleFunc("GET /sim/messages", s.getMessages)
	own.HandleFunc("GET /sim/calls", s.getCalls)
	own.HandleFunc("GET /sim/stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Stats()) })
	own.HandleFunc("GET /sim/alerts", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Alerts()) })
	own.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Fault()) })
	own.HandleFunc("PUT /sim/faults", s.putFault)
	own.HandleFunc("GET /sim/webhooks", s.getWebhooks)
	own.HandleFunc("PUT /sim/webhooks", s.putWebhooks)
	own.HandleFunc("DELETE /sim/state", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	own.HandleFunc("GET /sim/events", s.getEvents)
	own.Handle("GET /phones", s.phonesPage())
	own.Handle("GET /phones/{file}", s.phonesAssets())
	own.Handle("GET /{$}", http.RedirectHandler("/phones", http.StatusFound))

	all := http.NewServeMux()
	all.HandleFunc("/"+apiVersion+"/", s.faulty(s.rest))
	all.Handle("/", guard(own))
	return all
}

func (s *Simulator) getPhones(w http.ResponseWriter, r *http.Request) {
	texts, err := count(r, "texts", DefaultTexts)
	limit, err2 := count(r, "limit", 0)
	if err := errors.Join(err, err2); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	phones, total := s.listPhones(texts, limit, r.URL.Query().Get("contains"))
	w.Header().Set("X-Total-Count", strconv.Itoa(total))
	writeJSON(w, http.StatusOK, phones)
}

func (s *Simulator) getPhone(w http.ResponseWriter, r *http.Request) {
	p, ok := s.Phone(number(r))
	if !ok {
		problem(w, http.StatusNotFound, "this number was never texted nor called")
		return
	}
	writeJSON(w, http.StatusOK, p)
}

func (s *Simulator) putPhone(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Behaviour Behaviour `json:"behaviour"`
	}
	if !read(w, r, &in) {
		return
	}
	if err := s.SetBehaviour(number(r), in.Behaviour); err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	p, _ := s.Phone(number(r))
	writeJSON(w, http.StatusOK, p)
}

func (s *Simulator) postText(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Body string `json:"body"`
		To   string `json:"to"` // absent: who wrote last
	}
	if !read(w, r, &in) {
		return
	}
	sid, err := s.reply(number(r), in.To, in.Body)
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"sid": sid})
}

// postCall does with a call what its holder does: one of answering, pressing keys and hanging up.
func (s *Simulator) postCall(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Answer bool   `json:"answer"`
		Digits string `json:"digits"`
		HangUp bool   `json:"hangup"`
	}
	if !read(w, r, &in) {
		return
	}
	var err error
	switch {
	case in.Answer && in.Digits == "" && !in.HangUp:
		err = s.Answer(number(r))
	case in.Digits != "" && !in.Answer && !in.HangUp:
		err = s.Press(number(r), in.Digits)
	case in.HangUp && !in.Answer && in.Digits == "":
		err = s.HangUp(number(r))
	default:
		err = errors.New(`one of "answer":true, "digits":"1" and "hangup":true is needed`)
	}
	if state, ok := errors.AsType[handsetError](err); ok {
		problem(w, http.StatusConflict, state.Error())
		return
	}
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	p, _ := s.Phone(number(r))
	writeJSON(w, http.StatusOK, p.Call)
}

func (s *Simulator) getCalls(w http.ResponseWriter, r *http.Request) {
	calls := s.Calls()
	if to := r.URL.Query().Get("to"); to != "" {
		calls = slices.DeleteFunc(calls, func(c Call) bool { return c.To != to })
	}
	writeJSON(w, http.StatusOK, calls)
}

func (s *Simulator) getMessages(w http.ResponseWriter, r *http.Request) {
	messages := s.Messages()
	if to := r.URL.Query().Get("to"); to != "" {
		messages = slices.DeleteFunc(messages, func(m Message) bool { return m.To != to })
	}
	writeJSON(w, http.StatusOK, messages)
}

func (s *Simulator) putFault(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Mode FaultMode `json:"mode"`
		For  string    `json:"for"`
	}
	if !read(w, r, &in) {
		return
	}
	var d time.Duration
	if in.For != "" {
		var err error
		if d, err = time.ParseDuration(in.For); err != nil {
			problem(w, http.StatusUnprocessableEntity, `"for" is not a duration such as 90s`)
			return
		}
	}
	if err := s.SetFault(in.Mode, d); err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, s.Fault())
}

type webhooks struct {
	SMSURL string `json:"sms_url"`
}

func (s *Simulator) getWebhooks(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, webhooks{SMSURL: s.InboundURL()})
}

func (s *Simulator) putWebhooks(w http.ResponseWriter, r *http.Request) {
	var in webhooks
	if !read(w, r, &in) {
		return
	}
	if err := s.SetInboundURL(in.SMSURL); err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, in)
}

// number is the phone of the path; its plus may be left out.
func number(r *http.Request) string {
	n := strings.TrimSpace(r.PathValue("number"))
	if n != "" && !strings.HasPrefix(n, "+") {
		n = "+" + n
	}
	return n
}

func count(r *http.Request, name string, otherwise int) (int, error) {
	raw := r.URL.Query().Get(name)
	if raw == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 {
		return 0, errors.New(name + " is not a number of 0 or more")
	}
	return n, nil
}

// read decodes a JSON body, or answers 400.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && !errors.Is(d.Decode(new(any)), io.EOF) {
		err = errors.New("more than one document")
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "the body is not the JSON that is expected here")
		return false
	}
	return true
}

// problem answers with a problem document, RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
}
