package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/dutyline/dutyline/request"
)

// calendarType is the media type of a calendar file.
const calendarType = "text/calendar"

// raw makes a call and gives its answer as it is.
func (c *Client) raw(ctx context.Context, in call) ([]byte, error) {
	response, err := c.send(ctx, in)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	c.remember(response)
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", &url.Error{Op: in.method, URL: c.base + in.path, Err: err})
	}
	return data, nil
}

// Calendar is the final roster as iCalendar: of a person over all rosters, else of a roster ("": the first). A zero bound is the server's: from 30
// days ago, until 180 days ahead.
func (c *Client) Calendar(ctx context.Context, person, rosterID string, from, until time.Time) ([]byte, error) {
	query := bounds(from, until)
	for name, value := range map[string]string{"person": person, "roster": rosterID} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return c.raw(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/roster/ics", query)})
}

// Sheet is the roster on paper for so many days (0: as the server has it): json, html or text. It holds names and telephone numbers.
func (c *Client) Sheet(ctx context.Context, format string, days int) ([]byte, error) {
	query := url.Values{"format": {format}}
	if days != 0 {
		query.Set("days", fmt.Sprint(days))
	}
	return c.raw(ctx, call{method: http.MethodGet, path: withQuery("/api/v1/roster/sheet", query)})
}

// A Feed is a calendar at a secret address: of a person or of a roster.
type Feed struct {
	ID      string          `json:"id"`
	Person  string          `json:"person,omitempty"`
	Roster  string          `json:"roster,omitempty"`
	Added   request.Instant `json:"added"`
	Expires request.Instant `json:"expires"`
	Revoked request.Instant `json:"revoked"`
	URL     string          `json:"url,omitempty"` // of one that was just added; whoever has it reads the calendar
}

// NewFeed is a feed to add: of a person or of a roster.
type NewFeed struct {
	Person string `json:"person,omitempty"`
	Roster string `json:"roster,omitempty"`
	Days   int    `json:"days,omitempty"` // that it is valid; 0: as the server has it
}

// AddFeed makes a secret address.
func (c *Client) AddFeed(ctx context.Context, feed NewFeed) (Feed, error) {
	var added Feed
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v1/roster/feeds", body: feed}, &added)
	return added, err
}

// Feeds lists the feeds, revoked ones too, without their addresses.
func (c *Client) Feeds(ctx context.Context) ([]Feed, error) {
	var feeds []Feed
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v1/roster/feeds"}, &feeds)
	return feeds, err
}

// RevokeFeed ends a feed: nobody reads its address any more.
func (c *Client) RevokeFeed(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/api/v1/roster/feeds/" + url.PathEscape(id)}, nil)
	return err
}

// An Import is a calendar file that becomes an edit of the roster.
type Import struct {
	Person   string // whose leave the events are
	Calendar string // else: of which calendar they are the days
	Zone     string // IANA name of the zone of times without one; "": the person's, or the roster's
	Data     []byte
	DryRun   bool // only tell
}

// An Imported is what a file does to the roster, or did. Lines are those at which the events of the file begin.
type Imported struct {
	Revision  uint64       `json:"revision"` // that stands
	Taken     []ImportItem `json:"taken"`    // new, or at another time than before
	Unchanged int          `json:"unchanged"`
	Removed   []ImportItem `json:"removed"` // what the same events had brought
	Ignored   []ImportItem `json:"ignored"`
	Preview   Preview      `json:"preview"`
}

// An ImportItem is one time, or one day, of an event.
type ImportItem struct {
	Line  int             `json:"line"`
	From  request.Instant `json:"from,omitzero"`
	Until request.Instant `json:"until,omitzero"`
	Day   string          `json:"day,omitempty"`
	Why   string          `json:"why,omitempty"`
}

// Import takes a calendar file as an edit of revision base.
func (c *Client) Import(ctx context.Context, in Import, base uint64) (Imported, error) {
	path, query := "/api/v1/roster/import/leave", url.Values{"person": {in.Person}}
	if in.Calendar != "" {
		path, query = "/api/v1/roster/import/holidays", url.Values{"calendar": {in.Calendar}}
	}
	if in.Zone != "" {
		query.Set("zone", in.Zone)
	}
	if in.DryRun {
		query.Set("dry_run", "true")
	}
	var imported Imported
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: withQuery(path, query), body: in.Data, kind: calendarType, header: map[string]string{"If-Match": quoted(base)},
	}, &imported)
	return imported, err
}
