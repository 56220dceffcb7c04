package client

import (
	"context"
	"net/http"
	"net/url"
)

// A PINEdit gives a person a PIN, or takes it away; no answer repeats it.
type PINEdit struct {
	Base   *uint64 `json:"base,omitempty"`   // only if this revision of the roster stands; nil: of whatever stands
	Reason string  `json:"reason,omitempty"` // for the history, in clear: it must name nobody
	PIN    string  `json:"pin,omitempty"`    // 4 to 8 digits; not with [Client.RemovePIN]
}

// A PINState is whether a person has a PIN.
type PINState struct {
	Person string `json:"person"`
	PIN    bool   `json:"pin"`
}

// SetPIN gives a person the PIN by which they confirm the key that takes a request during a call; an officer does for themselves.
func (c *Client) SetPIN(ctx context.Context, person string, e PINEdit) (Edited, error) {
	return c.editPIN(ctx, http.MethodPut, person, e)
}

// RemovePIN takes it away.
func (c *Client) RemovePIN(ctx context.Context, person string, e PINEdit) (Edited, error) {
	e.PIN = ""
	return c.editPIN(ctx, http.MethodDelete, person, e)
}

func (c *Client) editPIN(ctx context.Context, method, person string, e PINEdit) (Edited, error) {
	var edited Edited
	_, err := c.do(ctx, call{method: method, path: "/api/v1/roster/people/" + url.PathEscape(person) + "/pin", body: e}, &edited)
	return edited, err
}
