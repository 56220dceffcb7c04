package request

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// Every node reads every commit, and most are written by this code. What it writes is plain: no white space, no escapes, members in one order. The
// functions here read and write just that, several times as fast as encoding/json; of anything else they say that they cannot, and encoding/json does
// it. A fuzz test holds the two to the same results.

// plain reads plain JSON: its methods report whether what stands next is what they are for, and move past it.
type plain struct {
	data []byte
	at   int
}

func (p *plain) eat(text string) bool {
	if len(p.data)-p.at < len(text) || string(p.data[p.at:p.at+len(text)]) != text {
		return false
	}
	p.at += len(text)
	return true
}

func (p *plain) peek() byte {
	if p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

// raw is a string's text as it stands: ASCII, without escapes and without what [json.Marshal] would escape.
func (p *plain) raw() ([]byte, bool) {
	if p.peek() != '"' {
		return nil, false
	}
	for i := p.at + 1; i < len(p.data); i++ {
		switch c := p.data[i]; {
		case c == '"':
			text := p.data[p.at+1 : i]
			p.at = i + 1
			return text, true
		case !harmless(c):
			return nil, false
		}
	}
	return nil, false
}

// harmless characters stand in a JSON string as they are.
func harmless(c byte) bool {
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
}

func (p *plain) text(into *string) bool {
	raw, ok := p.raw()
	*into = string(raw)
	return ok
}

// number is an integer that is not negative and has fewer than 16 digits.
func (p *plain) number(into *int) bool {
	first, n := p.at, 0
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		n = 10*n + int(c-'0')
		p.at++
	}
	digits := p.at - first
	*into = n
	return digits > 0 && digits < 16 && (digits == 1 || p.data[first] != '0')
}

func (p *plain) instant(into *Instant) bool {
	raw, ok := p.raw()
	if !ok {
		return false
	}
	*into, ok = plainInstant(raw)
	return ok
}

// plainInstant reads [InstantLayout].
func plainInstant(raw []byte) (Instant, bool) {
	if len(raw) != len(InstantLayout) {
		return Instant{}, false
	}
	digits := func(from, to int) int {
		n := 0
		for _, c := range raw[from:to] {
			if c < '0' || c > '9' {
				return -1 << 40
			}
			n = 10*n + int(c-'0')
		}
		return n
	}
	if raw[4] != '-' || raw[7] != '-' || raw[10] != 'T' || raw[13] != ':' || raw[16] != ':' || raw[19] != '.' || raw[23] != 'Z' {
		return Instant{}, false
	}
	year, month, day := digits(0, 4), digits(5, 7), digits(8, 10)
	hour, minute, second, ms := digits(11, 13), digits(14, 16), digits(17, 19), digits(20, 23)
	if year < 1 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || ms < 0 {
		return Instant{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, ms*int(time.Millisecond), time.UTC)
	if t.Month() != time.Month(month) || t.Day() != day || t.IsZero() {
		return Instant{}, false
	}
	return Instant{t}, true
}

// deepest bounds how far values may nest.
const deepest = 16

// value moves past any plain value.
func (p *plain) value(depth int) bool {
	switch c := p.peek(); {
	case depth > deepest:
		return false
	case c == '"':
		_, ok := p.raw()
		return ok
	case c >= '0' && c <= '9':
		var n int
		return p.number(&n)
	case c == '{':
		return p.list('}', func() bool {
			_, ok := p.raw()
			return ok && p.eat(":") && p.value(depth+1)
		})
	case c == '[':
		return p.list(']', func() bool { return p.value(depth + 1) })
	}
	return p.eat("true") || p.eat("false") || p.eat("null")
}

// list moves past an object or an array, whose end is given.
func (p *plain) list(end byte, one func() bool) bool {
	p.at++
	if p.peek() == end {
		p.at++
		return true
	}
	for one() {
		switch p.peek() {
		case ',':
			p.at++
		case end:
			p.at++
			return true
		default:
			return false
		}
	}
	return false
}

// decodePlain reads a commit; ok is false when it is not plain. The bodies of the events are parts of data.
func decodePlain(data []byte) (c Commit, ok bool) {
	p := &plain{data: data}
	var ref, kind string
	ok = p.eat(`{"v":`) && p.number(&c.V) && p.eat(`,"id":`) && p.text(&c.ID) && p.eat(`,"request":`) && p.text(&ref) &&
		p.eat(`,"time":`) && p.instant(&c.Time) && p.eat(`,"node":`) && p.text(&c.Node) && p.eat(`,"actor":{"kind":`) && p.text(&kind) &&
		p.eat(`,"id":`) && p.text(&c.Actor.ID) && p.eat(`},"min_reader":`) && p.number(&c.MinReader) &&
		(!p.eat(`,"prev":`) || p.text(&c.Prev)) && p.eat(`,"events":`) && p.peek() == '['
	if !ok {
		return Commit{}, false
	}
	c.Request, c.Actor.Kind, c.Events = Ref(ref), ActorKind(kind), make([]Event, 0, 2)
	ok = p.list(']', func() bool {
		var e Event
		var kind string
		if !p.eat(`{"type":`) || !p.text(&kind) || !p.eat(`,"body":`) || p.peek() != '{' {
			return false
		}
		first := p.at
		if !p.value(0) {
			return false
		}
		e.Type, e.Body = EventType(kind), data[first:p.at:p.at]
		if p.eat(`,"sealed":`) {
			raw, ok := p.raw()
			if !ok {
				return false
			}
			sealed, err := base64.StdEncoding.AppendDecode(nil, raw)
			if err != nil || len(sealed) == 0 {
				return false
			}
			e.Sealed = sealed
		}
		c.Events = append(c.Events, e)
		return p.eat("}")
	})
	if !ok || !p.eat("}") || p.at != len(data) {
		return Commit{}, false
	}
	return c, true
}

// encodePlain writes a commit; ok is false when what stands in it is not plain.
func encodePlain(c Commit) (data []byte, ok bool) {
	size := 300
	for _, e := range c.Events {
		size += len(e.Type) + len(e.Body) + 2*len(e.Sealed) + 40
	}
	w := &plainWriter{data: make([]byte, 0, size), ok: c.V >= 0 && c.MinReader >= 0 && len(c.Events) > 0}
	w.put(`{"v":`).number(c.V).put(`,"id":`).text(c.ID).put(`,"request":`).text(string(c.Request))
	w.put(`,"time":"`).data = c.Time.UTC().AppendFormat(w.data, InstantLayout)
	w.put(`","node":`).text(c.Node).put(`,"actor":{"kind":`).text(string(c.Actor.Kind)).put(`,"id":`).text(c.Actor.ID)
	w.put(`},"min_reader":`).number(c.MinReader)
	if c.Prev != "" {
		w.put(`,"prev":`).text(c.Prev)
	}
	w.put(`,"events":[`)
	for i, e := range c.Events {
		if i > 0 {
			w.put(`,`)
		}
		w.put(`{"type":`).text(string(e.Type)).put(`,"body":`).value(e.Body)
		if len(e.Sealed) > 0 {
			w.put(`,"sealed":"`).data = base64.StdEncoding.AppendEncode(w.data, e.Sealed)
			w.put(`"`)
		}
		w.put(`}`)
	}
	w.put(`]}`)
	return w.data, w.ok
}

type plainWriter struct {
	data []byte
	ok   bool
}

func (w *plainWriter) put(text string) *plainWriter {
	w.data = append(w.data, text...)
	return w
}

func (w *plainWriter) number(n int) *plainWriter {
	if n > 999_999_999 {
		w.ok = false
		return w
	}
	if n >= 10 {
		w.number(n / 10)
	}
	w.data = append(w.data, byte('0'+max(n, 0)%10))
	return w
}

func (w *plainWriter) text(text string) *plainWriter {
	for i := range len(text) {
		w.ok = w.ok && harmless(text[i])
	}
	w.data = append(append(append(w.data, '"'), text...), '"')
	return w
}

func (w *plainWriter) value(raw json.RawMessage) *plainWriter {
	p := &plain{data: raw}
	w.ok = w.ok && p.value(0) && p.at == len(raw)
	w.data = append(w.data, raw...)
	return w
}

// object reads an object whose members are known; member reads the value of one and is false for one that it does not know.
func (p *plain) object(member func(name string) bool) bool {
	return p.peek() == '{' && p.list('}', func() bool {
		name, ok := p.raw()
		return ok && p.eat(":") && member(string(name))
	}) && p.at == len(p.data)
}

// readPlain reads the body of an event into one of the types that are most of a log; it is false for all others, and for what is not plain.
func readPlain(data []byte, into any) bool {
	p := &plain{data: data}
	switch b := into.(type) {
	case *AttemptBody:
		return p.object(func(name string) bool {
			switch name {
			case "page":
				return p.text(&b.Page)
			case "attempt":
				return p.text(&b.Attempt)
			case "provider":
				return p.text(&b.Provider)
			case "provider_id":
				return p.text(&b.ProviderID)
			case "code":
				return p.text(&b.Code)
			case "failure":
				return p.text((*string)(&b.Failure))
			case "retry_at":
				return p.instant(&b.RetryAt)
			case "deadline":
				return p.instant(&b.Deadline)
			case "earlier":
				return p.text(&b.Earlier)
			case "look_up":
				b.LookUp = true
				return p.eat("true")
			}
			return false
		})
	case *PageBody:
		return p.object(func(name string) bool {
			switch name {
			case "page":
				return p.text(&b.Page)
			case "purpose":
				return p.text((*string)(&b.Purpose))
			case "about":
				return p.text(&b.About)
			case "recipient":
				return p.text((*string)(&b.Recipient))
			case "person":
				return p.text(&b.Person)
			case "level":
				return p.number(&b.Level)
			case "round":
				return p.number(&b.Round)
			case "channel":
				return p.text(&b.Channel)
			case "contact":
				return p.text(&b.Contact)
			case "roster_revision":
				var n int
				ok := p.number(&n)
				b.RosterRevision = uint64(n) //nolint:gosec // not negative
				return ok
			case "expires":
				return p.instant(&b.Expires)
			case "reason":
				return p.text(&b.Reason)
			}
			return false
		})
	}
	return false
}
