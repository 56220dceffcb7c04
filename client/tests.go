package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/dutyline/dutyline/request"
)

// A TestPage is a test page to each telephone of a person, and how far it has come. State is open, or why it ended: verified, expired (not all were
// answered in time), unreached.
type TestPage struct {
	Reference string          `json:"reference"`
	Person    string          `json:"person"`
	OrderedAt request.Instant `json:"ordered_at"`
	ExpiresAt request.Instant `json:"expires_at"`
	State     string          `json:"state"`
	Contacts  []TestedContact `json:"contacts"`
}

// A TestedContact is one telephone that is tested. State is waiting, ordered, sent, delivered, answered (a call was picked up), acknowledged, failed or
// expired; only acknowledged verifies it.
type TestedContact struct {
	Contact        string          `json:"contact"`
	Channel        string          `json:"channel,omitempty"`
	State          string          `json:"state"`
	AcknowledgedAt request.Instant `json:"acknowledged_at"`
	Via            request.Via     `json:"via,omitempty"`
}

// A TestOrder asks for a test page: Calls rings the telephones that take texts too, Night sends it between 22:00 and 07:00, too.
type TestOrder struct {
	Calls bool `json:"call,omitempty"`
	Night bool `json:"now,omitempty"`
}

// TestPage orders a test page to a person; an officer orders their own. The same order within a minute is one.
func (c *Client) TestPage(ctx context.Context, person string, order TestOrder) (TestPage, error) {
	var page TestPage
	_, err := c.do(ctx, call{method: http.MethodPost, path: testPath(person), body: order}, &page)
	return page, err
}

// ShowTestPage tells how far a test page has come.
func (c *Client) ShowTestPage(ctx context.Context, person, reference string) (TestPage, error) {
	var page TestPage
	_, err := c.do(ctx, call{method: http.MethodGet, path: testPath(person) + "/" + url.PathEscape(reference)}, &page)
	return page, err
}

func testPath(person string) string { return "/api/v1/people/" + url.PathEscape(person) + "/test-page" }
