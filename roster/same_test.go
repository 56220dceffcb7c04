package roster_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

func TestSameSeesEveryMember(t *testing.T) {
	book := func() roster.Book {
		b := daily("Europe/Paris", "08:00")
		b.Teams = []roster.Team{{ID: "night", Members: []string{"ada"}}}
		from := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		b.Rosters[0].Overrides = []roster.Override{{ID: "leave", Kind: roster.Remove, From: from, Until: from.Add(time.Hour), People: []string{"ada"}}}
		return b
	}
	for name, change := range map[string]func(*roster.Book){
		"call sign": func(b *roster.Book) { b.People[0].CallSign = "EGRET" },
		"name":      func(b *roster.Book) { b.People[0].Name = "X" },
		"address":   func(b *roster.Book) { b.People[0].Contacts[0].Address = "+15005550199" },
		"verified":  func(b *roster.Book) { b.People[0].Contacts[0].Verified = !b.People[0].Contacts[0].Verified },
		"language":  func(b *roster.Book) { b.People[0].Languages = append(roster.Languages("mt"), b.People[0].Languages...) },
		"erased":    func(b *roster.Book) { b.People[0].Erased = true },
		"order":     func(b *roster.Book) { b.People[0], b.People[1] = b.People[1], b.People[0] },
		"member":    func(b *roster.Book) { b.Teams[0].Members[0] = "bruno" },
		"zone":      func(b *roster.Book) { b.Rosters[0].TimeZone = "UTC" },
		"turn":      func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns[0] = []string{"bruno"} },
		"handover":  func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Handover = "09:00" },
		"override": func(b *roster.Book) {
			b.Rosters[0].Overrides[0].Until = b.Rosters[0].Overrides[0].Until.Add(time.Minute)
		},
	} {
		other := book()
		change(&other)
		if roster.Same(book(), other) {
			t.Errorf("%s is not seen", name)
		}
	}
	for name, change := range map[string]func(*roster.Book){
		"nothing":  func(*roster.Book) {},
		"revision": func(b *roster.Book) { b.Revision, b.Schema = 7, 1 },
		"zone of an instant": func(b *roster.Book) {
			b.Rosters[0].Overrides[0].From = b.Rosters[0].Overrides[0].From.In(time.FixedZone("", 3600))
		},
		"absent and empty": func(b *roster.Book) { b.People[0].Contacts, b.Rosters[0].Overrides[0].People = nil, nil },
	} {
		one, other := book(), book()
		if name == "absent and empty" {
			one.People[0].Contacts, one.Rosters[0].Overrides[0].People = []roster.Contact{}, []string{}
		}
		before, _ := json.Marshal(other)
		change(&other)
		if !roster.Same(one, other) {
			t.Errorf("%s makes a difference (%s)", name, before)
		}
	}
	erased := book()
	erased.People[0].Erased, erased.People[0].PINDigest = true, "hmac-sha256:c2VjcmV0c2VjcmV0"
	stored := book()
	stored.People[0] = roster.Person{ID: "ada", CallSign: erased.People[0].CallSign, Languages: erased.People[0].Languages, Erased: true}
	if !roster.Same(erased, stored) {
		t.Error("what is not stored of an erased person makes a difference")
	}
}
