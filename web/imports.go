package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/calendar"
)

// importAnswer is what a calendar file does to the roster.
type importAnswer struct {
	Revision  uint64        `json:"revision"` // that stands now
	Taken     []importItem  `json:"taken"`    // new, or at another time than before
	Unchanged int           `json:"unchanged"`
	Removed   []importItem  `json:"removed"` // what the same events had brought
	Ignored   []importItem  `json:"ignored"`
	Preview   previewAnswer `json:"preview"` // of the edit
}

// importItem is one time or one day of the event that begins at a line.
type importItem struct {
	Line  int             `json:"line"`
	From  request.Instant `json:"from,omitzero"`
	Until request.Instant `json:"until,omitzero"`
	Day   string          `json:"day,omitempty"`
	Why   string          `json:"why,omitempty"`
}

func importItems(items []calendar.Item) []importItem {
	list := []importItem{}
	for _, i := range items {
		list = append(list, importItem{i.Line, request.At(i.From), request.At(i.Until), i.Day, i.Why})
	}
	return list
}

// importLeave takes the events of a calendar file as leave of a person (?person=).
func (s *Server) importLeave(w http.ResponseWriter, r *http.Request, who caller) error {
	return s.importFile(w, r, who, ofPerson, "leave from a calendar file", calendar.ReadLeave)
}

// importHolidays takes the events of a calendar file as days of a calendar (?calendar=).
func (s *Server) importHolidays(w http.ResponseWriter, r *http.Request, who caller) error {
	return s.importFile(w, r, who, "calendar", "holidays from a calendar file", calendar.ReadHolidays)
}

// A fileReader makes an edit of a calendar file.
type fileReader func(book roster.Book, of string, data []byte, zone *time.Location, now time.Time) (roster.Book, calendar.Report, error)

// importFile stores the edit that a file makes of the revision that If-Match names; with ?dry_run=true it only tells. ?zone= is the time zone of what has
// none. The history says what the file was; words of somebody's have no place in an address.
func (s *Server) importFile(w http.ResponseWriter, r *http.Request, who caller, into, reason string, read fileReader) error {
	query := r.URL.Query()
	base, err := ifMatch(r)
	if err != nil {
		return err
	}
	of := query.Get(into)
	if of == "" {
		return door.NewProblem(door.CodeUnreadable, "Say with ?"+into+"= whose file it is.")
	}
	zone, err := zoneNamed(query.Get("zone"))
	if err != nil {
		return err
	}
	data, err := readCalendar(w, r)
	if err != nil {
		return err
	}
	current, err := s.standing(r.Context(), base)
	if err != nil {
		return err
	}
	now := s.Now()
	edited, report, err := read(current.Book(), of, data, zone, now)
	if err != nil {
		return importProblem(err, into)
	}
	next, err := current.Book().Next(edited, now)
	if err != nil {
		return err
	}
	answer := importAnswer{
		Revision: base, Taken: importItems(report.Taken), Unchanged: report.Unchanged, Removed: importItems(report.Removed), Ignored: importItems(report.Ignored),
		Preview: previewOf(current.Book(), next, now, reach(now, report)),
	}
	if query.Get("dry_run") != "true" {
		book, err := s.Rosters.Apply(r.Context(), roster.Edit{Book: edited, Base: base, Reason: reason, Actor: who.Subject})
		if err != nil {
			return err
		}
		answer.Revision = book.Revision
		w.Header().Set("ETag", door.FormatVersion(book.Revision))
	}
	return writeJSON(w, http.StatusOK, answer)
}

// reach is how far the preview of an import looks: to the last of what it changes, so that no gap stays unseen.
func reach(now time.Time, report calendar.Report) time.Time {
	until := now.Add(previewSpan)
	for _, i := range slices.Concat(report.Taken, report.Removed) {
		end := i.Until
		if day, err := time.Parse(time.DateOnly, i.Day); err == nil {
			end = day.AddDate(0, 0, 3) // in every zone, with a window that ends on the next day
		}
		if end.After(until) {
			until = end
		}
	}
	if last := now.Add(maxSpan); until.After(last) {
		return last
	}
	return until
}

// zoneNamed finds a time zone by its IANA name; "" is none.
func zoneNamed(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, door.NewProblem(door.CodeUnreadable, "zone must be a name of the IANA database, as in Europe/Paris.")
	}
	return zone, nil
}

// readCalendar reads a calendar file of at most [calendar.MaxFile] bytes.
func readCalendar(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !strings.EqualFold(kind, "text/calendar") {
		return nil, door.NewProblem(door.CodeMediaType, "Send text/calendar.")
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, calendar.MaxFile))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, door.NewProblem(door.CodeTooLarge, "The file is larger than 1 MiB. Export a shorter time, or one calendar alone.")
	}
	if err != nil {
		return nil, door.NewProblem(door.CodeUnreadable, "The body ended too early.")
	}
	return data, nil
}

// importProblem says what is wrong with a file, by its lines.
func importProblem(err error, into string) error {
	if errors.Is(err, calendar.ErrUnknown) {
		return door.NewProblem(door.CodeInvalid, "", request.FieldError{
			Field: "/" + into, Code: "unknown", Detail: "The roster has nothing with this id.",
			Fix: "Use an id that GET /api/v1/roster shows, or add it to the roster first.",
		})
	}
	file, ok := errors.AsType[*calendar.FileError](err)
	if !ok {
		return err
	}
	var fields []request.FieldError
	for _, t := range file.Troubles {
		fields = append(fields, request.FieldError{Field: fmt.Sprintf("/line/%d", t.Line), Code: "invalid", Detail: t.Detail, Fix: t.Fix})
	}
	return door.NewProblem(door.CodeInvalid, "The calendar file is not understood, and nothing of it was taken. Each fault is listed with its line.", fields...)
}
