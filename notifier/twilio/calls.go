package twilio

import (
	"sync"

	"github.com/dutyline/dutyline/request"
)

// rememberedCalls is of how many calls the pages are kept: those of hours, at the rate of one number.
const rememberedCalls = 4096

// calls remembers which page a call of the vendor's is for. It is safe for concurrent use.
type calls struct {
	mu     sync.Mutex
	pages  map[string]string // the vendor's id → page
	oldest []string          // ids, in the order in which they are forgotten
}

// pageOf names a page among those of all requests.
func pageOf(ref request.Ref, page string) string { return string(ref) + "/" + page }

// note keeps what the vendor itself said.
func (c *calls) note(id, page string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(id, page)
}

func (c *calls) set(id, page string) {
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
func (c *calls) claim(id, page string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.pages[id]; known != "" {
		return known == page
	}
	c.set(id, page)
	return true
}

// page is whose call it is, "" when that is not known.
func (c *calls) page(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pages[id]
}
