package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/twiliosim"
)

// The colours, by what they mean.
const (
	faint    = "2"
	bold     = "1"
	asking   = "33"
	settled  = "32"
	alarming = "1;31"
	spoken   = "36"
)

// story tells a night: its events as JSON, or in words. It belongs to one goroutine.
type story struct {
	n       *night
	start   time.Time
	encoder *json.Encoder
	shown   map[string]int // SID of a text or a call → lines of it that were told
	pages   map[string]request.PageBody
}

func newStory(n *night) *story {
	return &story{
		n: n, start: time.Now(), encoder: json.NewEncoder(n.Out), shown: map[string]int{}, pages: map[string]request.PageBody{},
	}
}

func (s *story) paint(colour, text string) string {
	if !s.n.Colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// line tells one thing, at its time in the story.
func (s *story) line(colour, mark, who, what string) {
	if s.n.JSON {
		return
	}
	told := time.Duration(float64(time.Since(s.start)) * s.n.Speed).Round(time.Second)
	_, _ = fmt.Fprintf(s.n.Out, "%s  %s %-9s %s\n", s.paint(faint, fmt.Sprintf("%02d:%02d", int(told.Minutes()), int(told.Seconds())%60)),
		s.paint(colour, mark), s.paint(bold, fmt.Sprintf("%-9s", who)), what)
}

func (s *story) begin(duty roster.Duty) {
	if s.n.JSON {
		return
	}
	_, _ = fmt.Fprintf(s.n.Out, "%s\n", s.paint(bold, "One night at a point of contact"))
	_, _ = fmt.Fprintf(s.n.Out, "A real node, a simulated telephone network. The times of the policy are divided by %g: a minute of the story takes %s.\n",
		s.n.Speed, time.Duration(float64(time.Minute)/s.n.Speed).Round(time.Millisecond))
	_, _ = fmt.Fprintf(s.n.Out, "On duty: %s. Next: %s. Seed %d.\n\n", duty.OnDuty[0].CallSign, duty.Next[0].CallSign, s.n.Seed)
}

func (s *story) raised(r request.Receipt) {
	s.start = time.Now()
	s.line(asking, "▶", "sender", fmt.Sprintf("raises %s: %s, %s. It is on disk, the receipt is out.", r.Reference, strings.ReplaceAll(string(r.Type), "_", " "), r.Urgency))
}

func (s *story) told(r request.Receipt) {
	s.line(settled, "✔", "sender", "is told: "+string(r.Status)+". Nobody else is woken.")
}

// event tells what the log holds.
func (s *story) event(e client.Event) error {
	if s.n.JSON {
		return s.encoder.Encode(e)
	}
	switch e.Type {
	case request.Escalated:
		var b request.EscalatedBody
		if json.Unmarshal(e.Body, &b) == nil {
			s.escalated(b, e.Request != s.n.receipt.Reference)
		}
	case request.PageOrdered:
		var b request.PageBody
		if json.Unmarshal(e.Body, &b) == nil {
			s.pages[b.Page] = b
		}
	case request.AttemptFailed:
		var b request.AttemptBody
		if json.Unmarshal(e.Body, &b) == nil && b.Failure == request.FailedNoKey {
			s.line(faint, "·", s.sign(s.pages[b.Page].Person), "the call is over, and nobody pressed a key: it counts for nothing")
		}
	case request.Acknowledged:
		var b request.AcknowledgedBody
		if json.Unmarshal(e.Body, &b) == nil {
			s.line(settled, "✔", s.sign(b.Person), fmt.Sprintf("acknowledges (%s): it is stored, then confirmed, and the paging stops", b.Via))
		}
	case request.AlarmRaised:
		var b request.AlarmBody
		if json.Unmarshal(e.Body, &b) == nil {
			s.line(alarming, "!", "alarm", strings.ReplaceAll(string(b.Kind), "_", " ")+": "+b.Cause+". It stands until somebody has the request.")
		}
	default: // the phones tell the rest
	}
	return nil
}

func (s *story) escalated(b request.EscalatedBody, alarm bool) {
	var signs []string
	for _, t := range b.Targets {
		signs = append(signs, s.sign(t.Person))
	}
	if alarm {
		s.line(alarming, "▲", "alarm", "the coordinators are asked to look after it: "+strings.Join(signs, ", "))
		return
	}
	where := fmt.Sprintf("level %d", b.Level)
	if b.Everyone {
		where = "everyone"
	}
	why := map[request.Cause]string{
		request.CauseReceived: "the request itself starts the page", request.CauseSilence: "nobody answered in time", request.CausePassed: "it was passed on",
		request.CauseFailed: "nobody could be reached", request.CauseNobody: "there was nobody", request.CauseRoster: "the roster changed",
	}[b.Cause]
	again := ""
	if b.Round > 1 && !b.Everyone {
		again = fmt.Sprintf(" for the %s time", map[int]string{2: "second", 3: "third"}[b.Round])
	}
	s.line(asking, "▲", where, fmt.Sprintf("%s: asking %s%s", why, strings.Join(signs, ", "), again))
}

func (s *story) sign(person string) string { return s.n.person(person).CallSign }

// phones tells what the telephones show and hear since the last look.
func (s *story) phones() {
	if s.n.JSON {
		return
	}
	for _, m := range s.n.sim.Messages() {
		if m.ShownAt.IsZero() || s.shown[m.SID] > 0 || m.Direction == twiliosim.Inbound {
			continue
		}
		s.shown[m.SID] = 1
		s.line(spoken, "✉", s.holder(m.To), "“"+m.Body+"”")
	}
	for _, c := range s.n.sim.Calls() {
		s.call(c)
	}
}

// isAlarm reports whether a text names an alarm.
func isAlarm(text string) bool {
	ref, ok := referenceIn(text)
	return ok && ref.IsOps()
}

// referenceIn is the first reference that a text names.
func referenceIn(text string) (request.Ref, bool) {
	for word := range strings.FieldsSeq(text) {
		if ref, err := request.ParseRef(strings.Trim(word, ".,:;")); err == nil {
			return ref, true
		}
	}
	return "", false
}

// call tells a call: that it rings, who picks up, what is said, what is pressed.
func (s *story) call(c twiliosim.Call) {
	tell := func(key, colour, mark, what string) {
		if s.shown[c.SID+key] == 0 {
			s.shown[c.SID+key] = 1
			s.line(colour, mark, s.holder(c.To), what)
		}
	}
	if !c.RangAt.IsZero() {
		tell("rings", spoken, "☎", "the phone rings")
	}
	switch c.PickedUpBy {
	case "":
	case twiliosim.Person:
		tell("answered", spoken, "☎", "picks up")
	default:
		tell("answered", faint, "☎", "the answering machine picks up")
	}
	hears := "hears"
	if c.PickedUpBy == twiliosim.Machine {
		hears = "the machine records"
	}
	for i, said := range c.Said {
		what := hears + " “" + said + "”"
		if i > 0 && said == c.Said[i-1] {
			what = hears + " it again"
		}
		tell(fmt.Sprint("said", i), spoken, "♪", what)
	}
	if c.Pressed != "" {
		tell("pressed", settled, "⌨", "presses "+c.Pressed)
	}
}

func (s *story) holder(number string) string { return s.sign(s.n.ownerOf(number)) }

// end tells how it went.
func (s *story) end(r Result, agree bool) error {
	s.phones()
	if s.n.JSON {
		return s.encoder.Encode(r)
	}
	out := s.n.Out
	_, _ = fmt.Fprintln(out)
	switch {
	case !agree:
		_, _ = fmt.Fprintln(out, s.paint(alarming, "The log and the telephones tell different stories."))
	case r.OK:
		_, _ = fmt.Fprintf(out, "%s at level %d, by %s. The log and the telephones agree: %d texts, %d calls.\n",
			s.paint(settled, "Acknowledged"), r.Level, map[request.Via]string{request.ViaKey: "a key", request.ViaCode: "a code"}[r.Via], r.Texts, r.Calls)
	default:
		_, _ = fmt.Fprintf(out, "%s The log and the telephones agree: %d texts, %d calls, and paging goes on at long intervals.\n",
			s.paint(alarming, "Nobody acknowledged; the alarm stands."), r.Texts, r.Calls)
	}
	_, _ = fmt.Fprintf(out, "%s\n", s.paint(faint, fmt.Sprintf("Play it again with --seed %d; hear it at another pace with --speed 20.", r.Seed)))
	return nil
}
