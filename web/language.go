package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dutyline/dutyline/phrase"
)

const languageCookie = "lang"

// languageOf is the language of a page: what was chosen on a page before, else what the browser asks for, else English.
func languageOf(r *http.Request) phrase.Language {
	var preferred []string
	if cookie, err := r.Cookie(languageCookie); err == nil {
		preferred = append(preferred, cookie.Value)
	}
	return phrase.Pick(append(preferred, acceptLanguage(r.Header.Get("Accept-Language"))...)...)
}

// acceptLanguage lists the tags of the header, preferred first (RFC 9110, 12.5.4).
func acceptLanguage(header string) []string {
	type weighted struct {
		tag    string
		weight float64
	}
	var list []weighted
	for part := range strings.SplitSeq(header, ",") {
		tag, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				weight = 0
			}
		}
		if tag != "" && tag != "*" && weight > 0 {
			list = append(list, weighted{tag, weight})
		}
	}
	slices.SortStableFunc(list, func(a, b weighted) int { return cmp.Compare(b.weight, a.weight) })
	tags := make([]string, len(list))
	for i, w := range list {
		tags[i] = w.tag
	}
	return tags
}

// chooseLanguage remembers the language of ?lang= and leads back to the address without it.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request) bool {
	chosen, ok := phrase.Parse(r.URL.Query().Get("lang"))
	if !ok {
		return false
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: string(chosen), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: s.overTLS(r), SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, r.URL.EscapedPath(), http.StatusSeeOther)
	return true
}

// overTLS reports whether cookies can be bound to https.
func (s *Server) overTLS(r *http.Request) bool { return s.secure || r.TLS != nil }
