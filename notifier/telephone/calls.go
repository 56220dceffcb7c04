package telephone

import (
	"slices"
	"sync"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// rememberedCalls is of how many calls the pages are kept: those of hours, at the rate of one number.
const rememberedCalls = 4096

// Calls remembers which page a call of the provider's is for. The zero value remembers none. It is safe for concurrent use.
type Calls struct {
	mu     sync.Mutex
	pages  map[string]string // the provider's id → page
	oldest []string          // ids, in the order in which they are forgotten
}

// Note keeps what the provider itself said: this call is for the page of this attempt.
func (c *Calls) Note(id string, ref request.Ref, attempt string) {
	page, ok := request.PageOfAttempt(attempt)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(id, pageOf(ref, page))
}

// pageOf names a page among those of all requests.
func pageOf(ref request.Ref, page string) string { return string(ref) + "/" + page }

func (c *Calls) set(id, page string) {
	if id == "" {
		return
	}
	if c.pages == nil {
		c.pages = map[string]string{}
	}
	if _, known := c.pages[id]; !known {
		if len(c.oldest) == rememberedCalls {
			delete(c.pages, c.oldest[0])
			c.oldest = c.oldest[1:]
		}
		c.oldest = append(c.oldest, id)
	}
	c.pages[id] = page
}

// claim keeps a conclusion, and reports whether it holds: somebody else may have been faster.
func (c *Calls) claim(id, page string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.pages[id]; known != "" {
		return known == page
	}
	c.set(id, page)
	return true
}

// page is whose call it is, "" when that is not known.
func (c *Calls) page(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pages[id]
}

// A Search looks for the call of a page in a provider's list of calls, which says nothing that we gave it but the two numbers. So a call is
// the page's
//
//   - when this process knows it to be: the provider answered it to Send, or named it in a webhook, whose path carries the attempt;
//   - or when it is the only one in question of which neither this process nor [notifier.Message.Others] knows another page. A lane places
//     one call to a phone at a time, so that it is the one whose answer was lost. It is claimed: no second page takes it.
//
// Two that could be it are none: a second call about a page is better than none. It belongs to one goroutine.
type Search struct {
	calls   *Calls
	page    string
	others  []string
	unknown []string
}

// Search begins a search for the call of a message's page.
func (c *Calls) Search(m notifier.Message) *Search {
	return &Search{calls: c, page: pageOf(m.Ref, m.Page), others: m.Others}
}

// See takes one call of the list and reports whether it is known to be the page's: then the search is over. A call is in question when it is
// from one of our numbers, under way, and was placed since the page was first attempted ([Age]). One that is over is none, unless it is
// known: the webhooks of this page's would have told the log, and where none came through, nobody heard a question either.
func (s *Search) See(id string, inQuestion bool) (known bool) {
	switch page := s.calls.page(id); {
	case id == "":
	case page == s.page:
		return true
	case page == "" && inQuestion && !slices.Contains(s.others, id):
		s.unknown = append(s.unknown, id)
	}
	return false
}

// Only is the one call that was in question, when there was one alone and no other page has taken it.
func (s *Search) Only() (id string, ok bool) {
	if len(s.unknown) != 1 || !s.calls.claim(s.unknown[0], s.page) {
		return "", false
	}
	return s.unknown[0], true
}

const (
	// lookUpSlack is how much older than its page a call may look: providers tell whole seconds, and the log's clock may be two seconds off.
	lookUpSlack = 5 * time.Second
	// oldestPage bounds the age of a page, for one that does not say when it was attempted.
	oldestPage = 48 * time.Hour
)

// Age is how old a call of the message's page can be at most, by the clock of the provider.
func Age(m notifier.Message) time.Duration {
	return min(max(time.Since(m.Since), 0), oldestPage) + lookUpSlack
}
