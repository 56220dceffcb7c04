package twiliosim

import (
	"maps"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

// A filter is what a list of messages was asked for.
type filter struct {
	to, from      string
	since, before time.Time // half-open, of Message.SentAt; zero = no bound
}

// paging is where a page stands. The token names the last message of the page before, so that new messages do not shift the pages.
type paging struct {
	size, page int
	token      string
}

// listMessages lists messages, newest first.
func (s *Simulator) listMessages(r *http.Request, _ string) (int, any, *apiError) {
	query := r.URL.Query()
	f, err := readFilter(query)
	if err != nil {
		return 0, nil, err
	}
	p, err := readPaging(query)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, more, err := s.find(f, p)
	if err != nil {
		return 0, nil, err
	}
	messages := make([]messageJSON, 0, len(found))
	for _, m := range found {
		messages = append(messages, s.represent(m))
	}
	next := ""
	if more {
		next = found[len(found)-1].SID
	}
	out := pageOf(r.URL, query, p, len(found), next)
	out["messages"] = messages
	return http.StatusOK, out, nil
}

// find returns one page, and whether another follows.
func (s *Simulator) find(f filter, p paging) (found []*message, more bool, refused *apiError) {
	candidates := s.messages
	for _, number := range []string{f.to, f.from} {
		if number == "" || s.numbers[number] != nil {
			continue
		}
		ph := s.phones[number]
		if ph == nil {
			return nil, false, nil // nobody has this number
		}
		candidates = ph.log
	}
	end, skip := len(candidates), p.page*p.size
	if p.token != "" {
		last := s.bySID[strings.TrimPrefix(p.token, "PA")]
		if last == nil {
			return nil, false, bad(codeInvalidParameter, "The parameter 'PageToken' is invalid.")
		}
		end = sort.Search(len(candidates), func(i int) bool { return candidates[i].index >= last.index })
		skip = 0
	}
	for i := end - 1; i >= 0; i-- {
		m := candidates[i]
		if m.deleted || !f.takes(m) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(found) == p.size {
			return found, true, nil
		}
		found = append(found, m)
	}
	return found, false, nil
}

func (f filter) takes(m *message) bool {
	at := m.listed()
	return (f.to == "" || m.To == f.to) && (f.from == "" || m.From == f.from) &&
		(f.since.IsZero() || !at.Before(f.since)) && (f.before.IsZero() || at.Before(f.before))
}

func readFilter(query url.Values) (filter, *apiError) {
	f := filter{to: query.Get("To"), from: query.Get("From")}
	for _, bound := range []struct {
		name  string
		apply func(start, end time.Time)
	}{
		{"DateSent", func(start, _ time.Time) { f.since, f.before = day(start), day(start).AddDate(0, 0, 1) }},
		{"DateSent<", func(_, end time.Time) { f.before = end }},
		{"DateSent>", func(start, _ time.Time) { f.since = start }},
	} {
		raw := query.Get(bound.name)
		if raw == "" {
			continue
		}
		start, end, ok := readDate(raw)
		if !ok {
			return f, bad(codeInvalidParameter, "The parameter '%s' is invalid.", bound.name)
		}
		bound.apply(start, end)
	}
	return f, nil
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// readDate reads a date, which is the whole day in GMT, or a time, which is its second: date_sent has no finer form.
func readDate(raw string) (start, end time.Time, ok bool) {
	if t, err := time.Parse(time.DateOnly, raw); err == nil {
		return t, t.AddDate(0, 0, 1), true
	}
	for _, layout := range []string{time.RFC3339Nano, time.RFC1123Z, "2006-01-02 15:04:05.999"} {
		if t, err := time.Parse(layout, raw); err == nil {
			t = t.UTC().Truncate(time.Second)
			return t, t.Add(time.Second), true
		}
	}
	return start, end, false
}

func readPaging(query url.Values) (paging, *apiError) {
	p := paging{size: defaultPage, token: query.Get("PageToken")}
	for name, field := range map[string]struct {
		at          *int
		least, most int
	}{"PageSize": {&p.size, 1, maxPage}, "Page": {&p.page, 0, 1 << 30}} {
		if !query.Has(name) {
			continue
		}
		n, err := strconv.Atoi(query.Get(name))
		if err != nil || n < field.least || n > field.most {
			return p, bad(codeInvalidParameter, "The parameter '%s' is invalid.", name)
		}
		*field.at = n
	}
	return p, nil
}

// pageOf is what every list says of itself; next is the last SID of a page that another follows.
func pageOf(at *url.URL, query url.Values, p paging, count int, next string) map[string]any {
	link := func(page int, token string) string {
		q := url.Values{}
		maps.Copy(q, query)
		q.Set("PageSize", strconv.Itoa(p.size))
		q.Set("Page", strconv.Itoa(page))
		q.Del("PageToken")
		if token != "" {
			q.Set("PageToken", token)
		}
		return at.Path + "?" + q.Encode()
	}
	start := p.page * p.size
	out := map[string]any{
		"uri": link(p.page, p.token), "first_page_uri": link(0, ""), "next_page_uri": nil, "previous_page_uri": nil,
		"page": p.page, "page_size": p.size, "start": start, "end": max(start, start+count-1),
	}
	if next != "" {
		out["next_page_uri"] = link(p.page+1, "PA"+next)
	}
	if p.page > 0 {
		out["previous_page_uri"] = link(p.page-1, "")
	}
	return out
}
