package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// Duty says who is on duty at a time (zero: now) on a roster ("": the first).
func (c *Client) Duty(ctx context.Context, rosterID string, at time.Time) (roster.Duty, error) {
	query := url.Values{}
	if rosterID != "" {
		query.Set("roster", rosterID)
	}
	if !at.IsZero() {
		query.Set("at", at.UTC().Format(request.InstantLayout))
	}
	var duty roster.Duty
	_, err := c.do(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/duty", query)}, &duty)
	return duty, err
}

// An Alarm is one that stands, or that was cleared within two days (ClearedAt).
type Alarm struct {
	Reference string            `json:"reference"`
	Kind      request.AlarmKind `json:"kind"`
	Cause     string            `json:"cause"`
	Since     request.Instant   `json:"since"`
	ClearedAt request.Instant   `json:"cleared_at"`
	Due       request.Instant   `json:"due,omitzero"`     // of an alarm about the roster: when what it is about begins; until an hour before it wakes nobody
	Failing   request.Failing   `json:"failing,omitzero"` // of kind contact_failing: why pages over the contact do not arrive
	Paged     []string          `json:"paged"`
}

// Alarms lists the alarms that stand, and those that were cleared within two days, the oldest first.
func (c *Client) Alarms(ctx context.Context) ([]Alarm, error) {
	var alarms []Alarm
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/alarms"}, &alarms)
	return alarms, err
}

// Roster reads the book. Names and numbers are there for coordinators only.
func (c *Client) Roster(ctx context.Context) (roster.Book, error) {
	var book roster.Book
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/roster"}, &book)
	return book, err
}

// rosterEdit is a book with the reason of its edit.
type rosterEdit struct {
	roster.Book
	Reason string `json:"reason,omitempty"`
}

// confirming is the path of an edit after which the people named may be on duty without a verified telephone.
func confirming(path string, people []string) string {
	if len(people) == 0 {
		return path
	}
	return withQuery(path, url.Values{"confirm_unverified": people})
}

// PutRoster replaces the book of revision base. The reason goes into the history and must name nobody. Whom it newly puts on duty without a
// verified telephone must be among confirmed; else the error is a [*Problem] with the code unverified_on_duty, and nothing is stored.
func (c *Client) PutRoster(ctx context.Context, book roster.Book, base uint64, reason string, confirmed ...string) (roster.Book, error) {
	var stored roster.Book
	_, err := c.do(ctx, call{
		method: http.MethodPut, path: confirming("/api/v1/roster", confirmed), body: rosterEdit{book, reason}, header: map[string]string{"If-Match": quoted(base)},
	}, &stored)
	return stored, err
}

// A Preview is what an edit of the roster would do over a span.
type Preview struct {
	From      request.Instant              `json:"from"`
	Until     request.Instant              `json:"until"`
	CallSigns map[string]string            `json:"call_signs"` // of everybody before and after
	Changed   []Shift                      `json:"changed"`    // tiles in which other people would be on duty than before
	Moves     []Move                       `json:"moves"`      // the same, with the roster and with who is on duty now
	Gaps      []NewGap                     `json:"gaps"`       // with nobody on duty
	Hours     map[string]roster.HourChange `json:"hours"`      // people whose hours would change
	Contacts  []string                     `json:"contacts_missing"`
	Confirm   []string                     `json:"confirm_unverified"` // who would newly be on duty without a verified telephone: PutRoster must name them
	Overlaps  []Overlap                    `json:"overlaps"`
	Rest      []ShortRest                  `json:"rest"`
	Overwork  []Overwork                   `json:"overwork"`
	Uncovered []Uncovered                  `json:"uncovered"`
	Load      []Load                       `json:"load"` // of everybody who takes part
	Mean      roster.Work                  `json:"mean"` // of Load after the edit
}

// A Span is half-open.
type Span struct {
	From  request.Instant `json:"from"`
	Until request.Instant `json:"until"`
}

// A Shift is a half-open span with the same people on duty throughout; without people it is a gap.
type Shift struct {
	Span

	People []string `json:"people"`
}

// A Move is a span of a roster in which an edit puts other people on duty.
type Move struct {
	Roster string `json:"roster"`
	Span

	Before []string `json:"before"`
	After  []string `json:"after"`
}

// A NewGap is a gap of a preview.
type NewGap struct {
	Gap

	New bool `json:"new"` // the edit makes it; so below
}

// An Overlap is a span in which a person is on duty on several rosters.
type Overlap struct {
	Person  string   `json:"person"`
	Rosters []string `json:"rosters"`
	Span

	New bool `json:"new"`
}

// A ShortRest is less time between two shifts of a person than the limits ask for.
type ShortRest struct {
	Person string `json:"person"`
	Span

	New bool `json:"new"`
}

// An Overwork is more time on duty than the limits allow within so many days.
type Overwork struct {
	Person string `json:"person"`
	Span

	Hours float64 `json:"hours"`
	New   bool    `json:"new"`
}

// An Uncovered is a span in which a coverage rule is broken.
type Uncovered struct {
	Roster string `json:"roster"`
	Rule   string `json:"rule"`
	Span

	Missing []string `json:"missing"`
	New     bool     `json:"new"`
}

// A Load is what a person has to do, and how far that is from the mean: in hours and days, and in percent.
type Load struct {
	roster.Load

	Percent roster.Work `json:"percent"`
}

// PreviewRoster says what PutRoster would change, and changes nothing.
func (c *Client) PreviewRoster(ctx context.Context, book roster.Book, base uint64) (Preview, error) {
	var preview Preview
	_, err := c.do(ctx, call{
		method: http.MethodPut, path: "/api/v1/roster?dry_run=true", body: rosterEdit{Book: book}, header: map[string]string{"If-Match": quoted(base)},
	}, &preview)
	return preview, err
}

// A Reversion says which revision of the roster comes back from now on, and why.
type Reversion struct {
	Revision uint64 `json:"revision"`
	Reason   string `json:"reason"` // it goes into the history and must name nobody
}

// RevertRoster brings an earlier revision back, as a new edit of revision base. Shifts that are over stay, and so do people's telephones.
// confirmed is that of [Client.PutRoster].
func (c *Client) RevertRoster(ctx context.Context, to Reversion, base uint64, confirmed ...string) (roster.Book, error) {
	var stored roster.Book
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: confirming("/api/v1/roster/revert", confirmed), body: to, header: map[string]string{"If-Match": quoted(base)},
	}, &stored)
	return stored, err
}

// PreviewRevert says what RevertRoster would change, and changes nothing.
func (c *Client) PreviewRevert(ctx context.Context, to Reversion, base uint64) (Preview, error) {
	var preview Preview
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: "/api/v1/roster/revert?dry_run=true", body: to, header: map[string]string{"If-Match": quoted(base)},
	}, &preview)
	return preview, err
}

// Gaps are the spans in which nobody is on duty.
type Gaps struct {
	Span

	Gaps []Gap `json:"gaps"`
}

// A Gap is a span in which nobody is on duty on a roster.
type Gap struct {
	Roster string `json:"roster"`
	Span
}

// Gaps lists when nobody is on duty on a roster ("": on any) over a span; a zero bound is the server's: from now, for four weeks.
func (c *Client) Gaps(ctx context.Context, rosterID string, from, until time.Time) (Gaps, error) {
	query := bounds(from, until)
	if rosterID != "" {
		query.Set("roster", rosterID)
	}
	var gaps Gaps
	_, err := c.do(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/roster/gaps", query)}, &gaps)
	return gaps, err
}

// Fairness is how the work of a span is shared.
type Fairness struct {
	Span

	Mean   roster.Work `json:"mean"`
	People []Share     `json:"people"` // those who have a turn now, or any time in the span
}

// A Share is one person's work, and how far it is from the mean: in hours and days, and in percent.
type Share struct {
	Person   string `json:"person"`
	CallSign string `json:"call_sign"`
	roster.Work

	Over    roster.Work `json:"over"`
	Percent roster.Work `json:"percent"`
}

// Fairness tells how the work is shared over a span; a zero bound is the server's: from now, for four weeks.
func (c *Client) Fairness(ctx context.Context, from, until time.Time) (Fairness, error) {
	var fairness Fairness
	_, err := c.do(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/roster/fairness", bounds(from, until))}, &fairness)
	return fairness, err
}

func bounds(from, until time.Time) url.Values {
	query := url.Values{}
	if !from.IsZero() {
		query.Set("from", from.UTC().Format(request.InstantLayout))
	}
	if !until.IsZero() {
		query.Set("until", until.UTC().Format(request.InstantLayout))
	}
	return query
}

func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// A RosterVersion is one edit of the roster.
type RosterVersion struct {
	Revision uint64          `json:"revision"`
	Time     request.Instant `json:"time"`
	Actor    request.Actor   `json:"actor"`
	Reason   string          `json:"reason"`
	// ConfirmedUnverified are the people whom the edit put on duty without a verified telephone: its actor has confirmed it.
	ConfirmedUnverified []string `json:"confirmed_unverified,omitempty"`
}

// RosterHistory lists the edits of the roster, the newest first.
func (c *Client) RosterHistory(ctx context.Context) ([]RosterVersion, error) {
	var versions []RosterVersion
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/roster/history"}, &versions)
	return versions, err
}

// A Sender is another contact point that may raise requests.
type Sender struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	State   string          `json:"state"` // ISO 3166-1 alpha-2
	Webhook string          `json:"webhook,omitempty"`
	Email   string          `json:"email,omitempty"`
	Added   request.Instant `json:"added"`
	Revoked request.Instant `json:"revoked"`
	Token   *Token          `json:"token,omitempty"` // of AddSender: its first

	WebhookSecret string `json:"webhook_secret,omitempty"` // of AddSender with a webhook: it signs what goes there, and is shown once
}

// A Token lets somebody in. Text is the token itself and is shown once, when it is added.
type Token struct {
	ID      string          `json:"id"`
	Role    string          `json:"role"`    // sender, officer, coordinator
	Subject string          `json:"subject"` // the sender or the person
	Added   request.Instant `json:"added"`
	Expires request.Instant `json:"expires"`
	Revoked request.Instant `json:"revoked"`
	Text    string          `json:"text,omitempty"`
}

// Senders lists the senders, revoked ones too.
func (c *Client) Senders(ctx context.Context) ([]Sender, error) {
	var senders []Sender
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/senders"}, &senders)
	return senders, err
}

// NewSender is a sender to add.
type NewSender struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Webhook string `json:"webhook,omitempty"`
	Email   string `json:"email,omitempty"` // kept for a channel to come
}

// AddSender adds a sender with its first token.
func (c *Client) AddSender(ctx context.Context, sender NewSender) (Sender, error) {
	var added Sender
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v1/senders", body: sender}, &added)
	return added, err
}

// RevokeSender turns a sender away from now on, with all its tokens.
func (c *Client) RevokeSender(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/api/v1/senders/" + url.PathEscape(id)}, nil)
	return err
}

// Tokens lists the tokens, without their texts.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var tokens []Token
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/tokens"}, &tokens)
	return tokens, err
}

// NewToken is a token to add.
type NewToken struct {
	Role    string `json:"role"`
	Subject string `json:"subject"`
	Days    int    `json:"days,omitempty"` // that it is valid; 0: as the server has it
}

// AddToken mints a token.
func (c *Client) AddToken(ctx context.Context, token NewToken) (Token, error) {
	var added Token
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v1/tokens", body: token}, &added)
	return added, err
}

// RevokeToken ends a token.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/api/v1/tokens/" + url.PathEscape(id)}, nil)
	return err
}

// A Health is how a server is.
type Health struct {
	OK    bool `json:"ok"`
	Parts []struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail,omitempty"`
	} `json:"parts"`
}

// Health asks a server how it is; that something does not work is no error.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var health Health
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/readyz", ok: []int{http.StatusServiceUnavailable}}, &health)
	return health, err
}
