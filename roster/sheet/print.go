package sheet

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/dutyline/dutyline/request"
)

// Style is the style sheet of [Sheet.HTML], which stands in it.
//
//go:embed sheet.css
var Style string

//go:embed sheet.html
var page string

var pages = template.Must(template.New("sheet").Funcs(template.FuncMap{
	"utc":   func(t request.Instant) string { return t.Format(localLayout) },
	"style": func() template.CSS { return template.CSS(Style) }, //nolint:gosec // a file of this package
	"join":  func(list []string) string { return strings.Join(list, ", ") },
}).Parse(page))

// warning stands on every sheet.
const warning = "This sheet holds names and telephone numbers. Keep it under lock where those on duty find it, give it to nobody else, and destroy it when a newer one is printed."

// Warning says what the paper is.
func (Sheet) Warning() string { return warning }

// Stand says as of when the sheet is.
func (s Sheet) Stand() string {
	return fmt.Sprintf("as of revision %d, printed at %s UTC", s.Revision, s.PrintedAt.Format(localLayout))
}

// HTML writes the sheet as a page that needs nothing but itself.
func (s Sheet) HTML(w io.Writer) error {
	if err := pages.Execute(w, s); err != nil {
		return fmt.Errorf("write the sheet: %w", err)
	}
	return nil
}

// Text writes the sheet as plain text in UTF-8.
func (s Sheet) Text(w io.Writer) error {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("DUTY ROSTER ON PAPER\n%s\n\n%s", s.Stand(), s.Warning())
	for _, r := range s.Rosters {
		local := r.Local()
		if local {
			line("\n%s\nTimes: %s, and UTC below.", strings.ToUpper(r.Name), r.TimeZone)
		} else {
			line("\n%s", strings.ToUpper(r.Name))
		}
		for _, clocks := range r.Clocks {
			line("%s", clocks)
		}
		for _, shift := range r.Shifts {
			line("")
			if local {
				line("  %s to %s", shift.LocalFrom, shift.LocalUntil)
			}
			line("  %s to %s UTC", shift.From.Format(localLayout), shift.Until.Format(localLayout))
			if len(shift.People) == 0 {
				line("    NOBODY ON DUTY")
			}
			for _, p := range shift.People {
				line("    %s", p)
			}
			for _, p := range shift.Training {
				line("    in training: %s", p)
			}
		}
	}
	line("\nORDER OF THE ESCALATION")
	for _, text := range s.Order {
		line("  %s", text)
	}
	line("\nCALL TREE\nWhoever hears of a request calls from the top. It is taken when somebody says so in person; a voicemail takes nothing.")
	for i, branch := range s.CallTree {
		line("\n  %d. %s", i+1, branch.Title)
		if len(branch.People) == 0 {
			line("     nobody at the time of printing: go on below")
		}
		for _, p := range branch.People {
			line("     %s", p)
		}
		line("     %s", branch.Note)
	}
	line("\nEVERYBODY")
	for _, p := range s.People {
		line("  %s  [%s]", p, strings.Join(p.Languages, ", "))
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the sheet: %w", err)
	}
	return nil
}

// String is the person in one line.
func (p Person) String() string {
	text := p.CallSign
	if p.Name != "" {
		text += "  " + p.Name
	}
	if len(p.Phones) == 0 {
		return text + "  NO TELEPHONE"
	}
	for _, phone := range p.Phones {
		text += "  " + phone.Number + " (" + strings.Join(phone.Channels, ", ") + ")"
		if !phone.Verified {
			text += " NOT VERIFIED"
		}
	}
	return text
}
