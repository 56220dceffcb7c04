package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/roster/sheet"
)

// sheetPolicy lets a browser use the style sheet that stands in a printed page, and nothing else.
var sheetPolicy = func() string {
	sum := sha256.Sum256([]byte(sheet.Style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// rosterSheet answers the roster on paper, for ?days= (14): ?format= is json, html or text. It holds names and telephones, so it is for
// coordinators.
func (s *Server) rosterSheet(w http.ResponseWriter, r *http.Request, _ caller) error {
	query := r.URL.Query()
	days := sheet.DefaultDays
	if text := query.Get("days"); text != "" {
		var err error
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > sheet.MaxDays {
			return door.NewProblem(door.CodeUnreadable, fmt.Sprintf("days must be a number from 1 to %d.", sheet.MaxDays))
		}
	}
	current, err := s.Rosters.Current(r.Context(), 0)
	if err != nil {
		return err
	}
	paper := sheet.Build(current, s.Escalation, s.Now(), days)
	var out bytes.Buffer
	switch format := query.Get("format"); format {
	case "", "json":
		return writeJSON(w, http.StatusOK, paper)
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", sheetPolicy)
		err = paper.HTML(&out)
	case "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		err = paper.Text(&out)
	default:
		return door.NewProblem(door.CodeUnreadable, "format must be json, html or text.")
	}
	if err != nil {
		return err
	}
	_, _ = w.Write(out.Bytes()) // the reader is gone when this fails
	return nil
}
