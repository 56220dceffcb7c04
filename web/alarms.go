package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/dutyline/dutyline/request"
)

// An alarm is one that stands, or was cleared within two days (CONTRACT: GET /api/v1/alarms).
type alarm struct {
	Reference string            `json:"reference"`
	Kind      request.AlarmKind `json:"kind"`
	Cause     string            `json:"cause"`
	Since     request.Instant   `json:"since"`
	ClearedAt request.Instant   `json:"cleared_at"`
	Due       request.Instant   `json:"due,omitzero"`     // of an alarm about the roster: when what it is about begins; until an hour before it wakes nobody
	Failing   request.Failing   `json:"failing,omitzero"` // of a contact: why pages over it do not arrive
	Paged     []string          `json:"paged"`            // people who were told of it
}

// alarms lists the alarms that stand, and those that were cleared within two days, the oldest first. What a request's own log carries stands
// here too, until an alarm of its own covers it: nothing is hidden while that one is being raised, or cannot be.
func (s *Server) alarms(w http.ResponseWriter, r *http.Request, _ caller) error {
	list := []alarm{}
	standing := map[request.AlarmBody]bool{}
	for _, state := range s.States.Alarms() {
		if !state.Status.Ended() {
			standing[request.AlarmBody{Kind: state.Alarm.Kind, Cause: state.Alarm.Cause}] = true
		}
		one := alarm{
			Reference: state.Ref.String(), Kind: state.Alarm.Kind, Cause: state.Alarm.Text(), Since: request.At(state.Received), Paged: told(state),
			Due: state.Alarm.Due, Failing: state.Alarm.Failing,
		}
		if !state.Cleared.IsZero() {
			one.ClearedAt = request.At(state.Cleared)
		}
		list = append(list, one)
	}
	for _, state := range s.States.Open() {
		own := slices.DeleteFunc(slices.Clone(state.Alarms), func(a request.AlarmBody) bool {
			return standing[a.Standing(state.Ref)]
		})
		if len(own) == 0 {
			continue
		}
		history, err := s.Log.History(r.Context(), state.Ref)
		if err != nil {
			return err
		}
		since := raised(history)
		for _, a := range own {
			list = append(list, alarm{
				Reference: state.Ref.String(), Kind: a.Kind, Cause: a.Cause, Since: since[a], Paged: told(state),
			})
		}
	}
	slices.SortFunc(list, func(a, b alarm) int {
		return cmp.Or(a.Since.Compare(b.Since.Time), strings.Compare(a.Reference, b.Reference), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return writeJSON(w, http.StatusOK, list)
}

// raised gives when each alarm of a log was raised last.
func raised(history []request.Stored) map[request.AlarmBody]request.Instant {
	since := map[request.AlarmBody]request.Instant{}
	for _, stored := range history {
		c, err := request.Decode(stored.Data)
		if err != nil {
			continue
		}
		for _, e := range c.Events {
			var body request.AlarmBody
			if e.Type == request.AlarmRaised && json.Unmarshal(e.Body, &body) == nil {
				since[body] = c.Time
			}
		}
	}
	return since
}

// told lists the coordinators who were paged about a request.
func told(state *request.State) []string {
	people := []string{}
	for _, p := range state.Pages {
		if p.Recipient == request.ToCoordinator && !slices.Contains(people, p.Person) {
			people = append(people, p.Person)
		}
	}
	return people
}
