package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/phrase"
)

//go:embed assets
var assets embed.FS

// pages holds the templates of every language and the static files under names that change with their content.
type pages struct {
	templates map[phrase.Language]map[string]*template.Template
	static    map[string][]byte // by address
	address   map[string]string // by file name
}

var pageNames = []string{"signin", "list", "request", "error"}

func loadPages() (*pages, error) {
	p := &pages{templates: map[phrase.Language]map[string]*template.Template{}, static: map[string][]byte{}, address: map[string]string{}}
	for _, name := range []string{"duty.css", "duty.js", "mark.svg"} {
		data, err := fs.ReadFile(assets, "assets/"+name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(name)
		address := "/assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		p.static[address], p.address[name] = data, address
	}
	for _, language := range phrase.Languages {
		p.templates[language] = map[string]*template.Template{}
		functions := template.FuncMap{
			"t":     func(name string) string { return word(language, name) },
			"asset": func(name string) string { return p.address[name] },
		}
		for _, name := range pageNames {
			t, err := template.New(name).Funcs(functions).Option("missingkey=error").ParseFS(assets, "assets/layout.html", "assets/"+name+".html")
			if err != nil {
				return nil, fmt.Errorf("read page %s: %w", name, err)
			}
			p.templates[language][name] = t
		}
	}
	return p, nil
}

func (s *Server) routePages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/duty", http.StatusSeeOther) })
	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("GET /signin", s.page(s.signInPage))
	mux.HandleFunc("POST /signin", s.page(s.signIn))
	mux.HandleFunc("POST /signout", s.page(s.signOut))
	mux.HandleFunc("GET /duty", s.page(s.signedIn(s.listPage)))
	mux.HandleFunc("GET /duty/live", s.page(s.signedIn(s.listLive)))
	mux.HandleFunc("GET /duty/{ref}", s.page(s.signedIn(s.requestPage)))
	mux.HandleFunc("GET /duty/{ref}/live", s.page(s.signedIn(s.requestLive)))
	mux.HandleFunc("POST /duty/{ref}/acknowledge", s.page(s.signedIn(s.acknowledgeForm)))
	mux.HandleFunc("POST /duty/{ref}/pass", s.page(s.signedIn(s.passForm)))
	mux.HandleFunc("POST /duty/{ref}/undo", s.page(s.signedIn(s.undoForm)))
}

// asset serves a static file; its name changes with its content, so that it may be kept for ever.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	data, ok := s.pages.static[r.URL.Path]
	if !ok {
		s.fail(w, r, ErrNotFound)
		return
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", kinds[path.Ext(r.URL.Path)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(data) // the reader is gone when this fails
}

// A pageHandler answers one call of a page. The error becomes a page in words.
type pageHandler func(w http.ResponseWriter, r *http.Request) error

func (s *Server) page(handle pageHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Browsers send forms with "Origin: null" under no-referrer, and over plain http that is all the check for other sites has.
		w.Header().Set("Referrer-Policy", "same-origin")
		if r.Method == http.MethodGet && s.chooseLanguage(w, r) {
			return
		}
		if err := handle(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// render writes one template of a page. It is complete before the first byte goes out.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page, name string, view any) error {
	var out bytes.Buffer
	if err := s.pages.templates[languageOf(r)][page].ExecuteTemplate(&out, name, view); err != nil {
		return fmt.Errorf("render page %s: %w", page, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the reader is gone when this fails
	return nil
}

// pageError says in words what went wrong, and shows the way back.
func (s *Server) pageError(w http.ResponseWriter, r *http.Request, p *door.Problem) {
	language := languageOf(r)
	view := s.frame(r, "", "")
	view.Path = "/duty"
	view.Title, view.Error = word(language, "problem_title"), word(language, problemWord(p.Code))
	if err := s.render(w, r, p.Status, "error", "error.html", view); err != nil {
		http.Error(w, p.Title, p.Status)
	}
}
