package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

// tokenLife is how long a token is valid when its coordinator does not say; maxTokenDays is the longest that can be asked for.
const (
	tokenLife    = 365 * 24 * time.Hour
	maxTokenDays = 3650
)

func (s *Server) routeDirectory(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/senders", s.api(s.listSenders, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/senders", s.api(s.addSender, directory.RoleCoordinator))
	mux.Handle("DELETE /api/v1/senders/{id}", s.api(s.revokeSender, directory.RoleCoordinator))
	mux.Handle("GET /api/v1/tokens", s.api(s.listTokens, directory.RoleCoordinator))
	mux.Handle("POST /api/v1/tokens", s.api(s.addToken, directory.RoleCoordinator))
	mux.Handle("DELETE /api/v1/tokens/{id}", s.api(s.revokeToken, directory.RoleCoordinator))
}

// senderAnswer is a sender as it is listed.
type senderAnswer struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	State   string          `json:"state"`
	Webhook string          `json:"webhook,omitempty"`
	Email   string          `json:"email,omitempty"`
	Added   request.Instant `json:"added"`
	Revoked request.Instant `json:"revoked"`
	Token   *tokenAnswer    `json:"token,omitempty"` // of a sender that was just added

	WebhookSecret string `json:"webhook_secret,omitempty"` // the same, when it has a webhook
}

func senderOf(s directory.Sender) senderAnswer {
	return senderAnswer{ID: s.ID, Name: s.Name, State: s.State, Webhook: s.Webhook, Email: s.Email, Added: request.At(s.Added), Revoked: instantOf(s.Revoked)}
}

// tokenAnswer is a token as it is listed; with its text only in the answer that mints it.
type tokenAnswer struct {
	ID      string          `json:"id"`
	Role    directory.Role  `json:"role"`
	Subject string          `json:"subject"`
	Added   request.Instant `json:"added"`
	Expires request.Instant `json:"expires"`
	Revoked request.Instant `json:"revoked"`
	Text    string          `json:"text,omitempty"`
}

func tokenOf(t directory.Token) tokenAnswer {
	return tokenAnswer{
		ID: t.ID, Role: t.Role, Subject: t.Subject, Added: request.At(t.Added), Expires: request.At(t.Expires), Revoked: instantOf(t.Revoked),
	}
}

func instantOf(t *time.Time) request.Instant {
	if t == nil {
		return request.Instant{}
	}
	return request.At(*t)
}

func (s *Server) listSenders(w http.ResponseWriter, _ *http.Request, _ caller) error {
	list := []senderAnswer{}
	for _, sender := range s.Directory.Senders() {
		list = append(list, senderOf(sender))
	}
	return writeJSON(w, http.StatusOK, list)
}

// addSender enters a sender and mints its first token, the text of which is in this answer and nowhere else, and so is the secret that signs
// what goes to its webhook.
func (s *Server) addSender(w http.ResponseWriter, r *http.Request, _ caller) error {
	var body struct {
		Name    string `json:"name"`
		State   string `json:"state"`
		Webhook string `json:"webhook"`
		Email   string `json:"email"`
		Days    int    `json:"days"` // that the token is valid
	}
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	life, err := lifeOf(body.Days)
	if err != nil {
		return err
	}
	sender, err := s.Directory.AddSender(r.Context(), directory.NewSender{Name: body.Name, State: body.State, Webhook: body.Webhook, Email: body.Email}, s.Now())
	if err != nil {
		return directoryProblem(err)
	}
	token, text, err := s.Directory.AddToken(r.Context(), directory.RoleSender, sender.ID, life, s.Now())
	if err != nil {
		return directoryProblem(err)
	}
	answer, minted := senderOf(sender), tokenOf(token)
	minted.Text = text
	answer.Token = &minted
	if sender.Webhook != "" && s.WebhookSecret != nil {
		answer.WebhookSecret = s.WebhookSecret(sender.ID)
	}
	return writeJSON(w, http.StatusCreated, answer)
}

func (s *Server) revokeSender(w http.ResponseWriter, r *http.Request, _ caller) error {
	sender, err := s.Directory.RevokeSender(r.Context(), r.PathValue("id"), s.Now())
	if err != nil {
		return directoryProblem(err)
	}
	return writeJSON(w, http.StatusOK, senderOf(sender))
}

func (s *Server) listTokens(w http.ResponseWriter, _ *http.Request, _ caller) error {
	list := []tokenAnswer{}
	for _, token := range s.Directory.Tokens() {
		list = append(list, tokenOf(token))
	}
	return writeJSON(w, http.StatusOK, list)
}

func (s *Server) addToken(w http.ResponseWriter, r *http.Request, _ caller) error {
	var body struct {
		Role    directory.Role `json:"role"`
		Subject string         `json:"subject"` // id of the sender or of the person
		Days    int            `json:"days"`    // that it is valid
	}
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	life, err := lifeOf(body.Days)
	if err != nil {
		return err
	}
	if body.Role == directory.RoleOfficer {
		if err := s.knownPerson(r, body.Subject); err != nil {
			return err
		}
	}
	token, text, err := s.Directory.AddToken(r.Context(), body.Role, body.Subject, life, s.Now())
	if err != nil {
		return directoryProblem(err)
	}
	answer := tokenOf(token)
	answer.Text = text
	return writeJSON(w, http.StatusCreated, answer)
}

// knownPerson refuses a token for somebody whom the roster does not know: it would acknowledge in the name of nobody.
func (s *Server) knownPerson(r *http.Request, id string) error {
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	if _, ok := current.Person(id); ok {
		return nil
	}
	return door.NewProblem(door.CodeInvalid, "", request.FieldError{
		Field: "/subject", Code: "unknown_person", Detail: "The roster has nobody with this id.", Fix: "Use the id of a person of the roster, or add the person first.",
	})
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request, _ caller) error {
	token, err := s.Directory.RevokeToken(r.Context(), r.PathValue("id"), s.Now())
	if err != nil {
		return directoryProblem(err)
	}
	return writeJSON(w, http.StatusOK, tokenOf(token))
}

func lifeOf(days int) (time.Duration, error) {
	switch {
	case days == 0:
		return tokenLife, nil
	case days < 0 || days > maxTokenDays:
		return 0, door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: "/days", Code: "not_allowed", Detail: "A token is valid for 1 to 3650 days.", Fix: "Send a number of days, or leave it out for 365.",
		})
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

// directoryProblem translates the errors of package directory. What it does not name is the log that could not be written.
func directoryProblem(err error) error {
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return door.NewProblem(door.CodeNotFound, "")
	case errors.Is(err, directory.ErrInvalid):
		_, detail, _ := strings.Cut(err.Error(), directory.ErrInvalid.Error()+": ")
		return door.NewProblem(door.CodeInvalid, strings.ToUpper(detail[:min(1, len(detail))])+detail[min(1, len(detail)):]+".")
	default:
		return door.NewProblem(door.CodeUnavailable, "").Because(err)
	}
}
