package served

import (
	"context"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// Health is how the roster is served by this node.
type Health struct {
	Revision      uint64        // that this node serves; 0: none
	Source        Source        // of the last read
	Age           time.Duration // since Redis or the log last said that it is the newest
	RedisRevision uint64        // 0: none, or Redis does not answer
	Redis         error         // nil: it answers and has the newest document of the log, and its duty table
	LogRevision   uint64        // 0: none, or the log does not answer
	Log           error         // nil: it answers
}

// OK reports whether the roster is served, and is the newest there is. Redis is not needed for that.
func (h Health) OK() bool { return h.Revision > 0 && h.Log == nil && h.Revision >= h.LogRevision }

// Health reads the roster once as [Service.Current] does, and then asks Redis and the log what they hold.
func (s *Service) Health(ctx context.Context) Health {
	var h Health
	_, _ = s.Current(ctx, 0) // its troubles show below
	data, _, err := s.Log.Last(ctx)
	if err != nil {
		h.Log = err
	} else if data == nil {
		h.Log = ErrEmpty
	} else if d, err := roster.Header(data); err != nil {
		h.Log = err
	} else {
		h.LogRevision = d.Revision
	}
	holds, err := s.redis.holding(ctx, readPatience)
	h.RedisRevision, h.Redis = holds.Document, err
	switch holds = holds.against(data); {
	case err != nil || h.LogRevision == 0:
	case holds.lacksDocument(h.LogRevision) || holds.Table < h.LogRevision:
		h.Redis = errBehind
	case holds.Table > max(h.LogRevision, revisionOf(s.lastKnown())):
		h.Redis = ErrAhead
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Revision, h.Source = revisionOf(s.known), s.source
	if s.known != nil {
		h.Age = s.Now().Sub(s.confirmed)
	}
	return h
}
