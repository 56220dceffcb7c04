package dispatcher

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// watchSpan is how far ahead the roster is watched for gaps and for coverage rules that are broken: a week has a working day on which somebody
// can mend it. Telephones that are not verified are watched for as far as an edit looks that needs a confirmation for them.
const watchSpan = 7 * 24 * time.Hour

// watched remembers what is wrong with the roster. It is looked at anew with each revision and each hour, so that every node that knows the same
// roster finds the same, and between that a look costs next to nothing.
type watched struct {
	roster *roster.Compiled
	hour   time.Time
	end    time.Time // as far as was looked
	list   []roster.Finding
}

// look lists what is wrong with a roster from now on, in the order in which it begins.
func (w *watched) look(r *roster.Compiled, now time.Time) []roster.Finding {
	if hour := now.Truncate(time.Hour); w.roster != r || !w.hour.Equal(hour) {
		w.roster, w.hour, w.end = r, hour, hour.Add(2*watchSpan) // to see the end of what begins within it
		if slices.ContainsFunc(r.Book().People, func(p roster.Person) bool { return !p.VerifiedAt(w.end) }) {
			w.end = hour.Add(roster.VerifiedSpan)
		}
		w.list = slices.DeleteFunc(r.Findings(hour, w.end), func(f roster.Finding) bool {
			if f.Kind != roster.FoundUnverified {
				return !f.From.Before(hour.Add(watchSpan))
			}
			p, _ := r.Person(f.People[0]) // a verification that ends is no trouble yet when it is not to be renewed yet
			return p.VerifiedAt(hour) && !f.From.Before(hour.Add(roster.VerifyAgain))
		})
	}
	w.list = slices.DeleteFunc(w.list, func(f roster.Finding) bool { return !now.Before(f.Until) })
	return w.list
}

// Findings lists what is wrong with the roster from now on, as far as it is watched. Do not modify, and do not keep beyond the next step.
func (m *Machine) Findings(now time.Time) []roster.Finding {
	if m.planner.Roster == nil {
		return nil
	}
	return m.watched.look(m.planner.Roster, now)
}

// rosterTroubles lists the alarms about the roster that should stand now: one for each roster with a gap, for each rule that is broken and for each
// person without a verified telephone, due when that begins the next time. While a newer roster was seen and cannot be read, what stands stands,
// and nothing is found: another node may have read it.
func (m *Machine) rosterTroubles(now time.Time) (list []request.AlarmBody) {
	r := m.planner.Roster
	switch {
	case r == nil:
		return nil
	case r.Revision() < m.minimum:
		for _, s := range m.Watched() {
			if s.Alarm.OfRoster() && !s.Status.Ended() {
				list = append(list, s.Alarm)
			}
		}
		return list
	}
	more := map[int]int{} // of list → findings besides the first
	for _, f := range m.Findings(now) {
		if f.Kind == roster.FoundGap && !now.Before(f.From) && m.planner.watches(f.Roster) {
			continue // that is nobody_on_duty, from now on
		}
		a := m.watched.alarm(f)
		if i := slices.IndexFunc(list, a.Same); i >= 0 {
			more[i]++
			continue
		}
		list = append(list, a)
	}
	for i, n := range more {
		list[i].Detail += fmt.Sprintf(", and %d more", n)
	}
	return list
}

// alarm is the alarm about a finding.
func (w *watched) alarm(f roster.Finding) request.AlarmBody {
	const layout = "2006-01-02 15:04 MST"
	zone := w.roster.Zone(f.Roster)
	a := request.AlarmBody{Cause: "roster " + f.Roster, Detail: f.From.In(zone).Format(layout), Due: request.At(f.From)}
	if f.Until.Before(w.end) {
		a.Detail += " to " + f.Until.In(zone).Format(layout)
	} else {
		a.Detail = "from " + a.Detail + " on"
	}
	switch f.Kind {
	case roster.FoundGap:
		a.Kind = request.AlarmGap
	case roster.FoundUnverified:
		a.Kind, a.Cause = request.AlarmUnverified, "person "+f.People[0]
		a.Detail = "on " + f.Roster + ", " + a.Detail
	case roster.FoundUncovered:
		a.Kind, a.Cause = request.AlarmUncovered, a.Cause+", rule "+f.Rule
		a.Detail = "without " + strings.Join(f.Missing, ", ") + ", " + a.Detail
	}
	return a
}

// watches reports whether the first level asks those on duty on a roster: then a gap that has begun is an alarm of its own.
func (p Planner) watches(id string) bool {
	if len(p.Policy.Levels) == 0 {
		return false
	}
	return slices.ContainsFunc(p.Policy.Levels[0], func(target string) bool {
		kind, name, _ := strings.Cut(target, ":")
		books := p.Roster.Book().Rosters
		return kind == "roster" && (name == id || (name == "" && len(books) > 0 && books[0].ID == id))
	})
}

// moved reports whether a standing alarm about the roster comes at another time than its log says, or its contact fails for another reason. One that
// has begun to page about a telephone goes on until the telephone is verified, or works, whoever is on duty meanwhile.
func moved(stands, wanted request.AlarmBody, now time.Time) bool {
	switch {
	case stands.Failing != wanted.Failing:
		return true
	case wanted.Due.IsZero() || stands.Due.Equal(wanted.Due.Time):
		return false
	case (stands.Kind == request.AlarmUnverified || stands.Kind == request.AlarmFailing) && !stands.Quiet(now):
		return false
	}
	return !later(stands.Due.Time, now).Equal(later(wanted.Due.Time, now))
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// ahead plans for an alarm about what begins in more than an hour: it stands in the list, those whom it goes to are told once, by a text and by
// day, and nobody is woken.
func (p *plan) ahead() {
	p.callOff("ahead")
	begins := p.s.Alarm.PagesFrom()
	p.wakeAt(begins)
	if p.s.Owner != "" || p.s.TooNew() || p.Roster == nil {
		return
	}
	if morning := p.morning(); !morning.IsZero() {
		p.wakeAt(morning)
		return
	}
	expires := p.evening()
	if begins.Before(expires) {
		expires = begins
	}
	for _, t := range p.AlarmTargets() {
		p.tellAhead(t.Person, expires)
	}
}

// tellAhead orders the text that tells somebody what is ahead, unless they were told, or are being told. One that could not be sent by the evening
// is tried again on the next day.
func (p *plan) tellAhead(person string, expires time.Time) {
	about := notifier.TellAhead
	if p.s.Alarm.Kind == request.AlarmFailing {
		about = notifier.TellContactAhead
	}
	var tried []string
	for i := range p.s.Pages {
		page := &p.s.Pages[i]
		if page.Person != person || page.About != string(about) {
			continue
		}
		switch page.State {
		case request.PageLate, request.PageCalledOff:
		case request.PageFailed:
			tried = append(tried, page.Contact)
		default:
			return
		}
	}
	if contact := p.contactOver(notifier.MediumSMS, person, tried); contact != nil {
		p.order(person, request.PageBody{Purpose: request.Notice, About: string(about), Expires: request.At(expires)}, contact)
	}
}

// early reports whether somebody looks after an alarm since it was far, and nobody was paged since it came near. The step counts besides the clock
// of the acknowledgement: that may be behind.
func (p *plan) early() bool {
	from := p.s.Alarm.PagesFrom()
	return p.s.AcknowledgedAt.Before(from) && p.s.Step.Decided.Before(from)
}

// takeBack takes an alarm from whoever looked after it while it was far: when it comes, everybody is asked again.
func (p *plan) takeBack() {
	if grace := p.s.LastTime.Add(tooNewGrace); p.s.TooNew() && p.now.Before(grace) {
		p.wakeAt(grace)
		return
	}
	p.add(request.AcknowledgementLapsed, request.LapsedBody{Person: p.s.Owner})
}
