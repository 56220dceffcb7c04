package bench

import (
	"fmt"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// person is the id of the i-th officer.
func person(i int) string { return fmt.Sprintf("officer-%d", i) }

// everyone is the team of all officers.
const everyone = "everyone"

// book has so many officers, of whom the first onDuty hold one turn together that does not end while it is measured. They have text messages
// alone: a call that follows a minute later would be measured with somebody else's text.
func book(officers, onDuty int, now time.Time) roster.Book {
	b := roster.Book{Schema: 1}
	var ids, turn []string
	for i := range officers {
		b.People = append(b.People, roster.Person{
			ID: person(i), CallSign: fmt.Sprintf("BENCH-%d", i), Languages: roster.Languages("en"),
			Contacts: []roster.Contact{{ID: "mobile", Channel: "sms", Address: fmt.Sprintf("+15005551%03d", i), Verified: true}},
		})
		ids = append(ids, person(i))
	}
	turn = ids[:onDuty]
	b.Teams = []roster.Team{{ID: everyone, Members: ids}}
	b.Rosters = []roster.Roster{{ID: "bench", TimeZone: "UTC", Layers: []roster.Layer{{ID: "only", Rotation: roster.Rotation{
		Turns: [][]string{turn}, Unit: roster.Days, Length: 366, Handover: "00:00", From: now.UTC().AddDate(0, 0, -30).Format(time.DateOnly),
	}}}}}
	return b
}
