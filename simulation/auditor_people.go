package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

func (a *auditor) acknowledged(f *file, c *request.Commit, b *request.AcknowledgedBody) {
	w := a.w
	now := c.Time.Time
	if f.owner != "" {
		w.fail(oneOwner, f.ref, "%s takes it while %s has it", b.Person, f.owner)
	}
	if f.ended {
		w.fail(oneOwner, f.ref, "%s takes what has ended", b.Person)
	}
	a.tell(f, b.Person, "has it (%s)", b.Via)
	f.owner, f.since, f.opened, f.returned = b.Person, now, false, false
	f.free(b.Person)
	f.turn++
	if f.ops {
		return
	}
	if f.first.IsZero() {
		f.first = now
		w.sum.acknowledged(now.Sub(f.received))
	}
	a.mustBeRead(f)
	if hooked(f.sender) {
		known := len(f.pages)
		a.expect(&a.decides, slack+a.tolerance(), func() bool {
			return f.ended || slices.ContainsFunc(f.pages[known:], func(p *page) bool { return p.Recipient == request.ToSender && p.About == request.NewsAcknowledged })
		}, func() { w.fail(senderTold, f.ref, "nobody tells the sender that somebody has it") })
	}
}

// mustBeRead expects that who has it now reads it, or that it lapses.
func (a *auditor) mustBeRead(f *file) {
	turn := f.turn
	if lapse := a.w.set.policy.AckLapse; lapse > 0 {
		a.expect(&a.decides, lapse+slack+a.tolerance(), func() bool { return f.turn != turn || f.opened || f.ended }, func() {
			a.w.fail(goesOn, f.ref, "%s has not read it, and it does not lapse", f.owner)
		})
	}
}

// message judges what goes to a provider.
func (a *auditor) message(n *node, c dispatcher.Call, m notifier.Message) {
	text := fmt.Sprint(m.Ref, m.Page, m.Attempt, m.About, m.Alarm, string(m.To), m.Urgency, m.Language, m.Reader, m.Code, string(m.Status), m.Others, m.Duty)
	for _, secret := range a.sealedAs {
		if strings.Contains(text, string(secret)) {
			a.w.fail(sealed, m.Ref, "%s hands out what was sealed", n.name)
		}
	}
	if c.LookUp && c.Recipient != request.ToSender {
		a.looksUp(n, c)
	}
	wrong := ""
	switch {
	case c.Recipient == request.ToSender && (m.Code != "" || string(m.To) != a.files[m.Ref].sender):
		wrong = "a sender is told a code, or what is somebody else's"
	case c.Recipient != request.ToSender && owner(m.To) == "":
		wrong = "somebody outside the roster is told"
	case c.Recipient != request.ToSender && len(m.Status) > 0:
		wrong = "an officer is told what is the sender's"
	case m.About.Asks() && len(m.Code) != 6:
		wrong = "there is no code"
	case len(m.Language) > 5 || len(m.Reader) > 5:
		wrong = "a language is a text"
	}
	if wrong != "" {
		a.w.fail(sealed, m.Ref, "%s hands out %s: %s", n.name, m.Attempt, wrong)
	}
}

// told judges what somebody is answered.
func (a *auditor) told(person string, m notifier.Message, text string, kind notifier.AnswerKind) {
	f := a.files[m.Ref]
	if kind != notifier.WrongCode || f == nil || !strings.Contains(text, m.Code) {
		return
	}
	if p := f.page(m.Page); p != nil && p.Person == person {
		a.w.fail(answered, m.Ref, "the code of %s is called wrong", m.Page)
	}
}

// end judges what is left in the morning.
func (a *auditor) end() {
	w := a.w
	for _, f := range a.order {
		if !f.running() || f.ops {
			continue
		}
		if w.now-f.stored < 30*time.Minute || f.urgency == request.Routine {
			continue
		}
		stands := len(f.alarms) > 0
		if f.step.count == 0 && a.decides.time(w.now) > 0 && w.now-f.stored > time.Hour {
			w.fail(goesOn, f.ref, "it is left in the morning, and nobody was ever asked")
		}
		if f.step.Everyone && f.step.Cause == request.CauseSilence && f.step.Round > w.set.policy.Rounds+1 && !stands {
			w.fail(alarmStands, f.ref, "everyone was asked in vain, and no alarm stands")
		}
	}
	a.leftOver()
	a.compare()
}

// compare holds the states of the nodes to the log, where a node has read it to its end.
func (a *auditor) compare() {
	w := a.w
	for _, n := range w.nodes {
		if !n.serves() || n.read != w.log.end() {
			continue
		}
		for _, f := range a.order {
			s := n.brain.State(f.ref)
			if s == nil {
				continue
			}
			if s.Owner != f.owner || s.Status.Ended() != f.ended || len(s.Pages) != len(f.pages) || s.Chain != f.chain || s.Step.Level != f.step.Level || s.Step.Round != f.step.Round {
				w.fail(sameState, f.ref, "%s has owner %q, %d pages, level %d in round %d; the log says %q, %d, level %d in round %d",
					n.name, s.Owner, len(s.Pages), s.Step.Level, s.Step.Round, f.owner, len(f.pages), f.step.Level, f.step.Round)
			}
		}
	}
}

// clockOf writes a time of the night.
func clockOf(t time.Time) string { return t.Format("15:04:05") }

// free notes that who takes the request is not busy any more.
func (f *file) free(person string) {
	f.busy = slices.DeleteFunc(f.busy, func(busy string) bool { return busy == person })
}
