package twiliosim

import (
	"crypto/subtle"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

const (
	apiVersion = "2010-04-01"
	apiRoot    = "/" + apiVersion + "/Accounts"
	maxRequest = 1 << 20 // bytes of a request's body
)

var (
	messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)
	numberSID  = regexp.MustCompile(`^PN[0-9a-fA-F]{32}$`)
)

// rest serves the vendor's API. Its paths end in .json, which patterns of http.ServeMux cannot express, so it is routed here.
func (s *Simulator) rest(w http.ResponseWriter, r *http.Request) {
	if err := s.net.Pause(r.Context(), s.opts.Latency); err != nil {
		panic(http.ErrAbortHandler)
	}
	status, v, refused := s.route(w, r)
	switch {
	case refused != nil:
		s.net.Lock()
		s.stats.Refused++
		s.net.Unlock()
		refused.write(w)
	case v == nil:
		w.WriteHeader(status)
	default:
		phonesim.WriteJSON(w, status, v)
	}
}

func (s *Simulator) route(w http.ResponseWriter, r *http.Request) (int, any, *apiError) {
	if !s.authentic(r) {
		return 0, nil, refuse(http.StatusUnauthorized, codeAuthenticate, "Authenticate")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	if err := r.ParseForm(); err != nil {
		return 0, nil, bad(codeInvalidParameter, "The request cannot be read")
	}
	rest, found := strings.CutPrefix(r.URL.Path, apiRoot+"/")
	path, json := strings.CutSuffix(rest, ".json")
	parts := strings.Split(path, "/")
	if !found || !json || parts[0] != s.opts.AccountSID {
		return 0, nil, notFound(r)
	}
	switch {
	case len(parts) == 1:
		return s.one(r, map[string]handler{http.MethodGet: s.fetchAccount}, "")
	case len(parts) == 2 && parts[1] == "Messages":
		return s.one(r, map[string]handler{http.MethodGet: s.listMessages, http.MethodPost: s.createMessage}, "")
	case len(parts) == 3 && parts[1] == "Messages" && messageSID.MatchString(parts[2]):
		return s.one(r, map[string]handler{
			http.MethodGet: s.fetchMessage, http.MethodPost: s.updateMessage, http.MethodDelete: s.deleteMessage,
		}, parts[2])
	case len(parts) == 2 && parts[1] == "Calls":
		return s.one(r, map[string]handler{http.MethodGet: s.listCalls, http.MethodPost: s.createCall}, "")
	case len(parts) == 3 && parts[1] == "Calls" && callSID.MatchString(parts[2]):
		return s.one(r, map[string]handler{
			http.MethodGet: s.fetchCall, http.MethodPost: s.updateCall, http.MethodDelete: s.deleteCall,
		}, parts[2])
	case len(parts) == 2 && parts[1] == "IncomingPhoneNumbers":
		return s.one(r, map[string]handler{http.MethodGet: s.listNumbers}, "")
	case len(parts) == 3 && parts[1] == "IncomingPhoneNumbers" && numberSID.MatchString(parts[2]):
		return s.one(r, map[string]handler{http.MethodGet: s.fetchNumber, http.MethodPost: s.updateNumber}, parts[2])
	default:
		return 0, nil, notFound(r)
	}
}

// A handler answers one method of one resource; the status stands for success, the value may be nil.
type handler func(r *http.Request, sid string) (status int, v any, refused *apiError)

func (s *Simulator) one(r *http.Request, methods map[string]handler, sid string) (int, any, *apiError) {
	h := methods[r.Method]
	if h == nil {
		return 0, nil, refuse(http.StatusMethodNotAllowed, codeMethodNotAllowed, "Method not allowed")
	}
	return h(r, sid)
}

func notFound(r *http.Request) *apiError {
	return refuse(http.StatusNotFound, codeNotFound, "The requested resource %s was not found", r.URL.Path)
}

func (s *Simulator) authentic(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	right := subtle.ConstantTimeCompare([]byte(user), []byte(s.opts.AccountSID)) &
		subtle.ConstantTimeCompare([]byte(password), []byte(s.opts.AuthToken))
	return ok && right == 1
}

// rfc2822 is the vendor's form of a time; nil where there is none.
func rfc2822(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC1123Z)
	return &text
}

func (s *Simulator) fetchAccount(*http.Request, string) (int, any, *apiError) {
	uri := apiRoot + "/" + s.opts.AccountSID
	return http.StatusOK, map[string]any{
		"sid": s.opts.AccountSID, "owner_account_sid": s.opts.AccountSID, "auth_token": s.opts.AuthToken,
		"friendly_name": "Simulator", "status": "active", "type": "Full", "date_created": nil, "date_updated": nil,
		"uri": uri + ".json",
		"subresource_uris": map[string]string{
			"messages": uri + "/Messages.json", "calls": uri + "/Calls.json", "incoming_phone_numbers": uri + "/IncomingPhoneNumbers.json",
		},
	}, nil
}
