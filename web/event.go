package web

import (
	"encoding/json"

	"github.com/dutyline/dutyline/request"
)

// An event is one event of the log as coordinators read it (CONTRACT: EVENT). What is sealed stays so: Sealed says that there is something.
type event struct {
	V       int               `json:"v"`
	ID      string            `json:"id"`
	Request string            `json:"request"`
	Seq     uint64            `json:"seq"`
	Prev    *string           `json:"prev"` // null for facts
	Type    request.EventType `json:"type"`
	Time    request.Instant   `json:"time"`
	Node    string            `json:"node"`
	Actor   request.Actor     `json:"actor"`
	Body    json.RawMessage   `json:"body"`
	Sealed  bool              `json:"sealed,omitempty"`
}

// eventsOf opens one stored commit.
func eventsOf(stored request.Stored) ([]event, error) {
	c, err := request.Decode(stored.Data)
	if err != nil {
		return nil, err
	}
	var prev *string
	if c.IsDecision() {
		prev = &c.Prev
	}
	events := make([]event, len(c.Events))
	for n, e := range c.Events {
		body := e.Body
		if len(body) == 0 {
			body = json.RawMessage("{}")
		}
		events[n] = event{
			V: c.V, ID: request.EventID(c.ID, n), Request: c.Request.String(), Seq: stored.Seq, Prev: prev, Type: e.Type, Time: c.Time,
			Node: c.Node, Actor: c.Actor, Body: body, Sealed: len(e.Sealed) > 0,
		}
	}
	return events, nil
}
