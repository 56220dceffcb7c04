package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// TestScreenshots writes pictures of the pages to the folder in DUTYLINE_TEST_SCREENSHOTS, to be looked at by people.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("DUTYLINE_TEST_SCREENSHOTS")
	if folder == "" {
		t.Skip("DUTYLINE_TEST_SCREENSHOTS is not set")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	must(t, os.MkdirAll(folder, 0o755))
	w := newWorld(t)
	reference := w.pictured()
	signedIn := w.signedIn(w.officer).cookies["session"]
	for _, p := range []struct{ name, path, language, size, dark string }{
		{"signin-phone", "/signin", "en", "390,844", ""},
		{"list-phone", "/duty", "en", "390,844", ""},
		{"list-phone-dark", "/duty", "fr", "390,844", "dark"},
		{"list-desk", "/duty", "en", "1280,800", ""},
		{"list-desk-arabic", "/duty", "ar", "1280,800", ""},
		{"request-phone", "/duty/" + reference, "en", "390,3300", ""},
		{"request-phone-arabic", "/duty/" + reference, "ar", "390,1900", ""},
		{"request-phone-dark", "/duty/" + reference, "ru", "390,1900", "dark"},
		{"request-desk", "/duty/" + reference, "en", "1280,1100", ""},
		{"request-desk-arabic-dark", "/duty/" + reference, "ar", "1280,1100", "dark"},
		{"request-desk-chinese", "/duty/" + reference, "zh", "1280,1100", ""},
		{"error-phone", "/duty/7K4M-2QX9-D", "es", "390,844", ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "lang", Value: p.language})
			if p.path != "/signin" {
				r.AddCookie(&http.Cookie{Name: "session", Value: signedIn})
			}
			w.web.ServeHTTP(rw, r)
		}))
		arguments := []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(), "--window-size=" + p.size,
			"--screenshot=" + filepath.Join(folder, p.name+".png"),
		}
		if p.dark != "" {
			arguments = append(arguments, "--blink-settings=preferredColorScheme=0")
		}
		out, err := exec.CommandContext(t.Context(), chromium, append(arguments, server.URL+p.path)...).CombinedOutput()
		server.Close()
		if err != nil {
			t.Errorf("%s: %v\n%s", p.name, err, out)
		}
	}
}

// pictured makes a night worth looking at and gives the request in the middle of it.
func (w *world) pictured() string {
	w.t.Helper()
	raise := func(body string) string {
		var receipt request.Receipt
		w.call("POST", "/api/v1/requests", w.sender, body).into(w.t, &receipt)
		return receipt.Reference
	}
	raise(`{"type":"readiness_test","language":"en"}`)
	taken := raise(`{"type":"asset_freeze","urgency":"urgent","language":"es"}`)
	w.call("POST", "/api/v1/requests/"+taken+"/acknowledge", w.colleague, "")
	w.now = w.now.Add(-25 * time.Minute)
	raise(`{"type":"emergency_disclosure","language":"ar"}`)
	w.now = w.now.Add(20 * time.Minute)
	reference := raise(`{
 "type":"preservation","instrument":"budapest_convention","urgency":"critical","urgency_reason":"The provider keeps connection logs for seven days; the oldest expire tonight.",
 "language":"fr","requesting_state":"FR","authority":"Parquet de Lyon, section J3","contact_point":"OFAC 24/7","sender_reference":"2026-0417/CYB",
 "person_in_charge":{"name":"Cdt Hélène Aubry","phone":"+33 1 99 00 12 30","email":"h.aubry@justice.example"},
 "callback_person":{"name":"Permanence OFAC","phone":"+33 1 99 00 12 34"},
 "offence":"Extorsion en bande organisée","facts":"Un hôpital est chiffré depuis 19 h.\nLes auteurs menacent de publier les dossiers des patients à minuit.\nLe serveur de commande est hébergé chez votre fournisseur.",
 "confidential":true,"do_not_notify_user":true,"ticket":"A-77",
 "details":{"data":{"addresses":["198.51.100.7","2001:db8::77"],"accounts":["relay-04"],"period":"2026-02-20/2026-03-04"},"relation_to_offence":"Le serveur a servi à l'exfiltration.","necessity":"Les journaux sont effacés après sept jours.","custodian":"Example Hosting"}}`)
	w.now = w.now.Add(5 * time.Minute)
	w.ask(reference, w.book.People[0].ID)
	return reference
}
