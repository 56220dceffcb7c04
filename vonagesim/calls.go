package vonagesim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An order is what matters of a request to call.
type order struct {
	To []struct {
		Type, Number string
	} `json:"to"`
	From struct {
		Type, Number string
	} `json:"from"`
	AnswerURL        []string `json:"answer_url"`
	EventURL         []string `json:"event_url"`
	MachineDetection string   `json:"machine_detection"`
	RingingTimer     int      `json:"ringing_timer"` // seconds
	LengthTimer      int      `json:"length_timer"`  // seconds
}

// place places a call. Where there are no phones, it is picked up at once by somebody who listens.
func (s *Simulator) place(w http.ResponseWriter, r *http.Request, body []byte) {
	if !s.authorized(r) {
		s.refuse(w, r, "", http.StatusUnauthorized, "")
		return
	}
	var order order
	c := &Call{Status: "started", Started: s.now()}
	if json.Unmarshal(body, &order) != nil || json.Unmarshal(body, &c.Order) != nil || len(order.AnswerURL) != 1 {
		s.refuse(w, r, "", http.StatusBadRequest, "answer_url")
		return
	}
	if len(order.To) != 1 || order.To[0].Type != "phone" || !number(order.To[0].Number) {
		s.refuse(w, r, "", http.StatusBadRequest, "to[0].number")
		return
	}
	if order.From.Type != "phone" || !number(order.From.Number) || !s.ours(order.From.Number) {
		s.refuse(w, r, "", http.StatusBadRequest, "from.number")
		return
	}
	c.To, c.From = order.To[0].Number, order.From.Number
	s.mu.Lock()
	c.UUID = fmt.Sprintf("%s-4a51-4f6b-86e1-%012x", s.series, s.id())
	s.calls = append(s.calls, c)
	if s.net != nil {
		s.dial(c, order)
	}
	s.mu.Unlock()
	if s.net == nil {
		s.ask(c, order.AnswerURL[0], "answer", map[string]any{})
	}
	write(w, http.StatusCreated, map[string]string{"uuid": c.UUID, "status": "started", "direction": "outbound", "conversation_uuid": "CON-" + c.UUID})
}

// list gives the calls since a time, in pages.
func (s *Simulator) list(w http.ResponseWriter, r *http.Request) {
	if !s.authorized(r) {
		s.refuse(w, r, "", http.StatusUnauthorized, "")
		return
	}
	query := r.URL.Query()
	size, _ := strconv.Atoi(query.Get("page_size"))
	index, _ := strconv.Atoi(query.Get("record_index"))
	since, err := time.Parse(time.RFC3339, query.Get("date_start"))
	if err != nil || size < 1 || size > 100 {
		s.refuse(w, r, "", http.StatusBadRequest, "date_start")
		return
	}
	s.mu.Lock()
	all := []any{}
	for _, c := range s.calls {
		if !c.Started.Before(since) {
			all = append(all, map[string]any{
				"uuid": c.UUID, "status": c.Status, "direction": "outbound", "conversation_uuid": "CON-" + c.UUID,
				"to": map[string]string{"type": "phone", "number": c.To}, "from": map[string]string{"type": "phone", "number": c.From},
			})
		}
	}
	s.mu.Unlock()
	if query.Get("order") == "desc" {
		slices.Reverse(all)
	}
	page := all[min(index, len(all)):min(index+size, len(all))]
	write(w, http.StatusOK, map[string]any{
		"count": len(all), "page_size": size, "record_index": index, "_links": map[string]any{"self": map[string]string{"href": "/calls"}},
		"_embedded": map[string]any{"calls": page},
	})
}

// find is a call by its id.
func (s *Simulator) find(uuid string) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.UUID == uuid {
			return c
		}
	}
	return &Call{Trouble: "no such call"}
}

// Press presses keys during a call, and gives the call as it is then. "" is silence. "#" ends the input: without it, and without as many
// digits as the input takes, it ends by silence.
func (s *Simulator) Press(uuid, keys string) Call {
	c := s.find(uuid)
	digits, hash := strings.CutSuffix(keys, "#")
	timedOut := !hash && len(digits) < max(c.MaxDigits, 1)
	s.ask(c, c.InputURL, "event", map[string]any{"dtmf": map[string]any{"digits": digits, "timed_out": timedOut}, "speech": map[string]any{"results": []any{}}})
	s.mu.Lock()
	defer s.mu.Unlock()
	return *c
}

// retrieve asks for what a call does next. What cannot be had is asked for twice, and then twice at the fallback.
func (s *Simulator) retrieve(c *Call, address, kind string, payload map[string]any) (ncco []byte, err error) {
	payload["uuid"], payload["conversation_uuid"], payload["from"], payload["to"] = c.UUID, "CON-"+c.UUID, c.From, c.To
	payload["timestamp"] = s.now().Format(time.RFC3339)
	ncco, err = s.fetch(address, payload)
	if err != nil && s.opts.FallbackURL != "" {
		payload["reason"], payload["original_request"] = "Connection closed.", map[string]string{"url": address, "type": kind}
		ncco, err = s.fetch(s.opts.FallbackURL, payload)
	}
	return ncco, err
}

// ask asks for what a call does next, and does it.
func (s *Simulator) ask(c *Call, address, kind string, payload map[string]any) {
	ncco, err := s.retrieve(c, address, kind, payload)
	s.mu.Lock()
	c.InputURL, c.Turn = "", nil
	if err == nil && ncco != nil {
		err = follow(c, ncco)
	}
	if err != nil {
		c.Trouble = err.Error()
	}
	over := c.InputURL == ""
	s.mu.Unlock()
	if over {
		s.Hangup(c.UUID)
	}
}

// Hangup ends a call, and says so.
func (s *Simulator) Hangup(uuid string) {
	c := s.find(uuid)
	s.mu.Lock()
	c.InputURL, c.Status = "", "completed"
	address, _ := c.Order["event_url"].([]any)
	s.mu.Unlock()
	if len(address) == 1 {
		_, _, _ = s.Deliver(fmt.Sprint(address[0]), map[string]any{"uuid": uuid, "status": "completed", "from": c.From, "to": c.To, "direction": "outbound"})
	}
}

// fetch posts a webhook and gives what comes back, nil when it is nothing.
func (s *Simulator) fetch(address string, payload map[string]any) (ncco []byte, err error) {
	for range 2 {
		status, body, failed := s.Deliver(address, payload)
		switch {
		case failed != nil:
			err = failed
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
			err = fmt.Errorf("HTTP %d", status)
		case status == http.StatusNoContent:
			return nil, nil
		case status != http.StatusOK:
			return nil, fmt.Errorf("HTTP %d: %s", status, body)
		default:
			return body, nil
		}
	}
	return nil, err
}

// Deliver posts a webhook about a call, signed.
func (s *Simulator) Deliver(address string, payload map[string]any) (status int, answer []byte, err error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return 0, nil, err
	}
	return s.post(address, body, "Bearer "+s.Token(body, s.now()))
}

func (s *Simulator) post(address string, body []byte, authorization string) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxRequest))
	return response.StatusCode, answer, err
}

// languages are those that calls are spoken in here; the vendor has more.
var languages = []string{"ar", "cmn-CN", "en-GB", "es-ES", "fr-FR", "ru-RU"}

// An action of an NCCO.
type action struct {
	Action      string
	Text        string
	Language    string
	BargeIn     bool
	Type        []string
	EventURL    []string
	EventMethod string
	DTMF        struct {
		MaxDigits, TimeOut int
		SubmitOnHash       bool
	}
}

// read reads an NCCO.
func read(ncco []byte) (actions []action, err error) {
	decoder := json.NewDecoder(bytes.NewReader(ncco))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&actions); err != nil {
		return nil, fmt.Errorf("no NCCO: %w", err)
	}
	return actions, nil
}

// follow does what an NCCO says, as far as a key, in no time.
func follow(c *Call, ncco []byte) error {
	actions, err := read(ncco)
	if err != nil {
		return err
	}
	interruptible := false
	for i, a := range actions {
		switch a.Action {
		case "talk":
			switch {
			case a.Text == "" || len([]rune(a.Text)) > 1500:
				return errors.New("a talk of no text, or too much")
			case !slices.Contains(languages, a.Language):
				return fmt.Errorf("nobody speaks %q", a.Language)
			case interruptible && !a.BargeIn:
				return errors.New("a talk that a key ends is followed by one that none ends")
			}
			interruptible = a.BargeIn
			c.Said, c.Turn, c.Language = append(c.Said, a.Text), append(c.Turn, a.Text), a.Language
		case "input":
			if !slices.Equal(a.Type, []string{"dtmf"}) || a.DTMF.MaxDigits < 1 || a.DTMF.MaxDigits > 20 || a.DTMF.TimeOut < 1 || a.DTMF.TimeOut > 10 || len(a.EventURL) != 1 ||
				a.EventMethod != http.MethodPost || i != len(actions)-1 {
				return fmt.Errorf("an input that is none: %+v", a)
			}
			c.InputURL, c.MaxDigits, interruptible = a.EventURL[0], a.DTMF.MaxDigits, false
		default:
			return fmt.Errorf("unknown action %q", a.Action)
		}
	}
	if interruptible {
		return errors.New("a talk that a key ends is followed by no input")
	}
	return nil
}
