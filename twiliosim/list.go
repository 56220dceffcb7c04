package twiliosim

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	to, from string
	sent     span
}

// A span is a half-open interval of time; a zero bound is none.
type span struct{ since, before time.Time }

func (x span) holds(at time.Time) bool {
	return (x.since.IsZero() || !at.Before(x.since)) && (x.before.IsZero() || at.Before(x.before))
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
	s.net.Lock()
	defer s.net.Unlock()
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
		candidates = s.byPhone[number]
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
	found, more = newest(candidates[:end], skip, p.size, f.takes)
	return found, more, nil
}

// newest returns a page of what is taken, the last first, and whether more follows.
func newest[T any](candidates []T, skip, size int, takes func(T) bool) (found []T, more bool) {
	for _, c := range slices.Backward(candidates) {
		switch {
		case !takes(c):
		case skip > 0:
			skip--
		case len(found) == size:
			return found, true
		default:
			found = append(found, c)
		}
	}
	return found, false
}

func (f filter) takes(m *message) bool {
	return !m.deleted && (f.to == "" || m.To == f.to) && (f.from == "" || m.From == f.from) && f.sent.holds(m.listed())
}

func readFilter(query url.Values) (filter, *apiError) {
	sent, err := readSpan(query, "DateSent")
	return filter{to: query.Get("To"), from: query.Get("From"), sent: sent}, err
}

// readSpan reads a parameter that names a day, and its variants with < and >.
func readSpan(query url.Values, name string) (x span, refused *apiError) {
	for _, bound := range []struct {
		name  string
		apply func(start, end time.Time)
	}{
		{name, func(start, _ time.Time) { x.since, x.before = day(start), day(start).AddDate(0, 0, 1) }},
		{name + "<", func(_, end time.Time) { x.before = end }},
		{name + ">", func(start, _ time.Time) { x.since = start }},
	} {
		raw := query.Get(bound.name)
		if raw == "" {
			continue
		}
		start, end, ok := readDate(raw)
		if !ok {
			return x, bad(codeInvalidParameter, "The parameter '%s' is invalid.", bound.name)
		}
		bound.apply(start, end)
	}
	return x, nil
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
