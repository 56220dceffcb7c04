package doctor_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/doctor"
)

// secure starts a site with a certificate, and gives it as a machine sees it that knows its issuer.
func secure(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, site doctor.Site) {
	t.Helper()
	server = httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, doctor.Site{URL: server.URL, Roots: roots, Now: func() time.Time { return server.Certificate().NotAfter.Add(-100 * 24 * time.Hour) }}
}

func node(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/livez":
	case strings.HasPrefix(r.URL.Path, "/webhooks/") && r.Method == http.MethodPost:
		w.WriteHeader(http.StatusForbidden)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func TestACertificateIsLookedAtBeforeItHurts(t *testing.T) {
	server, good := secure(t, node)
	end := server.Certificate().NotAfter
	for name, c := range map[string]struct {
		change func(*doctor.Site)
		state  doctor.State
		says   string
	}{
		"good":           {func(*doctor.Site) {}, doctor.Fine, "100 more days"},
		"soon over":      {func(s *doctor.Site) { s.Now = func() time.Time { return end.Add(-13 * 24 * time.Hour) } }, doctor.Warning, "13 more days"},
		"over":           {func(s *doctor.Site) { s.Now = func() time.Time { return end.Add(time.Hour) } }, doctor.Wrong, "not valid at this time"},
		"unknown issuer": {func(s *doctor.Site) { s.Roots = x509.NewCertPool() }, doctor.Wrong, "issuer is not known"},
		"another's name": {func(s *doctor.Site) { s.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }, doctor.Wrong, "not for localhost"},
		"nobody there":   {func(s *doctor.Site) { s.URL = "https://127.0.0.1:1" }, doctor.Wrong, "no connection"},
	} {
		site := good
		c.change(&site)
		lines := site.Address(t.Context())
		if len(lines) != 2 || lines[1].State != c.state || !strings.Contains(lines[1].Detail, c.says) || (lines[1].Fix == "") != (c.state == doctor.Fine) {
			t.Errorf("%s: %+v", name, lines)
		}
	}
}

func TestTheAddressItself(t *testing.T) {
	for _, c := range []struct {
		url   string
		local bool
		want  doctor.State
	}{
		{"", false, doctor.Wrong},
		{"line.example", false, doctor.Wrong},
		{"http://line.example", false, doctor.Wrong},
		{"http://localhost:8080", true, doctor.Warning},
	} {
		lines := doctor.Site{URL: c.url, LocalFine: c.local, Now: time.Now}.Address(t.Context())
		if len(lines) != 1 || lines[0].State != c.want || lines[0].Fix == "" {
			t.Errorf("%q: %+v", c.url, lines)
		}
	}
}

func TestTheWayInIsTriedFromOutside(t *testing.T) {
	var answer http.HandlerFunc
	_, site := secure(t, func(w http.ResponseWriter, r *http.Request) { answer(w, r) })
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		answer         http.HandlerFunc
		answers, hooks doctor.State
	}{
		"a node":                        {node, doctor.Fine, doctor.Fine},
		"a page of somebody else":       {status(http.StatusOK), doctor.Fine, doctor.Wrong},
		"a load balancer without nodes": {status(http.StatusBadGateway), doctor.Wrong, doctor.Wrong},
		"a redirect":                    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, doctor.Wrong, doctor.Wrong},
		"one that passes GET alone": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
		}, doctor.Fine, doctor.Wrong},
	} {
		answer = c.answer
		for what, got := range map[doctor.State][]doctor.Line{"answers": site.Answers(t.Context()), "hooks": site.Refuses(t.Context(), "/webhooks/twilio/sms")} {
			want := c.answers
			if what == "hooks" {
				want = c.hooks
			}
			if len(got) != 1 || got[0].State != want || (got[0].Fix == "") != (want == doctor.Fine) {
				t.Errorf("%s: %s: %+v, want %s", name, what, got, want)
			}
		}
	}
	nowhere := doctor.Site{URL: "http://127.0.0.1:1", Now: time.Now}
	for _, got := range [][]doctor.Line{nowhere.Answers(t.Context()), nowhere.Refuses(t.Context(), "/x")} {
		if got[0].State != doctor.Wrong || strings.Contains(got[0].Detail, "127.0.0.1") {
			t.Errorf("%+v", got)
		}
	}
}
