package roster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

// full is a book that uses every member there is.
func full() roster.Book {
	b := daily("Europe/Paris", "08:00")
	rest, at := 12, noon
	b.People[0].Languages = []roster.Language{{"en", "c2"}, {"fr", "b1"}}
	b.People[0].Authorities = []string{"preservation"}
	b.People[0].Contacts[0].Verified, b.People[0].Contacts[0].Tested, b.People[0].Contacts[0].Changed = true, at, at
	b.People[0].PINDigest = "hmac-sha256:c2VjcmV0c2VjcmV0"
	b.People[1].TimeZone, b.People[1].ActiveFrom, b.People[1].ActiveUntil = "Africa/Tunis", "2020-01-01", "2030-01-01"
	b.Leave = []roster.Leave{{"l1", "carmen", at, at.Add(48 * time.Hour)}}
	b.Calendars = []roster.Calendar{{ID: "public", Name: "Public holidays", Days: []string{"2026-12-25", "2026-05-01"}, Imported: []roster.EventDays{{"ics-1", []string{"2026-05-01"}}}}}
	b.Limits = &roster.Limits{RestHours: &rest, MaxHours: 60, MaxHoursPer: 7}
	r := &b.Rosters[0]
	r.Layers[0].Past = []roster.Segment{{
		Until: date(nil, "2026-01-01T00:00:00Z"), TimeZone: "Europe/Brussels",
		Rotation:     roster.Rotation{Turns: [][]string{{"erik"}, {"ada"}}, Unit: roster.Weeks, Length: 2, Handover: "09:00", Weekday: "tue", From: "2025-01-01", First: 1},
		Restrictions: []roster.Restriction{{From: "06:00", Until: "22:00"}},
	}}
	r.Layers = append(
		r.Layers,
		roster.Layer{ID: "nights", Name: "Nights", Rotation: roster.Rotation{Turns: [][]string{{"dalia", "erik"}, {"ada"}}, Unit: roster.Hours, Length: 12, Handover: "20:00", From: "2026-01-01"}, Restrictions: []roster.Restriction{
			{Weekdays: []roster.Weekday{"mon", "tue"}, From: "20:00", Until: "08:00"}, {From: "00:00", Until: "00:00", Calendar: "public", Holidays: roster.OnlyHolidays},
		}},
		roster.Layer{ID: "weekends", Rotation: roster.Rotation{Turns: [][]string{{"bruno"}, {"erik"}}, Unit: roster.Pattern, Length: 2, Pattern: []roster.Change{{"fri", "17:00"}, {"mon", "08:00"}}, From: "2026-01-01", Until: "2029-01-01"}, Restrictions: []roster.Restriction{
			{Weekdays: []roster.Weekday{"fri"}, From: "17:00", Until: "08:00", UntilDay: "mon"},
		}},
		roster.Layer{ID: "monthly", Rotation: roster.Rotation{Turns: [][]string{{"bruno"}}, Unit: roster.Months, Length: 1, Handover: "08:00", From: "2026-01-31"}},
	)
	r.Overrides = []roster.Override{{ID: "o1", Layer: "nights", Kind: roster.Add, From: at, Until: at.Add(time.Hour), People: []string{"ada"}, By: "ada", Reason: "storm"}}
	r.Covers = []roster.Cover{{ID: "c1", Person: "ada", From: at, Until: at.Add(time.Hour), To: []string{"bruno", "erik"}, Declined: []string{"erik"}, State: roster.CoverAccepted, By: "bruno", Expires: at, Reason: "a doctor"}}
	r.Swaps = []roster.Swap{{ID: "s1", One: roster.Part{"ada", at, at.Add(time.Hour)}, Other: roster.Part{"bruno", at.Add(time.Hour), at.Add(2 * time.Hour)}, State: roster.CoverOpen, Expires: at}}
	r.Shadows = []roster.Shadow{{ID: "t1", Person: "erik", Follows: "ada", From: at, Until: at.Add(time.Hour), Paged: roster.PagedLast}}
	r.Coverage = []roster.Coverage{{ID: "two", People: 2, Languages: []roster.Language{{"fr", "b2"}}, Authorities: []string{"preservation"}, Restrictions: []roster.Restriction{{From: "08:00", Until: "18:00"}}}}
	r.Until = date(nil, "2031-01-01T00:00:00Z")
	return b
}

func TestABookWithEverythingIsValidAndSurvivesTheRoundTrip(t *testing.T) {
	b := full()
	compile(t, b)
	data := encode(t, roster.Edit{Book: b})
	if strings.Contains(string(data[:strings.Index(string(data), `"sealed"`)]), "hmac-sha256") {
		t.Error("the digest of a PIN stands in the document in clear")
	}
	d, err := roster.Decode(data, func(_ string, sealed []byte) ([]byte, bool, error) { return sealed, false, nil })
	if err != nil || !roster.Same(d.Book, b) {
		t.Errorf("%+v\nbecame\n%+v, %v", b, d.Book, err)
	}
	if d.V != 2 {
		t.Errorf("version %d: a program that does not know layers, leave and covers would page somebody else", d.V)
	}
	// full must stay full: a member that is added later is set there.
	empty(t, "book", reflect.ValueOf(b), map[string]bool{"Schema": true, "Revision": true, "Erased": true, "PIN": true})
}

// empty reports members of a book that are set nowhere in it.
func empty(t *testing.T, path string, v reflect.Value, except map[string]bool) {
	set := map[string]bool{}
	var look func(path string, v reflect.Value)
	look = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			look(path, v.Elem())
		case reflect.Slice:
			for i := range v.Len() {
				look(path, v.Index(i))
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range v.NumField() {
				name := v.Type().Name() + "." + v.Type().Field(i).Name
				set[name] = set[name] || !v.Field(i).IsZero() || except[v.Type().Field(i).Name]
				look(name, v.Field(i))
			}
		default:
		}
	}
	look(path, v)
	for name, is := range set {
		if !is {
			t.Errorf("%s is set nowhere", name)
		}
	}
}

func TestOnlyABookThatAnOldProgramUnderstandsInFullIsStoredAsVersion1(t *testing.T) {
	for name, change := range map[string]func(*roster.Book){
		"leave":  func(b *roster.Book) { b.Leave = full().Leave },
		"level":  func(b *roster.Book) { b.People[0].Languages[0].Level = "c1" },
		"active": func(b *roster.Book) { b.People[0].ActiveFrom = "2026-01-01" },
		"cover":  func(b *roster.Book) { b.Rosters[0].Covers = full().Rosters[0].Covers },
		"swap":   func(b *roster.Book) { b.Rosters[0].Swaps = full().Rosters[0].Swaps },
		"shadow": func(b *roster.Book) { b.Rosters[0].Shadows = full().Rosters[0].Shadows },
		"closed": func(b *roster.Book) { b.Rosters[0].Until = noon },
		"scope":  func(b *roster.Book) { b.Rosters[0].Overrides = []roster.Override{{Layer: "primary"}} },
		"restriction": func(b *roster.Book) {
			b.Rosters[0].Layers[0].Restrictions = []roster.Restriction{{From: "08:00", Until: "18:00"}}
		},
		"past":    func(b *roster.Book) { b.Rosters[0].Layers[0].Past = full().Rosters[0].Layers[0].Past },
		"hours":   func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Unit = roster.Hours },
		"weekday": func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Weekday = "mon" },
		"first":   func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.First = 1 },
	} {
		b := daily("Europe/Paris", "08:00")
		if v := b.StoredVersion(); v != 1 {
			t.Fatalf("a plain book has version %d", v)
		}
		if change(&b); b.StoredVersion() != 2 {
			t.Errorf("%s: an old program would read it and misunderstand", name)
		}
	}
	harmless := daily("Europe/Paris", "08:00")
	harmless.People[0].Authorities, harmless.People[0].TimeZone = []string{"preservation"}, "Europe/Paris"
	harmless.Rosters[0].Coverage, harmless.Limits = full().Rosters[0].Coverage, full().Limits
	if harmless.StoredVersion() != 1 {
		t.Error("what changes nobody's duty keeps old programs out")
	}
}

func TestALanguageIsATagOrATagWithALevel(t *testing.T) {
	var list []roster.Language
	if err := json.Unmarshal([]byte(`["en",{"tag":"fr","level":"b2"}, {"tag":"es"}]`), &list); err != nil || !slices.Equal(list, []roster.Language{{"en", ""}, {"fr", "b2"}, {"es", ""}}) {
		t.Errorf("%v, %v", list, err)
	}
	if data, err := json.Marshal(list); err != nil || string(data) != `["en",{"tag":"fr","level":"b2"},"es"]` {
		t.Errorf("%s, %v", data, err)
	}
	for _, wrong := range []string{`[3]`, `[{"tag":"fr","grade":"b2"}]`, `[["fr"]]`, `[{"tag":3}]`} {
		if err := json.Unmarshal([]byte(wrong), &list); err == nil {
			t.Errorf("%s was read", wrong)
		}
	}
}

func TestValidateNamesWhatIsWrongWithEachNewMember(t *testing.T) {
	r := func(b *roster.Book) *roster.Roster { return &b.Rosters[0] }
	for path, breakIt := range map[string]func(*roster.Book){
		"/people/0/languages/1/level":                   func(b *roster.Book) { b.People[0].Languages[1].Level = "fluent" },
		"/people/0/authorities/0":                       func(b *roster.Book) { b.People[0].Authorities[0] = "Everything!" },
		"/people/0/pin_digest":                          func(b *roster.Book) { b.People[0].PINDigest = "1234" },
		"/people/1/time_zone":                           func(b *roster.Book) { b.People[1].TimeZone = "Local" },
		"/people/1/active_from":                         func(b *roster.Book) { b.People[1].ActiveFrom = "soon" },
		"/people/1/active_until":                        func(b *roster.Book) { b.People[1].ActiveUntil = "2019-12-31" },
		"/people/0/name":                                func(b *roster.Book) { b.People[0].Name = strings.Repeat("x", 1001) },
		"/leave/0/person":                               func(b *roster.Book) { b.Leave[0].Person = "nobody" },
		"/leave/0/until":                                func(b *roster.Book) { b.Leave[0].Until = b.Leave[0].From },
		"/leave/1/id":                                   func(b *roster.Book) { b.Leave = append(b.Leave, b.Leave[0]) },
		"/calendars/0/days/1":                           func(b *roster.Book) { b.Calendars[0].Days[1] = "1 May" },
		"/limits/rest_hours":                            func(b *roster.Book) { *b.Limits.RestHours = -1 },
		"/limits/max_hours":                             func(b *roster.Book) { b.Limits.MaxHours = -1 },
		"/limits/max_hours_per":                         func(b *roster.Book) { b.Limits.MaxHoursPer = 1000 },
		"/rosters/0/layers/1/rotation/length":           func(b *roster.Book) { r(b).Layers[1].Rotation.Length = 24*366 + 1 },
		"/rosters/0/layers/0/rotation/weekday":          func(b *roster.Book) { r(b).Layers[0].Rotation.Weekday = "mon" },
		"/rosters/0/layers/0/rotation/first":            func(b *roster.Book) { r(b).Layers[0].Rotation.First = 5 },
		"/rosters/0/layers/0/rotation/pattern":          func(b *roster.Book) { r(b).Layers[0].Rotation.Pattern = r(b).Layers[2].Rotation.Pattern },
		"/rosters/0/layers/2/rotation/pattern":          func(b *roster.Book) { r(b).Layers[2].Rotation.Pattern = nil },
		"/rosters/0/layers/2/rotation/pattern/0/at":     func(b *roster.Book) { r(b).Layers[2].Rotation.Pattern[0].At = "5pm" },
		"/rosters/0/layers/2/rotation/pattern/1":        func(b *roster.Book) { r(b).Layers[2].Rotation.Pattern[1] = r(b).Layers[2].Rotation.Pattern[0] },
		"/rosters/0/layers/1/restrictions/0/from":       func(b *roster.Book) { r(b).Layers[1].Restrictions[0].From = "24:00" },
		"/rosters/0/layers/1/restrictions/0/until":      func(b *roster.Book) { r(b).Layers[1].Restrictions[0].Until = "" },
		"/rosters/0/layers/2/restrictions/0/until_day":  func(b *roster.Book) { r(b).Layers[2].Restrictions[0].UntilDay = "monday" },
		"/rosters/0/layers/1/restrictions/1/calendar":   func(b *roster.Book) { r(b).Layers[1].Restrictions[1].Calendar = "private" },
		"/rosters/0/layers/1/restrictions/1/holidays":   func(b *roster.Book) { r(b).Layers[1].Restrictions[1].Holidays = "" },
		"/rosters/0/layers/0/past/0/time_zone":          func(b *roster.Book) { r(b).Layers[0].Past[0].TimeZone = "" },
		"/rosters/0/layers/0/past/1/until":              func(b *roster.Book) { r(b).Layers[0].Past = append(r(b).Layers[0].Past, r(b).Layers[0].Past[0]) },
		"/rosters/0/layers/0/past/0/rotation/turns/0/0": func(b *roster.Book) { r(b).Layers[0].Past[0].Rotation.Turns[0][0] = "nobody" },
		"/rosters/0/overrides/0/layer":                  func(b *roster.Book) { r(b).Overrides[0].Layer = "attic" },
		"/rosters/0/covers/0/by":                        func(b *roster.Book) { r(b).Covers[0].By = "ada" },
		"/rosters/0/covers/0/state":                     func(b *roster.Book) { r(b).Covers[0].State = "maybe"; r(b).Covers[0].By = "" },
		"/rosters/0/covers/0/to/1":                      func(b *roster.Book) { r(b).Covers[0].To[1] = "nobody" },
		"/rosters/0/swaps/0/other/from":                 func(b *roster.Book) { r(b).Swaps[0].Other.From = r(b).Swaps[0].One.From },
		"/rosters/0/swaps/0/other/person":               func(b *roster.Book) { r(b).Swaps[0].Other.Person = "ada" },
		"/rosters/0/shadows/0/follows":                  func(b *roster.Book) { r(b).Shadows[0].Follows = "erik" },
		"/rosters/0/shadows/0/paged":                    func(b *roster.Book) { r(b).Shadows[0].Paged = "first" },
		"/rosters/0/coverage/0/people":                  func(b *roster.Book) { r(b).Coverage[0] = roster.Coverage{ID: "none"} },
		"/rosters/0/coverage/0/languages/0/level":       func(b *roster.Book) { r(b).Coverage[0].Languages[0].Level = "d1" },
		"/rosters/0/layers":                             func(b *roster.Book) { r(b).Layers = slices.Repeat(r(b).Layers, 6) },
		"/rosters/0/overrides": func(b *roster.Book) {
			for i := range 33 {
				o := r(b).Overrides[0]
				o.ID = fmt.Sprint("x", i)
				r(b).Overrides = append(r(b).Overrides, o)
			}
		},
		"/rosters/0/overrides/0/people": func(b *roster.Book) { r(b).Overrides[0].People = slices.Repeat([]string{"ada"}, 31) },
	} {
		b := full()
		breakIt(&b)
		invalid, ok := errors.AsType[*roster.ValidationError](b.Validate())
		if !ok {
			t.Errorf("%s is not refused", path)
			continue
		}
		if i := slices.IndexFunc(invalid.Problems, func(p roster.Problem) bool { return p.Path == path }); i < 0 || invalid.Problems[i].Fix == "" || invalid.Problems[i].Detail == "" {
			t.Errorf("%s is not reported with a fix: %v", path, invalid.Problems)
		}
		if _, err := roster.Compile(b); err == nil {
			t.Errorf("%s compiles", path)
		}
	}
}

func TestSameSeesEveryNewMember(t *testing.T) {
	var walk func(path string, v reflect.Value, differs func() bool)
	b := full()
	walk = func(path string, v reflect.Value, differs func() bool) {
		switch v.Kind() {
		case reflect.Pointer:
			walk(path, v.Elem(), differs)
		case reflect.Slice:
			for i := range v.Len() {
				walk(fmt.Sprintf("%s/%d", path, i), v.Index(i), differs)
			}
		case reflect.Struct:
			if at, ok := reflect.TypeAssert[time.Time](v); ok {
				v.Set(reflect.ValueOf(at.Add(time.Minute)))
				if !differs() {
					t.Errorf("%s is not seen", path)
				}
				v.Set(reflect.ValueOf(at))
				return
			}
			for i := range v.NumField() {
				if name := v.Type().Field(i).Name; name != "Schema" && name != "Revision" && name != "PIN" { // which is not stored
					walk(path+"/"+name, v.Field(i), differs)
				}
			}
		case reflect.String:
			was := v.String()
			v.SetString(was + "x")
			if !differs() {
				t.Errorf("%s is not seen", path)
			}
			v.SetString(was)
		case reflect.Bool:
			was := v.Bool()
			v.SetBool(!was)
			if !differs() {
				t.Errorf("%s is not seen", path)
			}
			v.SetBool(was)
		case reflect.Int:
			was := v.Int()
			v.SetInt(was + 1)
			if !differs() {
				t.Errorf("%s is not seen", path)
			}
			v.SetInt(was)
		default:
			t.Errorf("%s: a kind that this test does not know: %s", path, v.Kind())
		}
	}
	if !roster.Same(b, full()) {
		t.Fatal("the same book differs from itself")
	}
	walk("", reflect.ValueOf(&b), func() bool { return !roster.Same(b, full()) })
}

// FuzzEdits keeps the past of one book in a document of any content, and checks it: in a bounded number of steps, and nothing panics.
func FuzzEdits(f *testing.F) {
	for _, b := range []roster.Book{full(), daily("Australia/Lord_Howe", "02:30"), {}} {
		data, err := json.Marshal(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, int64(1772452800))
	}
	f.Fuzz(func(t *testing.T, data []byte, seconds int64) {
		var b roster.Book
		if json.Unmarshal(data, &b) != nil {
			return
		}
		at := time.Unix(seconds%(1<<36), 0)
		kept := full().KeepPast(b, at) // whatever an edit says
		c, err := roster.Compile(b)
		if err != nil {
			return
		}
		if err := kept.Validate(); err == nil && at.After(roster.FirstDial) && at.Before(roster.FirstDial.AddDate(70, 0, 0)) {
			_ = full().CheckPast(kept, at)
		}
		for _, r := range b.Rosters {
			duty, _ := c.At(r.ID, at)
			for _, a := range duty.OnDuty {
				if at.Before(a.Since) || (!a.Until.IsZero() && !at.Before(a.Until)) || len(a.Why) == 0 {
					t.Fatalf("%+v at %s", a, at)
				}
			}
			tiles, last := 0, at
			for shift := range c.Shifts(r.ID, at, at.AddDate(0, 1, 0)) {
				if !shift.From.Equal(last) || !shift.From.Before(shift.Until) {
					t.Fatalf("tile %s to %s after %s", shift.From, shift.Until, last)
				}
				if last = shift.Until; tiles > 5000 {
					break
				}
				tiles++
			}
		}
	})
}
