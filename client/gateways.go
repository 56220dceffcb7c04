package client

import (
	"context"
	"net/http"
	"net/url"
)

// A WebhookKey is the secret with which the receiver of a person's webhook checks signatures.
type WebhookKey struct {
	Person        string `json:"person"`
	Contact       string `json:"contact"`
	WebhookSecret string `json:"webhook_secret"`
}

// WebhookKey gives the secret of a webhook of a person; contact "" is the first, which is the one that is told. For coordinators.
func (c *Client) WebhookKey(ctx context.Context, person, contact string) (WebhookKey, error) {
	path := "/api/v1/people/" + url.PathEscape(person) + "/webhook-key"
	if contact != "" {
		path += "?" + url.Values{"contact": {contact}}.Encode()
	}
	var key WebhookKey
	_, err := c.do(ctx, call{method: http.MethodGet, path: path}, &key)
	return key, err
}
