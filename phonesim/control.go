package phonesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Handler serves everything: the operators' APIs, the doors under /sim and the page under /phones. The latter two ask for no credentials; they
// are safe from other web sites (cross-origin requests are refused, and on a loopback address also foreign Host headers), not from whoever
// can reach the address: listen on loopback.
func (n *Network) Handler() http.Handler {
	all, doors := http.NewServeMux(), http.NewServeMux()
	doors.HandleFunc("GET /sim/phones", n.getPhones)
	doors.HandleFunc("GET /sim/phones/{number}", n.getPhone)
	doors.HandleFunc("PUT /sim/phones/{number}", n.putPhone)
	doors.HandleFunc("POST /sim/phones/{number}/texts", n.postText)
	doors.HandleFunc("POST /sim/phones/{number}/call", n.postCall)
	doors.HandleFunc("GET /sim/faults", n.getFaults)
	doors.HandleFunc("PUT /sim/faults", n.putFault)
	doors.HandleFunc("DELETE /sim/state", func(w http.ResponseWriter, _ *http.Request) {
		n.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	doors.HandleFunc("GET /sim/events", n.getEvents)
	doors.Handle("GET /phones", n.phonesPage())
	doors.Handle("GET /phones/{file}", n.phonesAssets())
	doors.Handle("GET /{$}", http.RedirectHandler("/phones", http.StatusFound))
	for _, o := range n.operators {
		o.Mount(all, doors)
	}
	all.Handle("/", guard(doors))
	return all
}

func (n *Network) getPhones(w http.ResponseWriter, r *http.Request) {
	texts, err := count(r, "texts", DefaultTexts)
	limit, err2 := count(r, "limit", 0)
	if err := errors.Join(err, err2); err != nil {
		Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	phones, total := n.listPhones(texts, limit, r.URL.Query().Get("contains"))
	w.Header().Set("X-Total-Count", strconv.Itoa(total))
	WriteJSON(w, http.StatusOK, phones)
}

func (n *Network) getPhone(w http.ResponseWriter, r *http.Request) {
	p, ok := n.Phone(number(r))
	if !ok {
		Problem(w, http.StatusNotFound, "this number was never texted nor called")
		return
	}
	WriteJSON(w, http.StatusOK, p)
}

func (n *Network) putPhone(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Behaviour Behaviour `json:"behaviour"`
	}
	if !ReadJSON(w, r, &in) {
		return
	}
	if err := n.SetBehaviour(number(r), in.Behaviour); err != nil {
		Problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	p, _ := n.Phone(number(r))
	WriteJSON(w, http.StatusOK, p)
}

func (n *Network) postText(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Body string `json:"body"`
		To   string `json:"to"` // absent: who wrote last
	}
	if !ReadJSON(w, r, &in) {
		return
	}
	sid, err := n.reply(number(r), in.To, in.Body)
	if err != nil {
		Problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	WriteJSON(w, http.StatusCreated, map[string]string{"sid": sid})
}

// postCall does with a call what its holder does: one of answering, pressing keys and hanging up.
func (n *Network) postCall(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Answer bool   `json:"answer"`
		Digits string `json:"digits"`
		HangUp bool   `json:"hangup"`
	}
	if !ReadJSON(w, r, &in) {
		return
	}
	var err error
	switch {
	case in.Answer && in.Digits == "" && !in.HangUp:
		err = n.Answer(number(r))
	case in.Digits != "" && !in.Answer && !in.HangUp:
		err = n.Press(number(r), in.Digits)
	case in.HangUp && !in.Answer && in.Digits == "":
		err = n.HangUp(number(r))
	default:
		err = errors.New(`one of "answer":true, "digits":"1" and "hangup":true is needed`)
	}
	if state, ok := errors.AsType[handsetError](err); ok {
		Problem(w, http.StatusConflict, state.Error())
		return
	}
	if err != nil {
		Problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	p, _ := n.Phone(number(r))
	WriteJSON(w, http.StatusOK, p.Call)
}

// getFaults tells what fails now: at the first operator, as in times when there was one, and at each.
func (n *Network) getFaults(w http.ResponseWriter, _ *http.Request) {
	out := struct {
		Fault
		Providers map[string]Fault `json:"providers"`
	}{Fault: n.operators[0].Faults().Now(), Providers: map[string]Fault{}}
	for _, o := range n.operators {
		out.Providers[o.Name()] = o.Faults().Now()
	}
	WriteJSON(w, http.StatusOK, out)
}

func (n *Network) putFault(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Mode     FaultMode `json:"mode"`
		For      string    `json:"for"`
		Provider string    `json:"provider"` // absent: the first
	}
	if !ReadJSON(w, r, &in) {
		return
	}
	operator, err := n.operator(in.Provider)
	if err != nil {
		Problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	var d time.Duration
	if in.For != "" {
		if d, err = time.ParseDuration(in.For); err != nil {
			Problem(w, http.StatusUnprocessableEntity, `"for" is not a duration such as 90s`)
			return
		}
	}
	if err := operator.Faults().Set(in.Mode, d); err != nil {
		Problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	WriteJSON(w, http.StatusOK, operator.Faults().Now())
}

// operator is the one of a name, "" is the first.
func (n *Network) operator(name string) (Operator, error) {
	var names []string
	for _, o := range n.operators {
		if name == "" || o.Name() == name {
			return o, nil
		}
		names = append(names, o.Name())
	}
	return nil, fmt.Errorf("there is no provider %q here: write one of %s", name, strings.Join(names, ", "))
}

// number is the phone of the path; its plus may be left out.
func number(r *http.Request) string {
	text := strings.TrimSpace(r.PathValue("number"))
	if text != "" && !strings.HasPrefix(text, "+") {
		text = "+" + text
	}
	return text
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

// ReadJSON decodes a JSON body, or answers 400.
func ReadJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && !errors.Is(d.Decode(new(any)), io.EOF) {
		err = errors.New("more than one document")
	}
	if err != nil {
		Problem(w, http.StatusBadRequest, "the body is not the JSON that is expected here")
		return false
	}
	return true
}

// Problem answers with a problem document, RFC 9457.
func Problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
}

// WriteJSON answers with a value.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}
