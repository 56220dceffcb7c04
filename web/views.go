package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A frame is what every page shows around its own part.
type frame struct {
	Lang, Dir          string
	Title              string
	Path               string // of the page, for the language links
	SignedIn           bool
	CallSign           string // of who is signed in; "": the roster has none for them
	Notice, NoticeKind string
	Error              string
	Languages          []languageLink
}

type languageLink struct {
	Code, Name string
	Current    bool
}

func (s *Server) frame(r *http.Request, title, path string) frame {
	language := languageOf(r)
	f := frame{Lang: string(language), Dir: "ltr", Path: path}
	if language.RightToLeft() {
		f.Dir = "rtl"
	}
	if title != "" {
		f.Title = word(language, title)
	}
	for _, l := range phrase.Languages {
		f.Languages = append(f.Languages, languageLink{string(l), l.Name(), l == language})
	}
	return f
}

// A viewer turns states into what one officer sees, in their language and the roster's zone.
type viewer struct {
	language phrase.Language
	who      caller
	now      time.Time
	roster   *roster.Compiled // nil while there is none: call signs are then missing, the requests are not
	zone     *time.Location

	undoWindow time.Duration
}

func (s *Server) newView(r *http.Request) viewer {
	who, _ := callerOf(r)
	v := viewer{language: languageOf(r), who: who, now: s.Now(), zone: time.UTC, undoWindow: s.UndoWindow}
	if current, err := s.Rosters.Current(r.Context(), 0); err == nil {
		v.roster, v.zone = current, current.Zone(s.Roster)
	}
	return v
}

// callSign is what colleagues call a person; "" when the roster does not know them, or cannot be read.
func (v viewer) callSign(person string) string {
	if v.roster == nil {
		return ""
	}
	p, _ := v.roster.Person(person)
	return p.CallSign
}

func (v viewer) local(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04 MST") }

// A clockView is a clock that runs. Until and Now are milliseconds of 1970, for the script that lets it run.
type clockView struct {
	Label, Text, At, Local, Rule string
	Until, Now                   int64
	Over                         bool
}

func (v viewer) clock(d request.Due) *clockView {
	left := d.At.Sub(v.now)
	return &clockView{
		Label: v.clockLabel(d.Clock), Text: remaining(left), At: d.At.String(), Local: v.local(d.At.Time), Rule: d.Rule,
		Until: d.At.UnixMilli(), Now: v.now.UnixMilli(), Over: left < 0,
	}
}

func (v viewer) clockLabel(name string) string {
	switch name {
	case "acknowledge":
		return word(v.language, "acknowledge_by")
	default:
		return word(v.language, "due")
	}
}

// remaining writes a time that is left, or over, as a clock does.
func remaining(d time.Duration) string {
	seconds := int64(d.Abs() / time.Second)
	clock := fmt.Sprintf("%02d:%02d:%02d", seconds/3600%24, seconds/60%60, seconds%60)
	if days := seconds / 86400; days > 0 {
		return fmt.Sprintf("%dd %s", days, clock)
	}
	return clock
}

// A requestView is one request without its content.
type requestView struct {
	Reference, Urgency, Type, Language string
	State, Tone                        string // in words; waiting, mine, taken or ended
	Clock                              *clockView
	Received, ReceivedAt               string
	Taken, TakenAt                     string // "" while nobody has it
	Level                              int
	Escalation                         string
	Due                                []dueView // those that the clock does not show
	CanTake, CanPass                   bool
	Undo                               *clockView // until when the acknowledgement can be taken back; nil: it cannot
}

type dueView struct{ Label, At, Local, Rule string }

func (v viewer) request(s *request.State) *requestView {
	view := &requestView{
		Reference: s.Ref.String(), Urgency: string(s.Urgency), Type: word(v.language, "type_"+string(s.Type)), Language: languageName(s.Language),
		Received: v.local(s.Received), ReceivedAt: request.At(s.Received).String(), Level: s.Step.Level,
		Escalation: word(v.language, "escalation_"+string(s.Escalation)),
	}
	if s.Owner != "" && !s.AcknowledgedAt.IsZero() {
		view.Taken, view.TakenAt = v.local(s.AcknowledgedAt), request.At(s.AcknowledgedAt).String()
	}
	me := v.who.Subject
	asked := slices.ContainsFunc(s.Pages, func(p request.Page) bool { return p.Person == me && p.Purpose == request.Ask })
	switch {
	case s.Status.Ended():
		view.State, view.Tone = word(v.language, "status_"+string(s.Status)), "ended"
	case s.Owner == "":
		view.State, view.Tone = word(v.language, "status_"+string(s.Status)), "waiting"
		view.CanTake, view.CanPass = true, asked && !slices.Contains(s.Passed, me)
	case s.Owner == me:
		view.State, view.Tone, view.CanPass = word(v.language, "you_have_it"), "mine", true
		if end := s.AcknowledgedAt.Add(v.undoWindow); v.now.Before(end) {
			view.Undo = v.clock(request.Due{At: request.At(end)})
		}
	default:
		view.State, view.Tone = takenBy(v.language, cmp.Or(v.callSign(s.Owner), "…")), "taken"
	}
	if v.who.Role != directory.RoleOfficer {
		view.CanTake, view.CanPass, view.Undo = false, false, nil
	}
	running := slices.DeleteFunc(slices.Clone(s.Due), func(d request.Due) bool {
		return s.Status.Ended() || (d.Clock == "acknowledge" && s.Owner != "")
	})
	slices.SortStableFunc(running, func(a, b request.Due) int { return a.At.Compare(b.At.Time) })
	for i, d := range running {
		if i == 0 {
			view.Clock = v.clock(d)
			continue
		}
		view.Due = append(view.Due, dueView{v.clockLabel(d.Clock), d.At.String(), v.local(d.At.Time), d.Rule})
	}
	return view
}

type listPage struct {
	frame
	NoRoster bool // it cannot be read: who is on duty is not known
	OnDuty   []onDutyView
	Failing  []string // contacts over which pages do not arrive, in words
	Requests []*requestView
}

type onDutyView struct{ CallSign, Until, At string }

func (s *Server) listView(r *http.Request) (listPage, error) {
	v := s.newView(r)
	page := listPage{frame: s.frame(r, "open_requests", "/duty")}
	page.SignedIn, page.CallSign, page.NoRoster = true, v.callSign(v.who.Subject), v.roster == nil
	if v.roster != nil {
		if duty, ok := v.roster.At(s.Roster, v.now); ok {
			for _, a := range duty.OnDuty {
				page.OnDuty = append(page.OnDuty, onDutyView{a.CallSign, v.local(a.Until), request.At(a.Until).String()})
			}
		}
	}
	page.Failing = v.failingLines(s.States.Alarms())
	open := slices.DeleteFunc(slices.Clone(s.States.Open()), func(state *request.State) bool { return !state.Exists() || state.Status.Ended() })
	slices.SortFunc(open, func(a, b *request.State) int {
		return cmp.Or(cmp.Compare(owned(a), owned(b)), cmp.Compare(a.Urgency.Rank(), b.Urgency.Rank()), a.Received.Compare(b.Received), cmp.Compare(a.Ref, b.Ref))
	})
	for _, state := range open {
		page.Requests = append(page.Requests, v.request(state))
	}
	return page, nil
}

// owned sorts what nobody has before what somebody has.
func owned(s *request.State) int {
	if s.Owner == "" {
		return 0
	}
	return 1
}

type requestPage struct {
	frame
	Request  *requestView
	Missing  []request.MissingField
	Erased   bool
	CallBack []personView
	Rows     []rowView
}

func (s *Server) requestView(r *http.Request, state *request.State, sealed request.SealedContent) (requestPage, error) {
	v := s.newView(r)
	page := requestPage{frame: s.frame(r, "", "/duty/"+state.Ref.String()), Request: v.request(state), Erased: state.Erased}
	page.Title, page.SignedIn, page.CallSign = state.Ref.String(), true, v.callSign(v.who.Subject)
	if !state.Status.Ended() { // nobody asks for it any more
		page.Missing = state.Receipt(nil).Missing
		for i, m := range page.Missing {
			page.Missing[i].Label = labelFor(m.Field, m.Label)
		}
	}
	if state.Erased {
		return page, nil
	}
	content, _, err := request.ParseContent(sealed.Content)
	if err != nil {
		return page, fmt.Errorf("show %s: read the content: %w", state.Ref, err)
	}
	page.CallBack = callBack(content)
	language := state.Language
	if !languageTag.MatchString(language) {
		language = ""
	}
	page.Rows = rows(content, language)
	return page, nil
}
