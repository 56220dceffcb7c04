package app

import (
	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster/sheet"
)

// onPaper is a policy as the printed roster shows it.
func onPaper(p dispatcher.Policy) sheet.Escalation {
	e := sheet.Escalation{Levels: p.Levels, Rounds: p.Rounds, AlarmTo: p.AlarmTo}
	for _, u := range request.Urgencies {
		e.Waits = append(e.Waits, sheet.Wait{Urgency: u, Time: p.Waits[u]})
	}
	return e
}
