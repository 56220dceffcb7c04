package roster

import "time"

// Example is the book of a first start: invented people with fictional numbers, one national roster with a weekly rotation, one coordinator.
func Example(timeZone string, now time.Time) Book {
	person := func(id, sign, name, number string, languages ...string) Person {
		return Person{ID: id, CallSign: sign, Name: name, Languages: Languages(languages...), Contacts: []Contact{
			{ID: "mobile", Channel: "sms", Address: number, Verified: true},
			{ID: "call", Channel: "voice", Address: number, Verified: true},
		}}
	}
	monday := now.AddDate(0, 0, -(int(now.Weekday())+6)%7-7)
	return Book{
		Schema: 1,
		People: []Person{
			person("ada", "KESTREL", "Ada Example", "+15005550101", "en", "fr"),
			person("bruno", "HERON", "Bruno Example", "+15005550102", "fr", "en"),
			person("carmen", "OSPREY", "Carmen Example", "+15005550103", "es", "en"),
			person("dalia", "SWIFT", "Dalia Example", "+15005550104", "ar", "en"),
			person("erik", "MERLIN", "Erik Example", "+15005550105", "en", "ru"),
		},
		Teams: []Team{{ID: "coordinators", Name: "Coordinators", Members: []string{"erik"}}}, // alarms reach them
		Rosters: []Roster{{
			ID: "national", Name: "National point of contact", TimeZone: timeZone,
			Layers: []Layer{{ID: "primary", Rotation: Rotation{
				Turns: [][]string{{"ada"}, {"bruno"}, {"carmen"}, {"dalia"}, {"erik"}},
				Unit:  Weeks, Length: 1, Handover: "08:00", From: monday.Format(time.DateOnly),
			}}},
		}},
	}
}
