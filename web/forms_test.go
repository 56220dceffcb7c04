package web_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A visitor is a browser whose scripts are off: it follows links and redirects, keeps cookies, and sends the forms that a page has, as they
// are, with the headers of a browser that is too old for Sec-Fetch-Site.
type visitor struct {
	t      *testing.T
	client *http.Client
	origin string
	page   string // the last one
	path   string // where it was
}

func newVisitor(t *testing.T, origin string) *visitor {
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &visitor{t: t, client: &http.Client{Jar: jar}, origin: origin}
}

func (v *visitor) do(method, path, form string) int {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.origin+path, strings.NewReader(form))
	must(v.t, err)
	r.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.origin)
	}
	response, err := v.client.Do(r)
	must(v.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	must(v.t, err)
	v.page, v.path = string(text), response.Request.URL.Path
	return response.StatusCode
}

func (v *visitor) open(path string) int { return v.do(http.MethodGet, path, "") }

var (
	aForm  = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)"[^>]*>(.*?)</form>`)
	aField = regexp.MustCompile(`<(?:input|textarea)\b[^>]*\bname="([^"]*)"[^>]*>`)
	aValue = regexp.MustCompile(`\bvalue="([^"]*)"`)
	aLink  = regexp.MustCompile(`<a\b[^>]*\bhref="([^"]*)"`)
)

// send fills in and sends the form whose action ends so. What is filled in must have a field.
func (v *visitor) send(action string, fill url.Values) int {
	v.t.Helper()
	for _, form := range aForm.FindAllStringSubmatch(v.page, -1) {
		target := html.UnescapeString(form[1])
		if !strings.HasSuffix(target, action) {
			continue
		}
		if !strings.Contains(form[2], "<button") || strings.Contains(form[2], `type="button"`) {
			v.t.Errorf("the form to %s has no button that sends it", target)
		}
		fields := url.Values{}
		for _, field := range aField.FindAllStringSubmatch(form[2], -1) {
			value := ""
			if m := aValue.FindStringSubmatch(field[0]); m != nil {
				value = html.UnescapeString(m[1])
			}
			fields.Set(field[1], value)
		}
		for name, values := range fill {
			if !fields.Has(name) {
				v.t.Fatalf("the form to %s has no field %s", target, name)
			}
			fields[name] = values
		}
		return v.do(http.MethodPost, target, fields.Encode())
	}
	v.t.Fatalf("%s has no form to %s:\n%s", v.path, action, v.page)
	return 0
}

func TestOfficersNeedNoScripts(t *testing.T) {
	w := newWorld(t)
	reference := w.raised().Reference
	w.ask(reference, w.book.People[0].ID)
	server := httptest.NewServer(w.web)
	defer server.Close()
	v := newVisitor(t, server.URL)
	at := func(what string, status, wantStatus int, path string, parts ...string) {
		t.Helper()
		if status != wantStatus || v.path != path {
			t.Fatalf("%s: %d at %s, want %d at %s", what, status, v.path, wantStatus, path)
		}
		for _, part := range parts {
			if !strings.Contains(v.page, part) {
				t.Errorf("%s: %q is missing", what, part)
			}
		}
	}
	page := "/duty/" + reference

	at("a link from a text message", v.open(page), http.StatusOK, "/signin")
	at("a wrong token", v.send("/signin", url.Values{"token": {"dl_wrong"}}), http.StatusUnauthorized, "/signin", `aria-invalid="true"`)
	at("sign in", v.send("/signin", url.Values{"token": {w.officer}}), http.StatusOK, page, secretFacts)
	at("acknowledge", v.send("/acknowledge", nil), http.StatusOK, page, `class="state mine"`)
	if strings.Contains(v.page, page+"/acknowledge") {
		t.Error("the page still asks")
	}
	at("taken back", v.send("/undo", nil), http.StatusOK, "/duty", "You no longer have it")
	at("and taken all the same", v.open(page), http.StatusOK, page)
	at("acknowledge again", v.send("/acknowledge", nil), http.StatusOK, page, "00:01:00", `action="`+page+`/undo"`)
	stale := v.page
	w.now = w.now.Add(undoWindow)
	v.open(page)
	if strings.Contains(v.page, page+"/undo") {
		t.Error("the page offers to undo when it is over")
	}
	v.page = stale
	at("undo too late", v.send("/undo", nil), http.StatusConflict, page+"/undo", "Too late to undo", `class="state mine"`)
	passed := v.send("/pass", url.Values{"reason": {"end of shift"}})
	at("pass on", passed, http.StatusOK, v.path)
	if v.path != page && v.path != "/duty" {
		t.Errorf("after passing on at %s", v.path)
	}

	at("the list", v.open("/duty"), http.StatusOK, "/duty")
	linked := false
	for _, link := range aLink.FindAllStringSubmatch(v.page, -1) {
		linked = linked || link[1] == page
	}
	if !linked {
		t.Error("the list leads to no request without scripts")
	}
	at("sign out", v.send("/signout", nil), http.StatusOK, "/signin")
	at("afterwards", v.open("/duty"), http.StatusOK, "/signin")

	other := newVisitor(t, server.URL)
	other.open("/signin")
	other.send("/signin", url.Values{"token": {w.colleague}})
	other.open(page)
	if status := other.send("/acknowledge", nil); status != http.StatusOK || !strings.Contains(other.page, `class="state mine"`) {
		t.Errorf("the colleague takes it: %d", status)
	}
}
