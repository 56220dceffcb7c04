package twiliosim

import (
	"net/http"
	"slices"

	"github.com/dutyline/dutyline/phonesim"
)

// Network has the phones.
func (s *Simulator) Network() *phonesim.Network { return s.net }

// Handler serves all of the network: see [phonesim.Network.Handler].
func (s *Simulator) Handler() http.Handler { return s.net.Handler() }

// Mount adds the vendor's API and the operator's own doors.
func (s *Simulator) Mount(api, doors *http.ServeMux) {
	api.HandleFunc("/"+apiVersion+"/", s.faults.Wrap(s.rest))
	doors.HandleFunc("GET /sim/messages", s.getMessages)
	doors.HandleFunc("GET /sim/calls", s.getCalls)
	doors.HandleFunc("GET /sim/stats", func(w http.ResponseWriter, _ *http.Request) { phonesim.WriteJSON(w, http.StatusOK, s.Stats()) })
	doors.HandleFunc("GET /sim/alerts", func(w http.ResponseWriter, _ *http.Request) { phonesim.WriteJSON(w, http.StatusOK, s.Alerts()) })
	doors.HandleFunc("GET /sim/webhooks", s.getWebhooks)
	doors.HandleFunc("PUT /sim/webhooks", s.putWebhooks)
}

// refuseFault is how the API fails in the vendor's words.
func refuseFault(w http.ResponseWriter, _ *http.Request, status int) {
	code, message := codeInternal, "An internal server error has occurred"
	if status == http.StatusTooManyRequests {
		code, message = codeTooManyRequests, "Too many requests"
	}
	refuse(status, code, "%s", message).write(w)
}

func (s *Simulator) getCalls(w http.ResponseWriter, r *http.Request) {
	calls := s.Calls()
	if to := r.URL.Query().Get("to"); to != "" {
		calls = slices.DeleteFunc(calls, func(c Call) bool { return c.To != to })
	}
	phonesim.WriteJSON(w, http.StatusOK, calls)
}

func (s *Simulator) getMessages(w http.ResponseWriter, r *http.Request) {
	messages := s.Messages()
	if to := r.URL.Query().Get("to"); to != "" {
		messages = slices.DeleteFunc(messages, func(m Message) bool { return m.To != to })
	}
	phonesim.WriteJSON(w, http.StatusOK, messages)
}

type webhooks struct {
	SMSURL string `json:"sms_url"`
}

func (s *Simulator) getWebhooks(w http.ResponseWriter, _ *http.Request) {
	phonesim.WriteJSON(w, http.StatusOK, webhooks{SMSURL: s.InboundURL()})
}

func (s *Simulator) putWebhooks(w http.ResponseWriter, r *http.Request) {
	var in webhooks
	if !phonesim.ReadJSON(w, r, &in) {
		return
	}
	if err := s.SetInboundURL(in.SMSURL); err != nil {
		phonesim.Problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	phonesim.WriteJSON(w, http.StatusOK, in)
}
