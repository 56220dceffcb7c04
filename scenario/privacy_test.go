package scenario_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/twiliosim"
)

// marker stands in everything that somebody writes about a case.
const marker = "zqmarker"

// A secret must not leave the process, in any spelling.
type secret struct {
	what      string
	spellings []string
}

// secretOf spells a text plain, in other cases, escaped, and as the inner part of its base64 at each of the three places that it can have.
func secretOf(what, text string) secret {
	s := secret{what, []string{text, strings.ToUpper(text), url.QueryEscape(text), url.PathEscape(text)}}
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
		from, to := (shift*8+5)/6, (shift+len(text))*8/6
		s.spellings = append(s.spellings, encoded[from:to])
	}
	return s
}

// leaks lists the secrets in what was seen, with the words around them.
func leaks(where, seen string, secrets []secret) []string {
	var found []string
	for _, s := range secrets {
		for _, spelling := range s.spellings {
			if at := strings.Index(seen, spelling); at >= 0 {
				found = append(found, fmt.Sprintf("%s: %s: …%q…", where, s.what, seen[max(at-80, 0):min(at+len(spelling)+40, len(seen))]))
				break
			}
		}
	}
	return found
}

// secrets are the marker, and the names and numbers of a roster.
func secrets(book roster.Book) []secret {
	list := []secret{secretOf("case content", marker)}
	for _, p := range book.People {
		list = append(list, secretOf("a name", p.Name))
		for _, c := range p.Contacts {
			list = append(list, secretOf("a number", strings.TrimPrefix(c.Address, "+")))
		}
	}
	return list
}

func TestTheScanFindsWhatIsThere(t *testing.T) {
	all := secrets(roster.Example("UTC", time.Now()))
	if leaked := leaks("x", `a line about +1…01, KESTREL, ada and 7K4M-2QX9-D, in twilio/sms/`+ours+` at 1500555010`, all); len(leaked) != 0 {
		t.Errorf("found where nothing is: %v", leaked)
	}
	for _, planted := range []string{
		"To=" + url.QueryEscape(ada), "tel:15005550101", "Ada Example", "Ada+Example", "ADA EXAMPLE", marker + "-12",
		base64.StdEncoding.EncodeToString([]byte(`{"name":"Ada Example"}`)), base64.StdEncoding.EncodeToString([]byte(`{"facts":"` + marker + `"}`)),
		base64.StdEncoding.EncodeToString([]byte(`x{"facts":"` + marker + `"}`)), base64.StdEncoding.EncodeToString([]byte(`xy{"number":"` + ada + `"}`)),
	} {
		if len(leaks("x", "before "+planted+" after", all)) == 0 {
			t.Errorf("not found: %s", planted)
		}
	}
}

// filled is a request of a type with a marker in every field that is not a closed list.
func filled(kind request.Type) map[string]any {
	content := map[string]any{"type": kind, "urgency": request.Critical, "colour": marker + "-unknown", "details": map[string]any{"unknown": marker + "-unknown"}}
	for i, f := range append(append([]request.Field{}, request.Common...), request.Details[kind]...) {
		into, name := content, strings.TrimPrefix(f.Path, "/")
		if parent, child, nested := strings.Cut(name, "/"); nested {
			if content[parent] == nil {
				content[parent] = map[string]any{}
			}
			into, name = content[parent].(map[string]any), child
		}
		text := marker + "-" + strconv.Itoa(i)
		switch {
		case len(f.Enum) > 0:
		case f.Kind == request.Text:
			into[name] = text
		case f.Kind == request.Open:
			into[name] = []any{text, map[string]any{text: text}}
		case f.Kind == request.Boolean:
			into[name] = true
		}
	}
	return content
}

// edit is what a coordinator puts.
type edit struct {
	roster.Book
	Reason string `json:"reason,omitempty"`
}

// officer mints a token.
func (l *line) officer(person string) string {
	l.t.Helper()
	status, data := l.call(http.MethodPost, "/api/v1/tokens", l.started.Tokens.Coordinator, map[string]any{"role": "officer", "subject": person})
	var token struct {
		Text  string `json:"text"`
		Token string `json:"token"`
	}
	if err := json.Unmarshal(data, &token); err != nil || status/100 != 2 {
		l.t.Fatalf("token: %d %s", status, data)
	}
	return cmp.Or(token.Text, token.Token)
}

func (l *line) status(ref request.Ref) string {
	_, data := l.call(http.MethodGet, "/api/v1/requests/"+string(ref), l.started.Tokens.Sender, nil)
	return string(data)
}

// version is the value for If-Match.
func (l *line) version(ref request.Ref) string {
	var receipt request.Receipt
	if err := json.Unmarshal([]byte(l.status(ref)), &receipt); err != nil {
		l.t.Fatal(err)
	}
	return strconv.Quote(strconv.Itoa(receipt.Version))
}

func (l *line) eventsOf(ref request.Ref) string {
	_, data := l.call(http.MethodGet, "/api/v1/requests/"+string(ref)+"/log", l.started.Tokens.Coordinator, nil)
	return string(data)
}

// lineWith is the line that contains a word.
func lineWith(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

// TestNothingOfACaseOrAPersonLeavesTheProcess plays a night over everything that app.Run starts, failures included, and looks through all
// that could be seen from outside: texts, log lines, addresses, headers, Redis, and the files on the disk.
func TestNothingOfACaseOrAPersonLeavesTheProcess(t *testing.T) {
	l := startLine(t)
	tokens := l.started.Tokens

	var overNATS record
	l.tap(&overNATS)

	// A roster of its own, by the same door as a coordinator's.
	status, data := l.call(http.MethodGet, "/api/v1/roster", tokens.Coordinator, nil)
	var book roster.Book
	if err := json.Unmarshal(data, &book); err != nil || status != http.StatusOK {
		t.Fatalf("roster: %d %s", status, data)
	}
	for i := range book.People {
		book.People[i].Name = fmt.Sprintf("Quirinius Zebulon%d", i)
	}
	all := secrets(book)
	bearer := []string{"If-Match", strconv.Quote(strconv.FormatUint(book.Revision, 10))}
	if status, data = l.call(http.MethodPut, "/api/v1/roster", tokens.Coordinator, edit{book, "names"}, bearer...); status/100 != 2 {
		t.Fatalf("edit: %d %s", status, data)
	}

	// Answering machines take the calls: what is said is recorded.
	for _, number := range []string{string(ada), string(bruno)} {
		if err := l.sim.SetBehaviour(number, twiliosim.Voicemail); err != nil {
			t.Fatal(err)
		}
	}

	// Every type, with a marker wherever somebody can write.
	var refs []request.Ref
	for _, kind := range request.Types {
		refs = append(refs, l.raise(filled(kind)))
	}
	ref := refs[0]
	path := "/api/v1/requests/" + string(ref)
	for _, ref := range refs {
		l.until("a text of each request", func() bool { return l.texts(ada, ref) > 0 && l.texts(bruno, ref) > 0 })
	}
	l.until("a call is spoken", func() bool {
		return slices.ContainsFunc(l.sim.Calls(), func(c twiliosim.Call) bool { return len(c.Said) > 0 })
	})

	// What goes wrong at the door.
	bad := func(method, path, token string, body any, header ...string) {
		t.Helper()
		if status, data := l.call(method, path, token, body, header...); status < 400 || status >= 500 {
			t.Errorf("%s %s: %d %s", method, path, status, data)
		}
	}
	bad(http.MethodPost, "/api/v1/requests", tokens.Sender, `{"facts":"`+marker+`"`)
	bad(http.MethodPost, "/api/v1/requests", tokens.Sender, `{"type":"`+marker+`"}`)
	bad(http.MethodPost, "/api/v1/requests", tokens.Sender, `{"type":"preservation","facts":["`+marker+`"]}`)
	bad(http.MethodPost, "/api/v1/requests", tokens.Sender, marker, "Content-Type", "text/"+marker)
	bad(http.MethodPost, "/api/v1/requests", marker, `{"type":"preservation"}`)
	bad(http.MethodGet, "/api/v1/requests/"+marker+"?x="+marker, tokens.Sender, nil)
	bad(http.MethodGet, "/"+marker+"?"+marker+"="+url.QueryEscape(book.People[0].Contacts[0].Address), "", nil)
	bad(http.MethodPost, "/webhooks/twilio/sms", "", "From="+url.QueryEscape(ada)+"&Body="+marker, "Content-Type", "application/x-www-form-urlencoded")
	bad(http.MethodPut, "/api/v1/roster", tokens.Coordinator, edit{Book: roster.Book{People: []roster.Person{{Name: book.People[0].Name}}}}, bearer...)
	bad(http.MethodPost, "/signin", "", "token="+marker, "Content-Type", "application/x-www-form-urlencoded")
	l.call(http.MethodGet, "/duty/"+string(ref), "", nil)

	// The door on NATS, and what goes wrong there.
	nc := l.dial()
	content, err := json.Marshal(filled(request.EmergencyDisclosure))
	if err != nil {
		t.Fatal(err)
	}
	if m := l.ask(nc, "raise", string(content)); m.Header.Get("ETag") == "" {
		t.Errorf("raise over NATS: %v %s", m.Header, m.Data)
	}
	for _, body := range []string{marker, `{"facts":"` + marker + `"`, `{"type":"` + marker + `"}`, `{"type":"preservation","facts":["` + marker + `"]}`} {
		if m := l.ask(nc, "raise", body); m.Header.Get("Nats-Service-Error-Code") == "" {
			t.Errorf("taken over NATS: %s", body)
		}
	}
	l.ask(nc, "show", "", "Dutyline-Reference", marker)
	l.ask(nc, "amend", "{}", "Dutyline-Reference", ref.String(), "If-Match", marker)
	l.ask(nc, "withdraw", `{"`+marker[:2]+`":1}`, "Dutyline-Reference", ref.String())
	if _, err := nats.Connect(l.started.NATSURL, nats.Token("dl_"+marker+"_"+marker)); err == nil {
		t.Error("a made-up token is let in")
	}

	// The pages.
	if status, data := l.call(http.MethodPost, "/signin", "", "token="+l.officer("bruno"), "Content-Type", "application/x-www-form-urlencoded"); status != http.StatusSeeOther {
		t.Errorf("sign-in: %d %s", status, data)
	}
	for _, page := range []string{"/duty", "/duty/" + string(ref)} {
		if status, data := l.call(http.MethodGet, page, "", nil); status != http.StatusOK || !strings.Contains(string(data), ref.String()) {
			t.Errorf("%s: %d %s", page, status, data)
		}
	}

	// Keys, amendments, reasons.
	l.call(http.MethodPost, "/api/v1/requests", tokens.Sender, `{"type":"preservation","facts":"`+marker+`"}`, "Idempotency-Key", marker)
	bad(http.MethodPost, "/api/v1/requests", tokens.Sender, `{"type":"preservation","facts":"other `+marker+`"}`, "Idempotency-Key", marker)
	if status, data := l.call(http.MethodPatch, path, tokens.Sender, `{"facts":"`+marker+`-amended"}`, "Content-Type", "application/merge-patch+json", "If-Match", l.version(ref)); status != http.StatusOK {
		t.Errorf("amend: %d %s", status, data)
	}
	if status, data := l.call(http.MethodGet, path+"/content", l.officer("ada"), nil); status != http.StatusOK || !strings.Contains(string(data), marker+"-amended") {
		t.Errorf("content: %d %s", status, data)
	}
	if status, data := l.call(http.MethodPost, path+"/pass", l.officer("ada"), map[string]string{"reason": marker + " reason"}); status != http.StatusOK {
		t.Errorf("pass: %d %s", status, data)
	}
	if status, data := l.call(http.MethodPost, path+"/withdraw", tokens.Sender, map[string]string{"reason": marker + " reason"}); status != http.StatusOK {
		t.Errorf("withdraw: %d %s", status, data)
	}
	l.call(http.MethodGet, path+"/log", tokens.Coordinator, nil)

	// What people write back: from a stranger, without a code, with a wrong one, and with the right one.
	reply := func(number, body string) {
		t.Helper()
		before := l.sim.Stats().WebhooksDone
		if _, err := l.sim.Reply(number, body); err != nil {
			t.Fatal(err)
		}
		l.until("the webhook", func() bool { return l.sim.Stats().WebhooksDone > before })
	}
	const stranger = "+15005550199"
	all = append(all, secretOf("a stranger's number", stranger[1:]))
	if err := l.sim.SetBehaviour(stranger, twiliosim.Answers); err != nil {
		t.Fatal(err)
	}
	l.call(http.MethodGet, "/readyz", "", nil)
	reply(ada, marker+" coming")
	reply(ada, "000000 "+marker)
	reply(ada, lastCode(lineWith(l.phone(ada), refs[1].String()))+" "+marker)
	l.until("the acknowledgement by code", func() bool { return strings.Contains(l.status(refs[1]), "acknowledged") })

	// A provider that fails, and quotes the number and the text.
	l.mu.Lock()
	l.refuse = func(to, body string) (int, string) {
		if to == ada {
			return http.StatusServiceUnavailable, "no route to " + to + ": " + body
		}
		answer, _ := json.Marshal(map[string]any{"code": 21211, "status": 400, "message": "Invalid 'To' Phone Number: " + to + " for " + body, "more_info": "https://example/" + to})
		return http.StatusBadRequest, string(answer)
	}
	l.mu.Unlock()
	failed := l.raise(filled(request.Preservation))
	l.until("the failures", func() bool { return strings.Count(l.eventsOf(failed), `"attempt_failed"`) >= 2 })
	l.mu.Lock()
	l.refuse = nil
	l.mu.Unlock()
	l.until("the text after the failures", func() bool { return l.texts(ada, failed) > 0 })

	// A Redis that goes away.
	l.redis.SetError("LOADING " + marker + "-is-not-ours")
	l.call(http.MethodGet, "/api/v1/duty", tokens.Coordinator, nil)
	l.redis.SetError("")
	redis := l.redis.Dump() + strings.Join(l.redis.Keys(), "\n")
	l.stop()

	// Everything that was seen.
	var texts strings.Builder
	for _, m := range l.sim.Messages() {
		if m.Direction != twiliosim.Inbound {
			fmt.Fprintln(&texts, m.Body, m.StatusCallback)
		}
	}
	var spoken strings.Builder
	for _, c := range l.sim.Calls() {
		fmt.Fprintln(&spoken, strings.Join(c.Said, " "))
	}
	seen := map[string]string{
		"log": strings.ReplaceAll(l.logs.String(), marker+"-is-not-ours", ""), "webhooks": l.webhooks.String(), "calls": l.calls.String(),
		"headers": l.headers.String(), "redis": redis, "texts": texts.String(), "spoken": spoken.String(), "nats": overNATS.String(),
	}
	files := 0
	err = filepath.WalkDir(l.started.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		seen["file "+strings.TrimPrefix(path, l.started.DataDir)] = string(data)
		files++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	stored := ""
	for where, what := range seen {
		if strings.HasPrefix(where, "file ") {
			stored += what
		}
		for _, leak := range leaks(where, what, all) {
			t.Error(leak)
		}
		if where == "log" || where == "nats" {
			for _, token := range []string{tokens.Sender, tokens.Officer, tokens.Coordinator} {
				if strings.Contains(what, token) {
					t.Errorf("%s: a token", where)
				}
			}
		}
	}
	// It was there to be seen.
	for where, sign := range map[string]string{
		"log": "attempt", "webhooks": string(failed), "calls": "/Messages.json", "headers": "Location", "redis": "dutyline:roster", "texts": failed.String(), "spoken": "Dutyline",
		"nats": ".status." + ref.String(),
	} {
		if !strings.Contains(seen[where], sign) {
			t.Errorf("%s: %q was not recorded at all: %d bytes", where, sign, len(seen[where]))
		}
	}
	if files < 5 || !strings.Contains(stored, ref.Subject()) {
		t.Errorf("the files of the log were not looked at: %d files", files)
	}
	t.Logf("looked through %d bytes of log lines, %d of files, %d of Redis", len(seen["log"]), len(stored), len(redis))
}

func TestPanicsAndOddAnswersAreToldWithoutWhatTheyQuote(t *testing.T) {
	inFakeTime(t, dispatcher.DefaultPolicy(), func(t *testing.T, w *world) {
		calls := 0
		w.meet = func(v url.Values) {
			if calls++; calls <= 2 {
				panic("a library quotes " + v.Get("To") + " and " + v.Get("Body") + " and " + marker)
			}
		}
		ref := w.raise(request.Urgent)
		pass(20 * time.Second)
		if w.texts(ada, ref) != 1 {
			t.Errorf("%d texts after two panics", w.texts(ada, ref))
		}
		if err := w.sim.SetBehaviour(ada, twiliosim.OptedOut); err != nil { // the vendor's refusal names the number
			t.Fatal(err)
		}
		w.raise(request.Urgent)
		if _, err := w.sim.Reply(bruno, marker+" "+ada); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		logs := w.logs.String()
		for _, sign := range []string{"panic in a channel", "21610", "text answered"} {
			if !strings.Contains(logs, sign) {
				t.Errorf("the log lines do not tell of %q", sign)
			}
		}
		for _, leak := range leaks("log", logs, append(secrets(roster.Example("UTC", time.Now())), secretOf("a text", w.code(ref, "p1")))) {
			t.Error(leak)
		}
	})
}
