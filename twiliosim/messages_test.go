package twiliosim_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/twiliosim"
)

func TestTextIsAcceptedAndFetched(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		got := w.api(http.MethodPost, "/Messages.json", text("Body", strings.Repeat("a", 161))).object(t, http.StatusCreated)
		for name, want := range map[string]any{
			"status": "queued", "to": officer, "from": sender, "direction": "outbound-api", "num_segments": "2", "num_media": "0",
			"account_sid": account, "error_code": nil, "error_message": nil, "date_sent": nil, "messaging_service_sid": nil,
			"api_version": "2010-04-01", "date_created": time.Now().UTC().Format(time.RFC1123Z),
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		w.settle(time.Second)
		again := w.serve(apiRequest(t.Context(), http.MethodGet, got["uri"].(string), nil)).object(t, http.StatusOK)
		if again["sid"] != got["sid"] || again["status"] != "delivered" || again["date_sent"] == nil {
			t.Errorf("fetched %v", again)
		}
	})
}

func TestAccountAndCredentials(t *testing.T) {
	w := newWorld(t, twiliosim.Options{})
	if got := w.api(http.MethodGet, ".json", nil).object(t, http.StatusOK); got["sid"] != account || got["status"] != "active" {
		t.Errorf("the account is %v", got)
	}
	for name, change := range map[string]func(*http.Request){
		"no credentials": func(r *http.Request) { r.Header.Del("Authorization") },
		"other account":  func(r *http.Request) { r.SetBasicAuth("AC"+strings.Repeat("0", 32), token) },
		"wrong token":    func(r *http.Request) { r.SetBasicAuth(account, token+"x") },
		"a bearer":       func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) },
	} {
		t.Run(name, func(t *testing.T) {
			r := apiRequest(t.Context(), http.MethodPost, "/Messages.json", text())
			change(r)
			a := w.serve(r)
			a.refused(t, http.StatusUnauthorized, 20003)
			if a.header.Get("WWW-Authenticate") == "" {
				t.Error("without WWW-Authenticate")
			}
		})
	}
	if len(w.sim.Messages()) != 0 {
		t.Error("a text was accepted without credentials")
	}
}

func TestNewTextIsRefused(t *testing.T) {
	w := newWorld(t, twiliosim.Options{Numbers: []string{sender}})
	if err := w.sim.SetBehaviour("+12025550199", twiliosim.OptedOut); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		form url.Values
		code int
	}{
		{"no recipient", text("To", "-"), 21604},
		{"empty recipient", text("To", ""), 21604},
		{"no sender", text("From", "-"), 21603},
		{"no body", text("Body", "-"), 21602},
		{"empty body", text("Body", ""), 21602},
		{"nothing at all", url.Values{}, 21604},
		{"recipient without plus", text("To", "12025550123"), 21211},
		{"recipient in letters", text("To", "the officer"), 21211},
		{"recipient too short", text("To", "+12345"), 21211},
		{"recipient too long", text("To", "+1234567890123456"), 21211},
		{"recipient of another channel", text("To", "whatsapp:"+officer), 21211},
		{"sender is no number", text("From", "this is no sender"), 21212},
		{"sender is the recipient", text("To", sender), 21266},
		{"sender of somebody else", text("From", "+15005550007"), 21606},
		{"too long", text("Body", strings.Repeat("é", 1601)), 21617},
		{"opted out", text("To", "+12025550199"), 21610},
		{"relative callback", text("StatusCallback", "/webhooks"), 21609},
		{"callback by mail", text("StatusCallback", "mailto:a@b.example"), 21609},
		{"no validity", text("ValidityPeriod", "0"), 21624},
		{"validity too long", text("ValidityPeriod", "36001"), 21624},
		{"validity in words", text("ValidityPeriod", "long"), 20001},
		{"messaging service", text("MessagingServiceSid", "MG1"), 20001},
		{"schedule type", text("ScheduleType", "loose"), 20001},
		{"time", text("SendAt", "tomorrow"), 20001},
		{"boolean", text("SmartEncoded", "perhaps"), 20001},
		{"price", text("MaxPrice", "cheap"), 20001},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.api(http.MethodPost, "/Messages.json", c.form).refused(t, http.StatusBadRequest, c.code)
		})
	}
	if n := len(w.sim.Messages()); n != 0 {
		t.Errorf("%d refused texts were recorded", n)
	}
	if st := w.sim.Stats(); st.Accepted != 0 || st.Refused != 26 {
		t.Errorf("counted %+v", st)
	}
}

func TestSenders(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []string
		from    string
		service bool
		want    string
	}{
		"an own number":            {numbers: []string{sender, "+15005550009"}, from: "+15005550009", want: "+15005550009"},
		"any, where none is set":   {from: "+15005550077", want: "+15005550077"},
		"a short code":             {from: "12345", want: "12345"},
		"a name":                   {from: "Dutyline", want: "Dutyline"},
		"a service":                {numbers: []string{"+15005550009"}, service: true, want: "+15005550009"},
		"a service without number": {service: true, want: sender},
	} {
		t.Run(name, func(t *testing.T) {
			night(t, twiliosim.Options{Numbers: c.numbers}, func(t *testing.T, w *world) {
				changes := []string{"From", c.from}
				if c.service {
					changes = []string{"From", "-", "MessagingServiceSid", "MG" + strings.Repeat("a", 32)}
				}
				got := w.api(http.MethodPost, "/Messages.json", text(changes...)).object(t, http.StatusCreated)
				if c.service && (got["status"] != "accepted" || got["from"] != nil) {
					t.Errorf("created %v", got)
				}
				w.settle(time.Second)
				if m := w.sim.Messages()[0]; m.From != c.want || m.Status != twiliosim.StatusDelivered {
					t.Errorf("sent by %s, %s", m.From, m.Status)
				}
			})
		})
	}
}

func TestScheduledText(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		sid := w.send("ScheduleType", "fixed", "SendAt", time.Now().Add(time.Hour).Format(time.RFC3339))
		w.settle(59 * time.Minute)
		if got, _ := w.status(sid); got != "scheduled" {
			t.Errorf("before its time it is %s", got)
		}
		w.settle(2 * time.Minute)
		if got, _ := w.status(sid); got != "delivered" {
			t.Errorf("after its time it is %s", got)
		}
	})
}

func TestListInPages(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		var want, got []string
		for i := range 25 {
			want = append([]string{w.send("Body", fmt.Sprint(i), "To", fmt.Sprintf("+1202555%04d", 100+i%2))}, want...)
		}
		next, pages := any("/2010-04-01/Accounts/"+account+"/Messages.json?PageSize=10"), 0
		for next != nil {
			list := w.serve(apiRequest(t.Context(), http.MethodGet, next.(string), nil)).object(t, http.StatusOK)
			for _, m := range list["messages"].([]any) {
				got = append(got, m.(map[string]any)["sid"].(string))
			}
			if list["page"] != float64(pages) || list["page_size"] != float64(10) || (list["previous_page_uri"] == nil) != (pages == 0) {
				t.Errorf("page %d says %v", pages, list)
			}
			next, pages = list["next_page_uri"], pages+1
			w.send("Body", "in the meantime") // must not shift what follows
			w.settle(time.Second)
			w.api(http.MethodDelete, "/Messages/"+got[len(got)-1]+".json", nil) // nor must this
		}
		equal(t, "listed", got, want)
		if pages != 3 {
			t.Errorf("%d pages, want 3", pages)
		}
	})
}

func TestListFilters(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.send("Body", "first")
		w.send("Body", "elsewhere", "To", "+12025550188")
		w.settle(26 * time.Hour)
		w.send("Body", "second", "From", "+15005550009")
		w.settle(time.Second)
		if _, err := w.sim.Reply(officer, "reply"); err != nil {
			t.Fatal(err)
		}
		w.settle(time.Second)
		first, second := "2000-01-01", "2000-01-02" // the bubble begins on the first
		for query, want := range map[string][]string{
			"":                         {"reply", "second", "elsewhere", "first"},
			"To=" + q(officer):         {"second", "first"},
			"To=" + q("+12025550000"):  {},
			"From=" + q(officer):       {"reply"},
			"To=" + q("+15005550009"):  {"reply"},
			"From=" + q(sender):        {"elsewhere", "first"},
			"DateSent=" + first:        {"elsewhere", "first"},
			"DateSent%3E=" + second:    {"reply", "second"},
			"DateSent%3C=" + first:     {"elsewhere", "first"},
			"DateSent%3C=1999-12-31":   {},
			"PageSize=1":               {"reply"},
			"PageSize=2&Page=1":        {"elsewhere", "first"},
			"PageSize=2&Page=7":        {},
			"To=%2B1&From=%2B1":        {},
			"DateSent=" + q(first+"x"): nil,
			"PageSize=0":               nil,
			"PageSize=1001":            nil,
			"PageSize=many":            nil,
			"Page=-1":                  nil,
			"PageToken=PASMnone":       nil,
			"To=" + q(officer) + "&From=" + q("+15005550009"): {"second"},
			"DateSent%3E=" + q("2000-01-02T01:00:00Z"):        {"reply", "second"},
		} {
			a := w.api(http.MethodGet, "/Messages.json?"+query, nil)
			if want == nil {
				a.refused(t, http.StatusBadRequest, 20001)
				continue
			}
			got := []string{}
			for _, m := range a.object(t, http.StatusOK)["messages"].([]any) {
				got = append(got, m.(map[string]any)["body"].(string))
			}
			equal(t, query, got, want)
		}
	})
}

func q(s string) string { return url.QueryEscape(s) }

func TestCancelRedactDelete(t *testing.T) {
	night(t, twiliosim.Options{DeliveryDelay: time.Minute}, func(t *testing.T, w *world) {
		update := func(sid string, pairs ...string) answer {
			form := url.Values{}
			for i := 0; i < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return w.api(http.MethodPost, "/Messages/"+sid+".json", form)
		}
		sid := w.send("StatusCallback", status)
		update(sid, "Body", "").refused(t, http.StatusConflict, 20009)
		w.api(http.MethodDelete, "/Messages/"+sid+".json", nil).refused(t, http.StatusConflict, 20009)
		for name, pairs := range map[string][]string{
			"nothing":         nil,
			"both":            {"Status", "canceled", "Body", ""},
			"other status":    {"Status", "delivered"},
			"another wording": {"Body", "something else"},
		} {
			t.Log(name)
			update(sid, pairs...).refused(t, http.StatusBadRequest, 30400)
		}
		if got := update(sid, "Status", "canceled").object(t, http.StatusOK); got["status"] != "canceled" {
			t.Errorf("canceled: %v", got)
		}
		update(sid, "Status", "canceled").refused(t, http.StatusConflict, 30409)
		w.settle(time.Hour)
		equal(t, "shown after the cancellation", w.shown(officer), nil)
		equal(t, "reported", w.statuses(), []string{"canceled"})

		sid = w.send("Body", "a secret")
		w.settle(time.Hour)
		update(sid, "Status", "canceled").refused(t, http.StatusConflict, 30409)
		if got := update(sid, "Body", "").object(t, http.StatusOK); got["body"] != "" || got["status"] != "delivered" {
			t.Errorf("redacted: %v", got)
		}
		equal(t, "shown after redaction", w.shown(officer), []string{"a secret"})
		if a := w.api(http.MethodDelete, "/Messages/"+sid+".json", nil); a.status != http.StatusNoContent || len(a.body) != 0 {
			t.Errorf("deleting answered %d %s", a.status, a.body)
		}
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			w.api(method, "/Messages/"+sid+".json", url.Values{"Body": {""}}).refused(t, http.StatusNotFound, 20404)
		}
		equal(t, "shown after deleting", w.shown(officer), []string{"a secret"})
	})
}

func TestUnknownResources(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		for _, path := range []string{
			"/Messages", "/Messages/SM1.json", "/Messages/SM" + strings.Repeat("0", 32) + ".json", "/Calls/CA1.json", "/Conferences.json", "/Messages/.json",
			"/2010-04-01/Accounts/AC" + strings.Repeat("0", 32) + "/Messages.json", "/2010-04-01/Accounts.json", "/2010-04-01/",
		} {
			w.api(http.MethodGet, path, nil).refused(t, http.StatusNotFound, 20404)
		}
		w.api(http.MethodDelete, "/Messages.json", nil).refused(t, http.StatusMethodNotAllowed, 20004)
		w.api(http.MethodPut, ".json", nil).refused(t, http.StatusMethodNotAllowed, 20004)
		w.api(http.MethodPost, "/Messages.json?x=%zz", text()).refused(t, http.StatusBadRequest, 20001)
		w.api(http.MethodPost, "/Messages.json", text("Body", strings.Repeat("a", 2<<20))).refused(t, http.StatusBadRequest, 20001)
	})
}

func TestNumbersOfTheAccount(t *testing.T) {
	night(t, twiliosim.Options{Numbers: []string{sender, "+15005550007", "+15005550008"}}, func(t *testing.T, w *world) {
		list := w.api(http.MethodGet, "/IncomingPhoneNumbers.json?PageSize=2", nil).object(t, http.StatusOK)
		rest := w.serve(apiRequest(t.Context(), http.MethodGet, list["next_page_uri"].(string), nil)).object(t, http.StatusOK)
		all := append(list["incoming_phone_numbers"].([]any), rest["incoming_phone_numbers"].([]any)...)
		if len(all) != 3 || rest["next_page_uri"] != nil {
			t.Fatalf("listed %d numbers", len(all))
		}
		found := w.api(http.MethodGet, "/IncomingPhoneNumbers.json?PhoneNumber="+q("+15005550007"), nil).object(t, http.StatusOK)
		one := found["incoming_phone_numbers"].([]any)[0].(map[string]any)
		path := "/IncomingPhoneNumbers/" + one["sid"].(string) + ".json"
		w.api(http.MethodPost, path, url.Values{"SmsUrl": {"not a URL"}}).refused(t, http.StatusBadRequest, 21205)
		w.api(http.MethodPost, path, url.Values{"SmsUrl": {"https://other.example/sms"}}).object(t, http.StatusOK)
		if got := w.api(http.MethodGet, path, nil).object(t, http.StatusOK); got["sms_url"] != "https://other.example/sms" {
			t.Errorf("the number is %v", got)
		}
		unknown := "/IncomingPhoneNumbers/PN" + strings.Repeat("0", 32) + ".json"
		w.api(http.MethodGet, unknown, nil).refused(t, http.StatusNotFound, 20404)
		w.api(http.MethodPost, unknown, nil).refused(t, http.StatusNotFound, 20404)
		w.api(http.MethodGet, "/IncomingPhoneNumbers.json?PageSize=x", nil).refused(t, http.StatusBadRequest, 20001)

		w.send("From", "+15005550007")
		w.settle(time.Second)
		if _, err := w.sim.Reply(officer, "hello"); err != nil {
			t.Fatal(err)
		}
		w.settle(time.Second)
		if posts := w.webhooks(); len(posts) != 1 || posts[0].url != "https://other.example/sms" {
			t.Errorf("the reply went to %v", posts)
		}
	})
}

func TestSegments(t *testing.T) {
	rep := strings.Repeat
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"nothing", "", 1},
		{"one full", rep("a", 160), 1},
		{"one more", rep("a", 161), 2},
		{"two full", rep("a", 306), 2},
		{"three", rep("a", 307), 3},
		{"extension characters count twice", rep("€", 80), 1},
		{"and make the text longer", rep("€", 81), 2},
		{"an escape is not divided", rep("a", 152) + "€" + rep("a", 151), 2},
		{"but pushed over", rep("a", 152) + "€" + rep("a", 152), 3},
		{"Arabic", rep("ع", 70), 1},
		{"more Arabic", rep("ع", 71), 2},
		{"two full of Arabic", rep("ع", 134), 2},
		{"three of Arabic", rep("ع", 135), 3},
		{"one foreign character changes all", rep("a", 70) + "ع", 2},
		{"emoji count twice", rep("😀", 35), 1},
		{"more emoji", rep("😀", 36), 2},
		{"a pair is not divided", rep("😀", 67), 3},
		{"Greek capitals are cheap", rep("Δ", 160), 1},
		{"broken text", "\xff", 1},
	} {
		if got := twiliosim.Segments(c.text); got != c.want {
			t.Errorf("%s: %d segments, want %d", c.name, got, c.want)
		}
	}
}
