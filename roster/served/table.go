package served

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/roster"
)

// tableKey is the duty table: a sorted set whose members all have the score 0, so that they sort as texts.
//
//	! 7 2026-03-16T12:00:00Z 28                                                                  the head: revision, end, number of tiles
//	national 2026-03-02T07:00:00.000000000Z {"revision":7,"until":"…","on_duty":[{"person":…}]}   a tile of a roster, from that moment on
//
// One key, so one command answers and one script replaces it whole. The tile of a moment is the last member of its roster that does not
// begin later. Each tile has the revision, so the answer brings what it must be judged by.
const tableKey = "dutyline:roster:table"

const (
	tableBack  = 24 * time.Hour      // what the table covers before the moment at which it is written …
	tableAhead = 14 * 24 * time.Hour // … and after it
	// tableLeft is what must be left of it; below, it is written anew.
	tableLeft = tableAhead / 2
	// horizon is how far ahead the end of somebody's duty is looked for.
	horizon = 60 * 24 * time.Hour
)

// tableStamp has one width, so that moments sort as texts.
const tableStamp = "2006-01-02T15:04:05.000000000Z"

// replaceTable replaces the table, unless it is of a later revision and the second argument is not "force".
var replaceTable = redis.NewScript(`
local head = redis.pcall('ZRANGE', KEYS[1], 0, 0)
local have = tonumber(string.match(head[1] or '', '^! (%d+) ') or '') or -1
if have > tonumber(ARGV[1]) and ARGV[2] ~= 'force' then return 0 end
redis.call('DEL', KEYS[1])
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], 0, ARGV[i]) end
return 1`)

// ErrNoRoster says that the book has no such roster.
var ErrNoRoster = errors.New("there is no roster of this name")

// A Now is who is on duty on a roster at a moment. It holds ids and call signs and nothing else of people.
type Now struct {
	At       time.Time
	Roster   string
	Revision uint64
	OnDuty   []OnDuty  // nobody: a gap, or the roster is closed
	Until    time.Time // when other people are; zero: not within 60 days
	Source   Source
	Age      time.Duration // since the roster was last known to be the newest; 0 unless it is from memory
}

// OnDuty is somebody on duty.
type OnDuty struct {
	Person   string    `json:"person"`
	CallSign string    `json:"call_sign"`
	Until    time.Time `json:"until"` // without a break; of a [Now] zero: for more than 60 days
}

// A tile is a span with the same people on duty.
type tile struct {
	From     time.Time `json:"-"`
	Revision uint64    `json:"revision"`
	Until    time.Time `json:"until"`
	OnDuty   []OnDuty  `json:"on_duty"`
}

// tilesOf are the tiles of a roster that begin before until, the first one at from. Where people stay for longer than can be looked ahead,
// their end is after the horizon of every moment of the span.
func tilesOf(c *roster.Compiled, id string, from, until time.Time) []tile {
	var tiles []tile
	for s := range c.Shifts(id, from, until.Add(horizon+time.Nanosecond)) {
		if n := len(tiles); n > 0 && slices.EqualFunc(tiles[n-1].OnDuty, s.People, func(o OnDuty, person string) bool { return o.Person == person }) {
			tiles[n-1].Until = s.Until.UTC() // only who is in training is another
			continue
		}
		t := tile{From: s.From.UTC(), Revision: c.Revision(), Until: s.Until.UTC(), OnDuty: make([]OnDuty, len(s.People))}
		for i, id := range s.People {
			p, _ := c.Person(id)
			t.OnDuty[i] = OnDuty{Person: id, CallSign: p.CallSign}
		}
		tiles = append(tiles, t)
	}
	for i, t := range slices.Backward(tiles) {
		for j := range t.OnDuty {
			t.OnDuty[j].Until = t.Until
			if i+1 == len(tiles) {
				continue
			}
			for _, later := range tiles[i+1].OnDuty {
				if later.Person == t.OnDuty[j].Person {
					t.OnDuty[j].Until = later.Until
				}
			}
		}
	}
	return slices.DeleteFunc(tiles, func(t tile) bool { return !t.From.Before(until) })
}

// at is the tile as an answer for a moment within it.
func (t tile) at(now time.Time, id string, from Source) Now {
	near := func(until time.Time) time.Time {
		if until.Sub(now) > horizon {
			return time.Time{}
		}
		return until.UTC()
	}
	people := slices.Clone(t.OnDuty)
	for i := range people {
		people[i].Until = near(people[i].Until)
	}
	return Now{At: now.UTC(), Roster: id, Revision: t.Revision, OnDuty: people, Until: near(t.Until), Source: from}
}

// member is a tile as the table has it.
func (t tile) member(id string) (string, error) {
	data, err := json.Marshal(t)
	return id + " " + t.From.UTC().Format(tableStamp) + " " + string(data), err
}

func parseTile(member string) (t tile, err error) {
	_, rest, _ := strings.Cut(member, " ")
	stamp, data, _ := strings.Cut(rest, " ")
	if t.From, err = time.Parse(tableStamp, stamp); err == nil {
		err = json.Unmarshal([]byte(data), &t)
	}
	if err != nil {
		return t, fmt.Errorf("%w: a tile of the duty table: %w", errUnreadable, err)
	}
	return t, nil
}

// A readTile is a member of the table, and what it says.
type readTile struct {
	member string
	tile   tile
}

// read parses a member, unless it is the one that was read last: for hours it is.
func (s *store) read(member string) (tile, error) {
	if last := s.last.Load(); last != nil && last.member == member {
		return last.tile, nil
	}
	t, err := parseTile(member)
	if err == nil {
		s.last.Store(&readTile{member, t})
	}
	return t, err
}

// tableOf is the table of a book around a moment: its members, the head first.
func tableOf(c *roster.Compiled, now time.Time) ([]any, error) {
	from, until := now.Add(-tableBack).UTC().Truncate(time.Hour), now.Add(tableAhead).UTC().Truncate(time.Hour)
	members := []any{nil}
	for _, r := range c.Book().Rosters {
		for _, t := range tilesOf(c, r.ID, from, until) {
			member, err := t.member(r.ID)
			if err != nil {
				return nil, fmt.Errorf("make the duty table: %w", err)
			}
			members = append(members, member)
		}
	}
	members[0] = fmt.Sprintf("! %d %s %d", c.Revision(), until.Format(time.RFC3339), len(members)-1)
	return members, nil
}

// parseHead reads the head of a table; a table without one is none.
func parseHead(member string) (revision uint64, until time.Time, tiles int) {
	fields := strings.Fields(member)
	if len(fields) != 4 || fields[0] != "!" {
		return 0, time.Time{}, 0
	}
	revision, errRevision := strconv.ParseUint(fields[1], 10, 64)
	until, errUntil := time.Parse(time.RFC3339, fields[2])
	tiles, errTiles := strconv.Atoi(fields[3])
	if errors.Join(errRevision, errUntil, errTiles) != nil {
		return 0, time.Time{}, 0
	}
	return revision, until, tiles
}

// tile asks for the tile that holds a moment: one command, one round trip.
func (s *store) tile(ctx context.Context, id string, now time.Time) (tile, error) {
	return ask(ctx, s, readPatience, func(ctx context.Context) (tile, error) {
		list, err := s.client.ZRevRangeByLex(ctx, tableKey, &redis.ZRangeBy{
			Min: "[" + id + " ", Max: "(" + id + " " + now.UTC().Format(tableStamp) + "!", Count: 1, // ! comes next after the space
		}).Result()
		switch {
		case redis.HasErrorPrefix(err, "WRONGTYPE"):
			return tile{}, errUnreadable
		case err != nil:
			return tile{}, err
		case len(list) == 0:
			return tile{}, errBehind
		}
		t, err := s.read(list[0])
		if err == nil && !now.Before(t.Until) {
			err = errBehind // nobody has written it for two weeks
		}
		return t, err
	})
}

// putTable writes the table of a book, unless Redis holds that of a later one and force is not set.
func (s *store) putTable(ctx context.Context, patience time.Duration, c *roster.Compiled, now time.Time, force bool) error {
	members, err := tableOf(c, now)
	if err != nil {
		return err
	}
	how := ""
	if force {
		how = "force"
	}
	_, err = ask(ctx, s, patience, func(ctx context.Context) (any, error) {
		return replaceTable.Run(ctx, s.client, []string{tableKey}, append([]any{c.Revision(), how}, members...)...).Result()
	})
	if err != nil {
		return fmt.Errorf("write the duty table to redis: %w", err)
	}
	return nil
}

// WhoNow says who is on duty on a roster ("" is the first) at the present moment, in one round trip to Redis. A table that is missing, older
// than a revision that this node has seen, or over, is not believed and is mended behind the caller's back; one that is newer than what this
// node has read makes it read first. Then, and without Redis, the answer is made of the roster as [Service.Current] gives it, at the worst
// the last that this node knew, with its age. Errors: [ErrNoRoster], [ErrEmpty], and [ErrUnavailable] while this node knows no roster at all.
func (s *Service) WhoNow(ctx context.Context, id string, now time.Time) (Now, error) {
	if answer, ok := s.fromTable(ctx, id, now); ok {
		return answer, nil
	}
	c, source, err := s.current(ctx, s.seen.Load())
	if c == nil {
		return Now{}, err
	}
	name, ok := rosterOf(c, id)
	if !ok {
		return Now{}, ErrNoRoster
	}
	answer := tilesOf(c, name, now, now.Add(time.Nanosecond))[0].at(now, name, source)
	answer.Age = s.age(source)
	return answer, nil
}

// fromTable answers out of the duty table, if it is of the newest revision that this node has read or seen.
func (s *Service) fromTable(ctx context.Context, id string, now time.Time) (Now, bool) {
	for range 2 { // again when there is an edit that this node had not read: the first roster may be another
		known := s.lastKnown()
		name, ok := rosterOf(known, id)
		if !ok {
			break
		}
		t, err := s.redis.tile(ctx, name, now)
		if err == nil && t.Revision == known.Revision() && t.Revision >= s.seen.Load() {
			s.confirm(FromRedis, nil)
			return t.at(now, name, FromRedis), true
		}
		if err == nil && t.Revision > known.Revision() {
			if _, err = s.Current(ctx, t.Revision); err == nil {
				continue
			}
		}
		if err == nil || errors.Is(err, errBehind) || errors.Is(err, errUnreadable) || errors.Is(err, ErrUnavailable) {
			s.wake()
		}
		break
	}
	return Now{}, false
}

// rosterOf is the id of a roster ("" is the first).
func rosterOf(c *roster.Compiled, id string) (string, bool) {
	if c == nil {
		return "", false
	}
	for _, r := range c.Book().Rosters {
		if id == "" || r.ID == id {
			return r.ID, true
		}
	}
	return "", false
}
