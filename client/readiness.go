package client

import (
	"context"
	"net/http"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// Readiness is whether everybody who is on duty in a span can be reached, and what is wrong with the roster. It has no names and no numbers.
type Readiness struct {
	Span

	Revision uint64        `json:"revision"`
	Rosters  []RosterReady `json:"rosters"`
	People   []PersonReady `json:"people"`
	Findings []Finding     `json:"findings"` // in the order in which they begin
}

// A RosterReady is who is on duty at the begin of the span, and who comes after them.
type RosterReady struct {
	Roster       string          `json:"roster"`
	TimeZone     string          `json:"time_zone"`
	OnDuty       []string        `json:"on_duty"`
	NextHandover request.Instant `json:"next_handover"` // zero: not within the span
	Next         []string        `json:"next"`
}

// A PersonReady is how somebody is reached, and when they are on duty the next time within the span (nil: not within it).
type PersonReady struct {
	Person   string         `json:"person"`
	CallSign string         `json:"call_sign"`
	Contacts []ContactReady `json:"contacts"`
	Verified bool           `json:"verified"` // one of them is
	Duty     *DutyReady     `json:"duty"`
}

// A ContactReady is one way to reach a person.
type ContactReady struct {
	ID       string `json:"id"`
	Channel  string `json:"channel"`
	Verified bool   `json:"verified"`
	// Of a contact that was verified by a test page: when, and until when that counts (not included); zero of any other.
	VerifiedAt    request.Instant `json:"verified_at,omitzero"`
	VerifiedUntil request.Instant `json:"verified_until,omitzero"`
	// Failing says why pages over it do not arrive now; nil of one that works as far as is known.
	Failing *ContactFailing `json:"failing,omitempty"`
}

// A ContactFailing is why pages over a contact do not arrive, and what to do. It has no names and no numbers.
type ContactFailing struct {
	Alarm string `json:"alarm"` // reference of the alarm that stands
	request.Failing

	Detail string `json:"detail"`
	Fix    string `json:"fix"`
}

// A DutyReady is a time on duty.
type DutyReady struct {
	Roster string `json:"roster"`
	Span
}

// A Finding is one thing that is wrong over a span of a roster, and what to do.
type Finding struct {
	Kind   roster.FindingKind `json:"kind"`
	Roster string             `json:"roster"`
	Span

	People  []string `json:"people"`
	Rule    string   `json:"rule,omitempty"`
	Missing []string `json:"missing,omitempty"`
	Detail  string   `json:"detail"`
	Fix     string   `json:"fix"`
}

// Readiness tells whether the roster is ready over a span; a zero bound is the server's: from now, for four weeks.
func (c *Client) Readiness(ctx context.Context, from, until time.Time) (Readiness, error) {
	var readiness Readiness
	_, err := c.do(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/roster/readiness", bounds(from, until))}, &readiness)
	return readiness, err
}
