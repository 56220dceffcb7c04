package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/dutyline/dutyline/request"
)

func requestPath(ref, more string) string {
	return "/api/v1/requests/" + url.PathEscape(ref) + more
}

// Raise raises a request. The same key with the same body gives the same answer for ever; a key of "" lets the server choose a random
// one. The body is JSON, or YAML when yaml is true.
func (c *Client) Raise(ctx context.Context, key string, body []byte, yaml bool) (request.Receipt, error) {
	in := call{method: http.MethodPost, path: "/api/v1/requests", body: body, header: map[string]string{"Idempotency-Key": key}}
	if yaml {
		in.kind = "application/yaml"
	}
	var receipt request.Receipt
	_, err := c.do(ctx, in, &receipt)
	return receipt, err
}

// Show gives the status of a request.
func (c *Client) Show(ctx context.Context, ref string) (request.Receipt, error) {
	var receipt request.Receipt
	_, err := c.do(ctx, call{method: http.MethodGet, path: requestPath(ref, "")}, &receipt)
	return receipt, err
}

// Amend applies a merge patch to the version of the request that was read.
func (c *Client) Amend(ctx context.Context, ref string, version int, patch []byte) (request.Receipt, error) {
	var receipt request.Receipt
	_, err := c.do(ctx, call{
		method: http.MethodPatch, path: requestPath(ref, ""), body: patch, kind: "application/merge-patch+json",
		header: map[string]string{"If-Match": quoted(uint64(version))}, //nolint:gosec // versions count from 1
	}, &receipt)
	return receipt, err
}

// Withdraw ends a request for its sender.
func (c *Client) Withdraw(ctx context.Context, ref, reason string) (request.Receipt, error) {
	return c.act(ctx, ref, "/withdraw", reason)
}

// Acknowledge takes a request for the officer whose token it is.
func (c *Client) Acknowledge(ctx context.Context, ref string) (request.Receipt, error) {
	var receipt request.Receipt
	_, err := c.do(ctx, call{method: http.MethodPost, path: requestPath(ref, "/acknowledge")}, &receipt)
	return receipt, err
}

// Pass gives a request to the next.
func (c *Client) Pass(ctx context.Context, ref, reason string) (request.Receipt, error) {
	return c.act(ctx, ref, "/pass", reason)
}

// Undo takes back the acknowledgement of the officer whose token it is, as long as the time for it lasts.
func (c *Client) Undo(ctx context.Context, ref string) (request.Receipt, error) {
	var receipt request.Receipt
	_, err := c.do(ctx, call{method: http.MethodPost, path: requestPath(ref, "/undo")}, &receipt)
	return receipt, err
}

// ChangeUrgency judges the urgency of a request anew, for an officer or a coordinator. Less urgent than before needs a reason.
func (c *Client) ChangeUrgency(ctx context.Context, ref string, to request.Urgency, reason string) (request.Receipt, error) {
	var receipt request.Receipt
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: requestPath(ref, "/urgency"), body: map[string]string{"urgency": string(to), "reason": reason},
	}, &receipt)
	return receipt, err
}

func (c *Client) act(ctx context.Context, ref, what, reason string) (request.Receipt, error) {
	var receipt request.Receipt
	_, err := c.do(ctx, call{method: http.MethodPost, path: requestPath(ref, what), body: map[string]string{"reason": reason}}, &receipt)
	return receipt, err
}

// A Content is what a request asks for. Content is null when it was erased.
type Content struct {
	Reference string            `json:"reference"`
	Version   int               `json:"version"`
	Erased    bool              `json:"erased,omitempty"`
	Content   json.RawMessage   `json:"content"`
	Warnings  []request.Warning `json:"warnings"`
}

// Content reads what a request asks for; that an officer read it is noted.
func (c *Client) Content(ctx context.Context, ref string) (Content, error) {
	var content Content
	_, err := c.do(ctx, call{method: http.MethodGet, path: requestPath(ref, "/content")}, &content)
	return content, err
}

// An Event is one event of the log (CONTRACT: EVENT).
type Event struct {
	V       int               `json:"v"`
	ID      string            `json:"id"`
	Request string            `json:"request"`
	Seq     uint64            `json:"seq"`
	Prev    *string           `json:"prev"` // nil for facts
	Type    request.EventType `json:"type"`
	Time    request.Instant   `json:"time"`
	Node    string            `json:"node"`
	Actor   request.Actor     `json:"actor"`
	Body    json.RawMessage   `json:"body"`
	Sealed  bool              `json:"sealed,omitempty"` // there is something that only those who may read the content can see
}

// Log gives all events of one request in order.
func (c *Client) Log(ctx context.Context, ref string) ([]Event, error) {
	var events []Event
	_, err := c.do(ctx, call{method: http.MethodGet, path: requestPath(ref, "/log")}, &events)
	return events, err
}

func quoted(version uint64) string { return strconv.Quote(strconv.FormatUint(version, 10)) }
