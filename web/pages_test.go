package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// browser is somebody at the pages: it keeps cookies and sends what browsers send.
type browser struct {
	*world
	cookies map[string]string
}

func (w *world) browser() *browser { return &browser{w, map[string]string{}} }

func (b *browser) open(method, path, form string, headers ...string) answer {
	var cookies []string
	for name, value := range b.cookies {
		cookies = append(cookies, name+"="+value)
	}
	headers = append([]string{"Cookie", strings.Join(cookies, "; "), "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}, headers...)
	a := b.call(method, path, "", form, headers...)
	for _, c := range a.Cookies() {
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return a
}

func (b *browser) signIn(token string) answer {
	return b.open("POST", "/signin", url.Values{"token": {token}}.Encode())
}

func (w *world) signedIn(token string) *browser {
	w.t.Helper()
	b := w.browser()
	if a := b.signIn(token); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/duty" {
		w.t.Fatalf("sign in: %d %s", a.StatusCode, a.text)
	}
	return b
}

func TestPagesAreForThoseWhoSignedIn(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	b := w.browser()
	for path, target := range map[string]string{
		"/": "/duty", "/duty": "/signin", "/duty/live": "/signin", "/duty/" + reference: "/signin?next=/duty/" + reference, "/duty/" + reference + "/live": "/signin",
	} {
		if a := b.open("GET", path, ""); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != target || strings.Contains(a.text, "zebra") {
			t.Errorf("%s: %d to %s", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for _, token := range []string{"", "dl_x_y", w.sender} {
		if a := b.signIn(token); a.StatusCode != http.StatusUnauthorized || len(b.cookies) != 0 {
			t.Errorf("signed in with %q: %d", token, a.StatusCode)
		}
	}
	a := b.open("POST", "/signin", url.Values{"token": {" " + w.officer + "\n"}, "next": {"/duty/" + reference}}.Encode())
	if a.Header.Get("Location") != "/duty/"+reference {
		t.Errorf("next: %s", a.Header.Get("Location"))
	}
	cookie := a.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure {
		t.Errorf("cookie: %v", cookie)
	}
	for _, next := range []string{"https://evil.example/", "//evil.example", "/duty/../evil", "/signout"} {
		if a := w.browser().open("POST", "/signin", url.Values{"token": {w.officer}, "next": {next}}.Encode()); a.Header.Get("Location") != "/duty" {
			t.Errorf("%s leads to %s", next, a.Header.Get("Location"))
		}
	}
	if a := b.open("GET", "/duty", ""); a.StatusCode != http.StatusOK || !strings.Contains(a.text, reference) {
		t.Errorf("list: %d %s", a.StatusCode, a.text)
	}
	b.open("POST", "/signout", "")
	if a := b.open("GET", "/duty", ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("after signing out: %d", a.StatusCode)
	}
}

func TestASessionEndsWithItsTokenAndItsTime(t *testing.T) {
	w := newWorld(t)
	b, c := w.signedIn(w.officer), w.signedIn(w.colleague)
	_, err := w.dir.RevokeToken(t.Context(), w.officerToken.ID, w.now)
	must(t, err)
	if a := b.open("GET", "/duty", ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("revoked: %d", a.StatusCode)
	}
	w.now = w.now.Add(11 * time.Hour)
	if a := c.open("GET", "/duty", ""); a.StatusCode != http.StatusOK {
		t.Errorf("after 11 hours: %d", a.StatusCode)
	}
	w.now = w.now.Add(time.Hour)
	if a := c.open("GET", "/duty", ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("after 12 hours: %d", a.StatusCode)
	}
}

func TestAnOfficerStaysSignedInWhileRedisIsAway(t *testing.T) {
	w := newWorld(t)
	before := w.signedIn(w.officer)
	for _, key := range w.redis.Keys() {
		if strings.Contains(key, before.cookies["session"]) {
			t.Errorf("the key %s opens the session", key)
		}
	}
	w.redis.SetError("LOADING")
	during := w.signedIn(w.colleague)
	for _, b := range []*browser{before, during} {
		if a := b.open("GET", "/duty", ""); a.StatusCode != http.StatusOK {
			t.Errorf("Redis away: %d", a.StatusCode)
		}
	}
	w.redis.SetError("")
	for range 2 {
		if a := during.open("GET", "/duty", ""); a.StatusCode != http.StatusOK {
			t.Errorf("Redis back: %d", a.StatusCode)
		}
	}
	w.redis.FlushAll()
	if a := before.open("GET", "/duty", ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("what Redis forgot was ended: %d", a.StatusCode)
	}
}

func TestTheRequestPageShowsContentAndNotesTheReading(t *testing.T) {
	w := newWorld(t)
	receipt := w.raised()
	w.ask(receipt.Reference, w.book.People[0].ID)
	b := w.signedIn(w.officer)
	a := b.open("GET", "/duty/"+receipt.Reference, "")
	for _, part := range []string{secretFacts, `href="tel:&#43;33199001234"`, "Summary of the facts", "Legal provision", "zebra-crossing", "10.1.2.3", "colour", "data-until", "/acknowledge", "/pass", "Budapest Convention on Cybercrime"} {
		if !strings.Contains(a.text, part) {
			t.Errorf("%q is missing", part)
		}
	}
	ref, _ := request.ParseRef(receipt.Reference)
	opened := func() int {
		n := 0
		for _, stored := range w.log.of(ref) {
			c, _ := request.Decode(stored.Data)
			if c.Events[0].Type == request.Opened {
				n++
			}
		}
		return n
	}
	if opened() != 1 {
		t.Errorf("opened %d times", opened())
	}
	live := b.open("GET", "/duty/"+receipt.Reference+"/live", "")
	if live.StatusCode != http.StatusOK || strings.Contains(live.text, "zebra") || strings.Contains(live.text, "<html") || opened() != 1 {
		t.Errorf("live part: %d %s", live.StatusCode, live.text)
	}
	w.log.setDown(true)
	if a := b.open("GET", "/duty/"+receipt.Reference, ""); a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.text, "zebra") || !strings.Contains(a.text, "<html") {
		t.Errorf("shown without a trace: %d", a.StatusCode)
	}
}

func TestWhatSendersWriteCannotAct(t *testing.T) {
	w := newWorld(t)
	body := `{"type":"preservation","language":"\" onload=x","facts":"<script>alert(1)</script>","callback_person":{"name":"<b>","phone":"javascript:alert(1)"},"<i>":"&"}`
	var receipt request.Receipt
	w.call("POST", "/api/v1/requests", w.sender, body).into(t, &receipt)
	a := w.signedIn(w.officer).open("GET", "/duty/"+receipt.Reference, "")
	if a.StatusCode != http.StatusOK || strings.Contains(a.text, "<script>a") || strings.Contains(a.text, `href="javascript`) || strings.Contains(a.text, "<i>") || strings.Contains(a.text, "ZgotmplZ") {
		t.Errorf("%s", a.text)
	}
}

func TestWhatHidesInATextIsShown(t *testing.T) {
	w := newWorld(t)
	body := `{"type":"preservation","language":"he \u202e","facts":"\u202e7.001.15.891\u0000\r\nnext\u2028line","callback_person":{"name":"\u202dname","phone":"ask\u0007 the desk"},"\u202ekey":{"\u202einner":"x"},"details":{"data":["\u202e1"],"\u202emember":"y"}}`
	var receipt request.Receipt
	w.call("POST", "/api/v1/requests", w.sender, body).into(t, &receipt)
	b := w.signedIn(w.officer)
	a := b.open("GET", "/duty/"+receipt.Reference, "")
	for _, part := range []string{"[U+202E]7.001.15.891[U+0000]\nnext\nline", "[U+202D]name", "ask[U+0007] the desk", "[U+202E]key", "[U+202E]inner", "[U+202E]1", "[U+202E]member", "he [U+202E]"} {
		if !strings.Contains(html.UnescapeString(a.text), part) {
			t.Errorf("%q is missing", part)
		}
	}
	for _, page := range []answer{a, b.open("GET", "/duty", "")} {
		if strings.ContainsAny(page.text, "\u202d\u202e\u0000\u0007\r") {
			t.Error("an override or a control is in the page")
		}
	}
	if strings.Contains(a.text, `href=""`) || strings.Contains(a.text, "tel:") {
		t.Error("words became a link that calls nobody")
	}
}

func TestThePageSaysWhatIsMissingWhileItCanBeSupplied(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.officer)
	reference := w.raised().Reference
	page := "/duty/" + reference
	a := b.open("GET", page, "")
	if !strings.Contains(a.text, `<details class="card missing">`) || !strings.Contains(a.text, "Legal provision") || !strings.Contains(a.text, "Reference of the sender") || strings.Contains(a.text, "Your own reference") {
		t.Errorf("many: %s", a.text)
	}
	b.open("POST", page+"/acknowledge", "")
	if a := b.open("GET", page, ""); !strings.Contains(a.text, `<dt>Taken</dt><dd><time datetime="2026-03-04T22:05:00.000Z"`) {
		t.Error("the page does not say since when it is taken")
	}
	w.call("POST", "/api/v1/requests/"+reference+"/withdraw", w.sender, `{}`)
	if a := b.open("GET", page, ""); strings.Contains(a.text, "missing") || !strings.Contains(a.text, "Withdrawn by its sender") || !strings.Contains(a.text, secretFacts) {
		t.Errorf("withdrawn: %s", a.text)
	}
	few := `{"type":"readiness_test","instrument":"un_cybercrime_convention","urgency":"routine","urgency_reason":"x","language":"en","requesting_state":"FR","authority":"x","contact_point":"x","sender_reference":"x",
 "person_in_charge":{"name":"x","phone":"1","email":"x"},"callback_person":{"name":"x","phone":"1","email":"x"},"offence":"x","legal_provision":"x","facts":"x","confidential":true,"do_not_notify_user":true}`
	var receipt request.Receipt
	w.call("POST", "/api/v1/requests", w.sender, few).into(t, &receipt)
	if n := len(receipt.Missing); n == 0 || n > 4 {
		t.Fatalf("no test: %d fields are missing", n)
	}
	if a := b.open("GET", "/duty/"+receipt.Reference, ""); !strings.Contains(a.text, `<details class="card missing" open>`) {
		t.Error("few missing fields are folded away")
	}
}

func TestARosterThatCannotBeReadIsNotAnEmptyOne(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	w.call("POST", "/api/v1/requests/"+reference+"/acknowledge", w.colleague, "")
	b := w.signedIn(w.officer)
	w.book.Revision = 0
	a := b.open("GET", "/duty", "")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.text, "The roster cannot be read now.") || strings.Contains(a.text, "Nobody is on duty") || !strings.Contains(a.text, reference) || !strings.Contains(a.text, "/signout") {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	w.book.Revision = 1
	w.book.Rosters[0].Layers[0].Rotation.From = "2030-01-07"
	if a := b.open("GET", "/duty", ""); !strings.Contains(a.text, "Nobody is on duty") {
		t.Errorf("a gap: %s", a.text)
	}
}

func TestAddressesAndTitlesHoldNoContent(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	b := w.signedIn(w.officer)
	for _, path := range []string{"/duty", "/duty/" + reference} {
		a := b.open("GET", path, "")
		title := regexp.MustCompile(`<title>([^<]*)</title>`).FindStringSubmatch(a.text)
		if len(title) != 2 || (title[1] != reference+" · Dutyline" && title[1] != "Open requests · Dutyline") {
			t.Errorf("title of %s: %q", path, title)
		}
		for _, m := range regexp.MustCompile(`(?:href|action|src|data-refresh)="([^"]*)"`).FindAllStringSubmatch(a.text, -1) {
			if !regexp.MustCompile(`^(/duty(/` + reference + `(/(live|acknowledge|pass))?|/live)?(\?lang=[a-z]{2})?|/signout|/assets/[a-z.0-9]+|tel:[&#0-9;]+)$`).MatchString(m[1]) {
				t.Errorf("%s leads to %q", path, m[1])
			}
		}
	}
}

func TestAcknowledgeAndPassFromThePage(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	w.ask(reference, w.book.People[0].ID)
	b, late := w.signedIn(w.officer), w.signedIn(w.colleague)
	page := "/duty/" + reference
	if a := b.open("POST", page+"/acknowledge", "", "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", a.StatusCode)
	}
	if a := b.open("POST", page+"/acknowledge", ""); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != page {
		t.Fatalf("acknowledge: %d %s", a.StatusCode, a.text)
	}
	if a := b.open("GET", page, ""); strings.Contains(a.text, page+"/acknowledge") || !strings.Contains(a.text, `class="state mine"`) {
		t.Errorf("the page still asks: %s", a.text)
	}
	if a := late.open("POST", page+"/acknowledge", ""); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, w.book.People[0].CallSign) {
		t.Errorf("late: %d", a.StatusCode)
	}
	if a := b.open("POST", page+"/pass", url.Values{"reason": {"end of shift"}}.Encode()); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/duty") {
		t.Errorf("pass: %d", a.StatusCode)
	}
	if a := late.open("GET", page, ""); !strings.Contains(a.text, page+"/acknowledge") {
		t.Error("the page does not ask the colleague after the pass")
	}
	if a := w.signedIn(w.coordinator).open("GET", page, ""); a.StatusCode != http.StatusOK || strings.Contains(a.text, page+"/acknowledge") {
		t.Errorf("a coordinator is asked to take it: %d", a.StatusCode)
	}
}

func TestPagesSpeakSixLanguages(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	w.ask(reference, w.book.People[0].ID)
	seen := map[string]string{}
	for _, language := range []string{"en", "fr", "es", "ar", "ru", "zh"} {
		b := w.signedIn(w.officer)
		if a := b.open("GET", "/duty?lang="+language, ""); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/duty" {
			t.Fatalf("choose %s: %d", language, a.StatusCode)
		}
		for _, path := range []string{"/duty", "/duty/" + reference, "/duty/7K4M-2QX9-D"} {
			a := b.open("GET", path, "")
			dir := map[bool]string{true: "rtl", false: "ltr"}[language == "ar"]
			if !strings.Contains(a.text, `<html lang="`+language+`" dir="`+dir+`">`) {
				t.Errorf("%s in %s: %d %.200s", path, language, a.StatusCode, a.text)
			}
			if left := regexp.MustCompile(`>[^<]*\b[a-z]+_[a-z_]+\b[^<]*<`).FindString(a.text); left != "" {
				t.Errorf("%s in %s shows a word that is no word: %s", path, language, left)
			}
			if other, ok := seen[path+a.text]; ok {
				t.Errorf("%s is the same in %s and %s", path, language, other)
			}
			seen[path+a.text] = language
		}
	}
	for header, language := range map[string]string{"": "en", "de, fr;q=0.5, es;q=0.8": "es", "pt-BR, ru-RU;q=0.1": "ru", "*": "en", "fr;q=0, zh-Hans": "zh"} {
		a := w.browser().open("GET", "/signin", "", "Accept-Language", header)
		if !strings.Contains(a.text, `lang="`+language+`" dir=`) {
			t.Errorf("%q does not give %s", header, language)
		}
	}
}

func TestEveryAnswerCarriesSecurityHeadersAndAssetsAreKept(t *testing.T) {
	w := newWorld(t)
	page := w.browser().open("GET", "/signin", "")
	for _, a := range []answer{page, w.call("GET", "/livez", "", ""), w.call("GET", "/nothing", "", "")} {
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%v", a.Header)
		}
	}
	if strings.Contains(page.text, "style=") || strings.Contains(page.text, "<style") || strings.Contains(page.text, "onclick") {
		t.Error("something inline would not run under the policy")
	}
	links := regexp.MustCompile(`"(/assets/[^"]+)"`).FindAllStringSubmatch(page.text, -1)
	if len(links) < 3 {
		t.Fatalf("assets: %v", links)
	}
	for _, link := range links {
		if a := w.call("GET", link[1], "", ""); a.StatusCode != http.StatusOK || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", link[1], a.StatusCode, a.Header)
		}
	}
}

func TestLogLinesHoldRoutesAndNoAddressTokenOrContent(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	b := w.signedIn(w.officer)
	b.open("GET", "/duty/"+reference, "")
	b.open("POST", "/duty/"+reference+"/pass", "reason=zebra")
	w.log.setDown(true)
	b.open("GET", "/duty/"+reference+"?zebra", "")
	lines := w.logs.All()
	if len(lines) < 5 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		for name, value := range line.ContextMap() {
			text, _ := value.(string)
			for _, secret := range []string{"zebra", "Martin", "33199", "dl_", reference, b.cookies["session"]} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %s holds %q", line.Message, name, secret)
				}
			}
		}
	}
}
