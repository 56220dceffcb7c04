package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

// Why no test page goes out; see [Tester].
var (
	ErrNoPerson    = errors.New("nobody has this id")
	ErrNoTelephone = errors.New("this person has no telephone")
	ErrNight       = errors.New("it is night where this person lives")
)

// A TestOrder asks for a test page to a person.
type TestOrder struct {
	Person string
	Calls  bool // call the telephones that take texts, too
	Night  bool // also at night
}

// A Tester orders test pages. Safe for concurrent use.
type Tester interface {
	// OrderTest gives the reference of the test; the same order within a minute is one. Errors: [ErrNoPerson], [ErrNoTelephone], [ErrNight],
	// [ErrUnavailable].
	OrderTest(ctx context.Context, o TestOrder) (request.Ref, error)
}

func (s *Server) routeTests(mux *http.ServeMux) {
	both := []directory.Role{directory.RoleOfficer, directory.RoleCoordinator}
	mux.Handle("POST /api/v1/people/{id}/test-page", s.api(s.orderTest, both...))
	mux.Handle("GET /api/v1/people/{id}/test-page/{ref}", s.api(s.showTest, both...))
}

// testAnswer is a test page and how far it has come.
type testAnswer struct {
	Reference string          `json:"reference"`
	Person    string          `json:"person"`
	OrderedAt request.Instant `json:"ordered_at"`
	ExpiresAt request.Instant `json:"expires_at"`
	State     string          `json:"state"` // open, or why it ended: verified, expired, unreached
	Contacts  []testedContact `json:"contacts"`
}

// testedContact is one telephone that is tested. It has no number.
type testedContact struct {
	Contact        string          `json:"contact"`
	Channel        string          `json:"channel,omitempty"` // absent before the page is ordered
	State          string          `json:"state"`             // waiting, ordered, sent, delivered, answered (a call was picked up), acknowledged, failed, expired
	AcknowledgedAt request.Instant `json:"acknowledged_at"`   // null: not
	Via            request.Via     `json:"via,omitempty"`     // code, key
}

// orderTest orders a test page to each telephone of a person; an officer does for themselves.
func (s *Server) orderTest(w http.ResponseWriter, r *http.Request, who caller) error {
	var body struct {
		Calls bool `json:"call"`
		Night bool `json:"now"`
	}
	if err := readInto(w, r, &body); err != nil {
		return err
	}
	person, err := onBehalf(who, r.PathValue("id"), "/person")
	if err != nil {
		return err
	}
	if s.Tester == nil {
		return ErrUnavailable
	}
	ref, err := s.Tester.OrderTest(r.Context(), TestOrder{Person: person, Calls: body.Calls, Night: body.Night})
	switch {
	case errors.Is(err, ErrNoPerson):
		return door.NewProblem(door.CodeNotFound, "Nobody has this identifier. Nothing was sent. Use the id of a person of the roster.")
	case errors.Is(err, ErrNoTelephone):
		return door.NewProblem(door.CodeNotPossible, "This person has no telephone. Nothing was sent. Give them a contact for texts or calls first.")
	case errors.Is(err, ErrNight):
		return door.NewProblem(door.CodeNotPossible, "It is night where this person lives (22:00 to 07:00). Nothing was sent. Order it by day, or now all the same: --now (HTTP: \"now\": true).")
	case err != nil:
		return err
	}
	state, err := s.States.State(r.Context(), ref)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/people/"+person+"/test-page/"+ref.String())
	return writeJSON(w, http.StatusAccepted, testOf(state))
}

// showTest shows a test page. That of somebody else answers an officer like one that does not exist.
func (s *Server) showTest(w http.ResponseWriter, r *http.Request, who caller) error {
	person, err := onBehalf(who, r.PathValue("id"), "/person")
	if err != nil {
		return err
	}
	ref, err := request.ParseRef(r.PathValue("ref"))
	if err != nil {
		return err
	}
	state, err := s.States.State(r.Context(), ref)
	switch {
	case err != nil:
		return err
	case state.Kind() != request.OpsTest || state.Matter.Person != person:
		return ErrNotFound
	}
	return writeJSON(w, http.StatusOK, testOf(state))
}

func testOf(s *request.State) testAnswer {
	m := s.Matter
	answer := testAnswer{
		Reference: s.Ref.String(), Person: m.Person, OrderedAt: request.At(s.Received), ExpiresAt: m.Expires, State: "open", Contacts: []testedContact{},
	}
	if m.Reason != "" {
		answer.State = m.Reason
	}
	for _, t := range m.Contacts {
		one := testedContact{Contact: t.Contact, State: "waiting"}
		if i := slices.IndexFunc(s.Pages, func(p request.Page) bool { return p.Contact == t.Contact }); i >= 0 {
			page := &s.Pages[i]
			one.Channel, one.State = page.Channel, testStates[page.State]
			if proof, ok := m.Proved(page.Page); ok {
				one.State, one.AcknowledgedAt, one.Via = "acknowledged", request.At(proof.At), proof.Via
			}
		}
		answer.Contacts = append(answer.Contacts, one)
	}
	return answer
}

var testStates = map[request.PageState]string{
	request.PageQueued: "ordered", request.PageSending: "ordered", request.PageRetrying: "ordered", request.PageSent: "sent",
	request.PageDelivered: "delivered", request.PageAnswered: "answered", request.PageFailed: "failed", request.PageLate: "expired",
	request.PageCalledOff: "expired",
}
