package twiliosim

import (
	"maps"
	"net/url"
	"strconv"
	"strings"
)

const (
	// maxDocuments is how many documents a call follows in a row without a key pressed. The vendor names no such limit.
	maxDocuments = 20

	codeInvalidFormat = 11100
	codeManyRedirects = 11215
)

// apology is what a person hears where a document fails and there is no other.
const apology = "An application error has occurred. Goodbye."

// A script is a document that a call follows.
type script struct {
	url   string // "" = the parameter Twiml
	verbs []verb // those that are left
}

// A gathering is a Gather under way.
type gathering struct {
	gather
	left   []verb // of the prompt
	digits string
}

// begin follows the first document.
func (s *Simulator) begin(c *call) {
	if c.url.target != "" {
		s.fetchDocument(c, c.url, nil)
		return
	}
	s.pauseCall(c)
	s.followAnswer(c, "", answer{class: done, body: []byte(c.twiml)}, false)
}

// pauseCall leaves the document that was followed.
func (s *Simulator) pauseCall(c *call) {
	c.Rest()
	c.fetching, c.script, c.gathering = nil, nil, nil
}

// fetchDocument asks for the document that the call follows next. extra says why.
func (s *Simulator) fetchDocument(c *call, from webhookURL, extra url.Values) {
	s.pauseCall(c)
	if c.documents == maxDocuments {
		s.alert("error", codeManyRedirects, c.SID, "twenty documents in a row, and no key was pressed: the call is ended")
		c.End(CallCompleted)
		return
	}
	c.documents++
	form := s.callForm(c)
	maps.Copy(form, extra)
	h := &webhook{sid: c.SID, target: from.target, method: from.method, form: form}
	h.then = func(got answer) {
		if c.fetching == h {
			c.fetching = nil
			s.followAnswer(c, from.target, got, extra.Has("ErrorCode"))
		}
	}
	c.fetching = h
	s.post(h)
}

// followAnswer follows the document that a webhook answered with. last: a failure has no other document to turn to.
func (s *Simulator) followAnswer(c *call, target string, got answer, last bool) {
	if got.class != done { // there is an alert already
		s.stumble(c, codeNotRetrieved, target, last)
		return
	}
	verbs, problems, fatal := readVoice(got)
	for _, p := range problems {
		s.alert(p.level, p.code, c.SID, p.detail)
	}
	if fatal != nil {
		s.alert(fatal.level, fatal.code, c.SID, fatal.detail)
		s.stumble(c, fatal.code, target, last)
		return
	}
	c.script = &script{url: target, verbs: verbs}
	s.proceed(c)
}

// stumble turns to the FallbackUrl after a document failed, or ends the call with an apology.
func (s *Simulator) stumble(c *call, code int, target string, last bool) {
	if c.fallback.target != "" && !last {
		s.fetchDocument(c, c.fallback, url.Values{"ErrorCode": {strconv.Itoa(code)}, "ErrorUrl": {target}})
		return
	}
	c.script = &script{verbs: []verb{say{text: apology, loop: 1}}}
	s.proceed(c)
}

// proceed carries out the next verb of the document; at its end the call ends.
func (s *Simulator) proceed(c *call) {
	if len(c.script.verbs) == 0 {
		c.End(CallCompleted)
		return
	}
	v := c.script.verbs[0]
	c.script.verbs = c.script.verbs[1:]
	switch v := v.(type) {
	case gather:
		c.gathering = &gathering{gather: v, left: v.prompt}
		s.prompt(c)
	case redirect:
		s.turn(c, v.target, v.method, nil)
	case reject:
		s.alert("warning", codeSchema, c.SID, "a Reject is for calls that come in and are not answered yet: it hangs up")
		c.End(CallCompleted)
	case hangup:
		c.End(CallCompleted)
	default:
		s.utter(c, v, func() { s.proceed(c) })
	}
}

// utter carries out a Say or a Pause, and then what follows.
func (s *Simulator) utter(c *call, v verb, then func()) {
	switch v := v.(type) {
	case pauseFor:
		c.Next(v.length, then)
	case say:
		if p, ok := v.spoken(); !ok {
			s.alert(p.level, p.code, c.SID, p.detail)
			c.Next(0, then)
			return
		}
		if v.loop--; v.loop > 0 && !c.Idle(v.text) {
			again := then
			then = func() { s.utter(c, v, again) }
		}
		c.Say(v.text, then)
	}
}

// prompt carries out what is left of a Gather's prompt, and then waits for a key.
func (s *Simulator) prompt(c *call) {
	g := c.gathering
	if len(g.left) == 0 {
		c.Next(g.timeout, func() { s.gathered(c, "") })
		return
	}
	v := g.left[0]
	g.left = g.left[1:]
	s.utter(c, v, func() { s.prompt(c) })
}

// Key hands a key to the Gather that listens. The first one ends its prompt.
func (c *call) Key(key string) {
	s, g := c.sim, c.gathering
	c.documents = 0
	switch {
	case g == nil || g.deaf:
	case key == g.finish && g.digits == "": // the vendor: it ends what was begun, and nothing else
	case key == g.finish:
		s.gathered(c, key)
	default:
		g.digits += key
		g.left = nil
		if g.gather.digits > 0 && len(g.digits) == g.gather.digits {
			s.gathered(c, "")
			return
		}
		s.prompt(c)
	}
}

// gathered ends a Gather: its action gets the keys, or the next verb follows where there were none.
func (s *Simulator) gathered(c *call, finish string) {
	g := c.gathering
	c.gathering = nil
	if g.digits == "" && !g.onEmpty {
		s.proceed(c)
		return
	}
	s.turn(c, g.action, g.method, url.Values{"Digits": {g.digits}, "FinishedOnKey": {finish}})
}

// turn leaves the document for another.
func (s *Simulator) turn(c *call, ref, method string, extra url.Values) {
	from := c.script.url
	target, err := resolve(from, strings.TrimSpace(ref))
	if err != nil {
		s.pauseCall(c)
		s.alert("error", codeInvalidFormat, c.SID, "the address of another document is not a URL")
		s.stumble(c, codeInvalidFormat, from, false)
		return
	}
	s.fetchDocument(c, webhookURL{target: target, method: method}, extra)
}
