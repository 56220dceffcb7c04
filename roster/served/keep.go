package served

import (
	"context"
	"crypto/sha1" //nolint:gosec // what a script in Redis can compute, against accidents and not against anybody
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/roster"
)

// checkEvery is how often a node looks whether Redis holds what it should.
const checkEvery = 5 * time.Second

// breath is the least time between two looks: every read may find the same missing.
const breath = 100 * time.Millisecond

// inspect tells what Redis holds without sending it: revision and digest of the document, head and size of the table. What has another type
// than it should counts as missing.
var inspect = redis.NewScript(`
local function get(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return false end
  return answer
end
local document, head = get('GET', KEYS[1]), get('ZRANGE', KEYS[3], 0, 0)
return {get('GET', KEYS[2]) or '', document and redis.sha1hex(document) or '', head and head[1] or '', get('ZCARD', KEYS[3]) or 0}`)

// A Holding is what Redis holds of the roster.
type Holding struct {
	Document uint64    // its revision; 0: none, or Redis does not say which
	Same     bool      // it is byte for byte the newest document of the log
	Table    uint64    // revision of the duty table; 0: none
	Until    time.Time // the table ends
	Tiles    int       // of the table

	digest string // of the document
	whole  bool   // the table has all its tiles
}

// lacksDocument reports whether Redis lacks the document of a revision. A later one is no lack.
func (h Holding) lacksDocument(revision uint64) bool {
	return h.Document < revision || (h.Document == revision && !h.Same)
}

// lacksTable reports whether Redis lacks a table of a revision that goes on long enough.
func (h Holding) lacksTable(revision uint64, now time.Time) bool {
	return h.Table < revision || (h.Table == revision && (!h.whole || h.Until.Sub(now) < tableLeft))
}

// against compares the document with that of the log.
func (h Holding) against(data []byte) Holding {
	sum := sha1.Sum(data) //nolint:gosec // as above
	h.Same = h.digest == hex.EncodeToString(sum[:])
	return h
}

// holding asks what Redis holds.
func (s *store) holding(ctx context.Context, patience time.Duration) (Holding, error) {
	return ask(ctx, s, patience, func(ctx context.Context) (h Holding, err error) {
		answer, err := inspect.Run(ctx, s.client, []string{documentKey, revisionKey, tableKey}).Slice()
		if err != nil {
			return h, err
		}
		if len(answer) != 4 {
			return h, fmt.Errorf("%w: %d answers", errUnreadable, len(answer))
		}
		text := func(i int) string { t, _ := answer[i].(string); return t }
		if h.digest = text(1); h.digest != "" {
			h.Document, _ = strconv.ParseUint(text(0), 10, 64) // what is no number is no revision
		}
		h.Table, h.Until, h.Tiles = parseHead(text(2))
		size, _ := answer[3].(int64)
		h.whole = int64(h.Tiles)+1 == size
		return h, nil
	})
}

// Saw notes that the log has a revision: from here on nothing older is believed where it says who is on duty now.
func (s *Service) Saw(revision uint64) {
	for {
		seen := s.seen.Load()
		if seen >= revision || s.seen.CompareAndSwap(seen, revision) {
			return
		}
	}
}

// wake makes [Service.Run] look at once.
func (s *Service) wake() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// Run keeps in Redis what the log says, until ctx ends: it looks every few seconds, and at once when a read found something missing. So a
// Redis that was emptied, or that came back old, is whole again without anybody asking, and the duty table goes on. The error is ctx's.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	said := ""
	for {
		trouble := ""
		if err := s.check(ctx); err != nil && ctx.Err() == nil {
			trouble = err.Error()
		}
		if trouble != "" && trouble != said {
			s.Logger.Warn("the roster in redis cannot be mended yet; trying again", zap.String("trouble", trouble))
		}
		said = trouble
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case <-s.poke:
			select {
			case <-ctx.Done():
			case <-time.After(breath):
			}
		}
	}
}

// check looks once and mends. That Redis or the log does not answer is no trouble of its own: whoever reads says so.
//
// Redis is looked at before the log: an edit is in the log before it is in Redis, so nothing that is seen to be ahead is an edit under way.
// It is left alone all the same, unless it cannot be read: a log that answers out of its past must not undo an edit. [Service.Rebuild] does.
func (s *Service) check(ctx context.Context) error {
	holds, err := s.redis.holding(ctx, writePatience)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	ask, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	data, _, err := s.Log.Last(ask)
	if err != nil || data == nil {
		return nil //nolint:nilerr // see above
	}
	header, err := roster.Header(data)
	if err != nil {
		return err
	}
	revision, now := header.Revision, s.Now()
	if revision < max(s.seen.Load(), revisionOf(s.lastKnown())) {
		return errors.New("the log is behind what was seen")
	}
	holds = holds.against(data)
	var mended []string
	var errs []error
	if holds.lacksDocument(revision) {
		mended, errs = append(mended, "document"), append(errs, s.redis.put(ctx, writePatience, revision, data))
	}
	if holds.lacksTable(revision, now) {
		mended, errs = append(mended, "table"), append(errs, s.mendTable(ctx, data, revision, now))
	}
	if holds.Document > revision { // to read it mends one that is none
		_, err := s.Current(ctx, 0)
		errs = append(errs, err)
	}
	if holds.Table > max(revision, revisionOf(s.lastKnown())) {
		errs = append(errs, ErrAhead)
	}
	if err := errors.Join(errs...); err != nil || len(mended) == 0 {
		return err
	}
	s.Logger.Info("the roster in redis was mended from the log", zap.Uint64("revision", revision), zap.Strings("parts", mended),
		zap.Uint64("document_was", holds.Document), zap.Uint64("table_was", holds.Table))
	return nil
}

// mendTable writes the table of a document.
func (s *Service) mendTable(ctx context.Context, data []byte, revision uint64, now time.Time) error {
	c := s.lastKnown()
	if revisionOf(c) != revision {
		var err error
		if c, err = s.keep(ctx, data); err != nil {
			return err
		}
	}
	return s.redis.putTable(ctx, writePatience, c, now, false)
}

// A Rebuilt is what [Service.Rebuild] found in Redis and left there.
type Rebuilt struct {
	Revision      uint64 // of the log
	Before, After Holding
}

// Rebuild writes document and duty table anew from the log, whatever Redis holds, and opens the document anew on this node, so that a person
// whose key was erased is forgotten here. Errors: [ErrEmpty], [ErrUnavailable].
func (s *Service) Rebuild(ctx context.Context) (r Rebuilt, err error) {
	data, _, err := s.Log.Last(ctx)
	if err != nil {
		return r, fmt.Errorf("rebuild the roster: %w: %w", ErrUnavailable, err)
	}
	if data == nil {
		return r, ErrEmpty
	}
	c, err := s.keep(ctx, data)
	if err != nil {
		return r, fmt.Errorf("rebuild the roster: %w", err)
	}
	r.Revision = c.Revision()
	if r.Before, err = s.redis.holding(ctx, writePatience); err == nil {
		err = s.redis.force(ctx, writePatience, r.Revision, data)
	}
	if err == nil {
		err = s.redis.putTable(ctx, writePatience, c, s.Now(), true)
	}
	if err == nil {
		r.After, err = s.redis.holding(ctx, writePatience)
	}
	if err != nil {
		return r, fmt.Errorf("rebuild the roster: %w: %w", ErrUnavailable, err)
	}
	r.Before, r.After = r.Before.against(data), r.After.against(data)
	return r, nil
}
