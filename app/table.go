package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/web"
)

// table is the duty table as the web reaches it.
type table struct{ service *served.Service }

var _ web.Table = table{}

// WhoNow says who is on duty.
func (t table) WhoNow(ctx context.Context, roster string, now time.Time) (web.DutyNow, error) {
	n, err := t.service.WhoNow(ctx, roster, now)
	if errors.Is(err, served.ErrNoRoster) {
		return web.DutyNow{}, named{err, []error{web.ErrNotFound}}
	}
	if err != nil {
		return web.DutyNow{}, forWeb(err)
	}
	answer := web.DutyNow{
		At: request.At(n.At), Roster: n.Roster, Revision: n.Revision, OnDuty: make([]web.OnDutyNow, len(n.OnDuty)), Until: request.At(n.Until),
		Source: string(n.Source), AgeSeconds: int64(n.Age / time.Second),
	}
	for i, o := range n.OnDuty {
		answer.OnDuty[i] = web.OnDutyNow{Person: o.Person, CallSign: o.CallSign, Until: request.At(o.Until)}
	}
	return answer, nil
}

// Rebuild writes Redis anew.
func (t table) Rebuild(ctx context.Context) (web.Rebuilt, error) {
	r, err := t.service.Rebuild(ctx)
	if errors.Is(err, served.ErrEmpty) {
		return web.Rebuilt{}, named{err, []error{web.ErrNotFound}}
	}
	return web.Rebuilt{Revision: r.Revision, Before: redisRoster(r.Before), After: redisRoster(r.After)}, forWeb(err)
}

func redisRoster(h served.Holding) web.RedisRoster {
	return web.RedisRoster{Document: h.Document, Same: h.Same, Table: h.Table, TableUntil: request.At(h.Until), Tiles: h.Tiles}
}

// Age is that of the roster.
func (t table) Age() time.Duration { return t.service.Age() }

// rosterPart tells how the roster is served, and how old it is where that is not known any more.
func rosterPart(how served.Health, known bool) web.Part {
	part := web.Part{Name: "roster", OK: known && how.Revision > 0, Detail: fmt.Sprintf("revision %d from %s", how.Revision, how.Source)}
	switch {
	case !part.OK:
		part.Detail = "there is no roster yet: store one with dutyline roster apply"
	case how.LogRevision > how.Revision:
		part.OK, part.Detail = false, fmt.Sprintf("revision %d is stored and cannot be read; revision %d is used", how.LogRevision, how.Revision)
	case how.Source == served.FromMemory:
		part.Detail += fmt.Sprintf(", last known to be the newest %s ago", how.Age.Round(time.Second))
	}
	return part
}

// redisPart tells whether Redis serves the newest roster. It is not needed for that.
func redisPart(how served.Health) web.Part {
	part := web.Part{Name: "redis", OK: true}
	switch {
	case errors.Is(how.Redis, served.ErrAhead):
		part.Detail = "holds a duty table that is newer than the log: dutyline roster rebuild writes it anew"
	case how.Redis != nil:
		part.Detail = "does not serve the newest roster; the log does"
	}
	return part
}
