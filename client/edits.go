package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A RosterEdit is an edit of the roster in a few words: [RotationEdit], [Takeover], [GiveBack], [CoverWish], [CoverAnswer], [SwapWish] or [SwapAnswer].
type RosterEdit interface{ path() string }

// An EditHead is what all edits may say.
type EditHead struct {
	Roster string  `json:"roster,omitempty"` // "": the first; of an answer to a cover or swap: any
	Base   *uint64 `json:"base,omitempty"`   // only if this revision stands; nil: of whatever stands, made again when somebody else is faster
	Reason string  `json:"reason,omitempty"` // for the history, in clear: it must name nobody
}

// A RotationEdit changes a layer. All operations but add and remove need the base.
type RotationEdit struct {
	EditHead
	Operation   string    `json:"operation"`              // add, remove, reorder, length, restrictions
	Layer       string    `json:"layer,omitempty"`        // "": the only one
	At          time.Time `json:"at,omitzero"`            // zero: now
	KeepCurrent *bool     `json:"keep_current,omitempty"` // whoever is on duty stays to the end of the turn; nil: they do

	People       []string             `json:"people,omitempty"`      // add: of one turn
	Place        *int                 `json:"place,omitempty"`       // add: before the turn of this place, counted from 0; nil: the last
	Person       string               `json:"person,omitempty"`      // remove
	Turns        [][]string           `json:"turns,omitempty"`       // reorder
	Unit         roster.Unit          `json:"unit,omitempty"`        // length: this and the next four; what is absent stays
	Length       int                  `json:"length,omitempty"`      //
	Handover     string               `json:"handover,omitempty"`    // 15:04
	Weekday      roster.Weekday       `json:"weekday,omitempty"`     //
	Pattern      []roster.Change      `json:"pattern,omitempty"`     //
	Restrictions []roster.Restriction `json:"restrictions,omitzero"` // restrictions: all of them; empty and not nil: none
}

func (RotationEdit) path() string { return "rotation" }

// A Takeover puts somebody on duty now.
type Takeover struct {
	EditHead
	Person  string    `json:"person,omitempty"`  // "": the officer who calls
	Instead string    `json:"instead,omitempty"` // whose duty; "": that of the one who is on duty
	Until   time.Time `json:"until,omitzero"`    // zero: the end of the shift
}

func (Takeover) path() string { return "takeover" }

// A GiveBack ends what somebody has taken over.
type GiveBack struct {
	EditHead
	Person string `json:"person,omitempty"` // "": the officer who calls
}

func (GiveBack) path() string { return "giveback" }

// A CoverWish asks others to take somebody's duty. Without a span it is the duty that they have now, or their next.
type CoverWish struct {
	EditHead
	Person  string    `json:"person,omitempty"` // "": the officer who calls
	From    time.Time `json:"from,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	To      []string  `json:"to,omitempty"`     // none: everybody
	Expires time.Time `json:"expires,omitzero"` // zero: when it is over
}

func (CoverWish) path() string { return "covers" }

// A CoverAnswer accepts or declines a cover.
type CoverAnswer struct {
	EditHead
	ID     string `json:"-"`
	Accept bool   `json:"-"`
	Person string `json:"person,omitempty"` // "": the officer who calls
}

func (a CoverAnswer) path() string { return answerPath("covers", a.ID, a.Accept) }

// A SwapWish asks somebody to exchange duties. A part without a span is the duty that its person has now, or their next.
type SwapWish struct {
	EditHead
	One     WishPart  `json:"one"` // who asks; Person "": the officer who calls
	Other   WishPart  `json:"other"`
	Expires time.Time `json:"expires,omitzero"` // zero: when a part is over
}

// A WishPart is the duty that one side of a swap gives away.
type WishPart struct {
	Person string    `json:"person,omitempty"`
	From   time.Time `json:"from,omitzero"`
	Until  time.Time `json:"until,omitzero"`
}

func (SwapWish) path() string { return "swaps" }

// A SwapAnswer accepts or declines a swap.
type SwapAnswer struct {
	EditHead
	ID     string `json:"-"`
	Accept bool   `json:"-"`
	Person string `json:"person,omitempty"` // "": the officer who calls
}

func (a SwapAnswer) path() string { return answerPath("swaps", a.ID, a.Accept) }

func answerPath(kind, id string, accept bool) string {
	if accept {
		return kind + "/" + url.PathEscape(id) + "/accept"
	}
	return kind + "/" + url.PathEscape(id) + "/decline"
}

// Edited is what an edit did.
type Edited struct {
	Revision uint64  `json:"revision"` // that stands
	Changed  bool    `json:"changed"`  // this call made it; false: it was so before
	Effect   Preview `json:"effect"`

	Takeover *TakenOver `json:"takeover,omitempty"`
	Cover    *Cover     `json:"cover,omitempty"` // asked for or answered
	Swap     *Swap      `json:"swap,omitempty"`
	PIN      *PINState  `json:"pin,omitempty"`
}

// A TakenOver is a duty that somebody took over.
type TakenOver struct {
	Roster string `json:"roster"`
	Person string `json:"person"`
	Span
}

// A Cover is somebody's wish that somebody else takes their duty.
type Cover struct {
	Roster string `json:"roster"`
	ID     string `json:"id"`
	Person string `json:"person"` // who asks
	Span

	To       []string          `json:"to"` // none: everybody
	Declined []string          `json:"declined"`
	State    roster.CoverState `json:"state"`
	By       string            `json:"by,omitempty"` // who accepted
	Expires  request.Instant   `json:"expires"`
	Reason   string            `json:"reason,omitempty"`
}

// A Swap is two duties that are exchanged.
type Swap struct {
	Roster  string            `json:"roster"`
	ID      string            `json:"id"`
	One     SwapPart          `json:"one"` // who asks
	Other   SwapPart          `json:"other"`
	State   roster.CoverState `json:"state"`
	Expires request.Instant   `json:"expires"`
}

// A SwapPart is the duty that one side of a swap gives away.
type SwapPart struct {
	Person string `json:"person"`
	Span
}

// EditRoster makes an edit. Where the base is nil, repeating it after an error of the connection is harmless. confirmed is as for [Client.PutRoster].
func (c *Client) EditRoster(ctx context.Context, e RosterEdit, confirmed ...string) (Edited, error) {
	var edited Edited
	_, err := c.do(ctx, call{method: http.MethodPost, path: confirming("/api/v1/roster/"+e.path(), confirmed), body: e}, &edited)
	return edited, err
}

// PreviewEdit says what EditRoster would change, and changes nothing.
func (c *Client) PreviewEdit(ctx context.Context, e RosterEdit) (Preview, error) {
	var preview Preview
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v1/roster/" + e.path() + "?dry_run=true", body: e}, &preview)
	return preview, err
}

// Covers are covers, with everybody's call sign.
type Covers struct {
	CallSigns map[string]string `json:"call_signs"`
	Covers    []Cover           `json:"covers"`
}

// Covers lists the covers of a roster ("": of all) in a state ("": in any).
func (c *Client) Covers(ctx context.Context, rosterID string, state roster.CoverState) (Covers, error) {
	var covers Covers
	_, err := c.do(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/roster/covers", entries(rosterID, state))}, &covers)
	return covers, err
}

// Swaps are swaps, with everybody's call sign.
type Swaps struct {
	CallSigns map[string]string `json:"call_signs"`
	Swaps     []Swap            `json:"swaps"`
}

// Swaps lists the swaps of a roster ("": of all) in a state ("": in any).
func (c *Client) Swaps(ctx context.Context, rosterID string, state roster.CoverState) (Swaps, error) {
	var swaps Swaps
	_, err := c.do(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/roster/swaps", entries(rosterID, state))}, &swaps)
	return swaps, err
}

func entries(rosterID string, state roster.CoverState) url.Values {
	query := url.Values{}
	if rosterID != "" {
		query.Set("roster", rosterID)
	}
	if state != "" {
		query.Set("state", string(state))
	}
	return query
}
