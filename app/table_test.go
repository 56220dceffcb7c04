package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster/served"
)

func TestReadyzSaysHowOldTheRosterIsAndWhatIsWrongWithRedis(t *testing.T) {
	away := errors.New("redis://user:hunter2@cache.example: connection refused")
	for name, c := range map[string]struct {
		how           served.Health
		ok            bool
		roster, redis string
	}{
		"well":     {served.Health{Revision: 7, Source: served.FromRedis, LogRevision: 7}, true, "revision 7 from redis", ""},
		"no redis": {served.Health{Revision: 7, Source: served.FromLog, LogRevision: 7, Redis: away}, true, "revision 7 from log", "does not serve the newest roster; the log does"},
		"neither": {
			served.Health{Revision: 7, Source: served.FromMemory, Age: 12*time.Minute + 100*time.Millisecond, Redis: away, Log: away},
			true,
			"revision 7 from memory, last known to be the newest 12m0s ago", "does not serve the newest roster; the log does",
		},
		"unread": {served.Health{Revision: 7, Source: served.FromMemory, LogRevision: 8}, false, "revision 8 is stored and cannot be read; revision 7 is used", ""},
		"ahead":  {served.Health{Revision: 7, Source: served.FromRedis, LogRevision: 7, Redis: served.ErrAhead}, true, "revision 7 from redis", "roster rebuild"},
		"empty":  {served.Health{}, false, "there is no roster yet: store one with dutyline roster apply", ""},
	} {
		book, cache := rosterPart(c.how, true), redisPart(c.how)
		if book.OK != c.ok || book.Detail != c.roster || !cache.OK || !strings.Contains(cache.Detail, c.redis) || (c.redis == "" && cache.Detail != "") || strings.Contains(cache.Detail, "hunter2") {
			t.Errorf("%s: %+v, %+v", name, book, cache)
		}
	}
}
