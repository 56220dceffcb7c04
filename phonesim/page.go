package phonesim

import (
	"embed"
	"net/http"
	"time"
)

//go:embed assets
var assets embed.FS

// pacing is how often a watcher is told at most; a storm of texts would redraw the page without end.
const pacing = 200 * time.Millisecond

// keepalive is how often an idle event stream shows that it lives.
const keepalive = 15 * time.Second

func (n *Network) phonesPage() http.Handler {
	return secured(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "assets/phones.html")
	}))
}

func (n *Network) phonesAssets() http.Handler {
	return secured(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "assets/"+r.PathValue("file"))
	}))
}

// secured sends the headers under which the page can only talk to the simulator and no script from elsewhere runs.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
			"img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// getEvents tells a watcher by server-sent events that something changed; it then asks again for what it shows.
func (n *Network) getEvents(w http.ResponseWriter, r *http.Request) {
	changes, end := n.watch()
	defer end()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	alive := time.NewTicker(keepalive)
	defer alive.Stop()
	line := "retry: 1000\nevent: changed\ndata: {}\n\n"
	for {
		if _, err := w.Write([]byte(line)); err != nil || out.Flush() != nil {
			return
		}
		if n.Pause(r.Context(), pacing) != nil {
			return
		}
		select {
		case <-changes:
			line = "event: changed\ndata: {}\n\n"
		case <-alive.C:
			line = ": alive\n\n"
		case <-r.Context().Done():
			return
		case <-n.ctx.Done():
			return
		}
	}
}
