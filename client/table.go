package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/dutyline/dutyline/request"
)

// A DutyNow is who is on duty on a roster at a moment, out of the duty table.
type DutyNow struct {
	At         request.Instant `json:"at"`
	Roster     string          `json:"roster"`
	Revision   uint64          `json:"revision"`
	OnDuty     []OnDutyNow     `json:"on_duty"`
	Until      request.Instant `json:"until"`                 // when others are; zero: not within 60 days
	Source     string          `json:"source"`                // redis, log or memory
	AgeSeconds int64           `json:"age_seconds,omitempty"` // since the roster was last known to be the newest; 0: it is
}

// An OnDutyNow is somebody on duty.
type OnDutyNow struct {
	Person   string          `json:"person"`
	CallSign string          `json:"call_sign"`
	Until    request.Instant `json:"until"` // without a break; zero: for more than 60 days
}

// DutyNow says who is on duty now on a roster ("": the first). It is the cheapest way to ask.
func (c *Client) DutyNow(ctx context.Context, rosterID string) (DutyNow, error) {
	query := url.Values{}
	if rosterID != "" {
		query.Set("roster", rosterID)
	}
	var duty DutyNow
	_, err := c.do(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/duty/now", query)}, &duty)
	return duty, err
}

// A Rebuilt is what was found in Redis and what was left there.
type Rebuilt struct {
	Revision uint64      `json:"revision"` // of the log
	Before   RedisRoster `json:"before"`
	After    RedisRoster `json:"after"`
}

// A RedisRoster is what Redis holds of the roster.
type RedisRoster struct {
	Document   uint64          `json:"document"`    // its revision; 0: none
	Same       bool            `json:"same"`        // it is byte for byte the newest document of the log
	Table      uint64          `json:"table"`       // revision of the duty table; 0: none
	TableUntil request.Instant `json:"table_until"` // zero: there is none
	Tiles      int             `json:"tiles"`       // spans with the same people, over all rosters
}

// RebuildRoster writes everything of the roster in Redis anew from the log.
func (c *Client) RebuildRoster(ctx context.Context) (Rebuilt, error) {
	var rebuilt Rebuilt
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v1/roster/rebuild"}, &rebuilt)
	return rebuilt, err
}
