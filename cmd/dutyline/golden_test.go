package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden runs the command lines of testdata/golden/*.txt, one a line in the comment, against a server that answers with the file named
// like the call ("GET /api/v1/duty"), and compares output, errors, exit statuses and what the server was sent. The file in is standard
// input, every other file lies in the working directory.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			name, err := filepath.Abs(name)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, archive)
			want := 0
			for i := range archive.Files {
				f := &archive.Files[i]
				expected, ok := got[f.Name]
				if !ok {
					continue
				}
				want++
				switch {
				case string(f.Data) == expected:
				case *update:
					f.Data = []byte(expected)
				default:
					t.Errorf("%s is\n%s\nwant\n%s", f.Name, expected, f.Data)
				}
			}
			if want == 0 {
				t.Error("nothing is compared")
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var (
	callName  = regexp.MustCompile(`^(GET|PUT|POST|PATCH|DELETE) /`)
	randomKey = regexp.MustCompile(`[A-Z2-7]{26}`)
)

func play(t *testing.T, archive *txtar.Archive) map[string]string {
	t.Helper()
	t.Chdir(t.TempDir())
	answers := map[string]string{}
	var stdin []byte
	for _, f := range archive.Files {
		switch {
		case callName.MatchString(f.Name):
			answers[f.Name] = string(f.Data)
		case f.Name == "in":
			stdin = f.Data
		case f.Name == "stdout", f.Name == "stderr", f.Name == "sent", f.Name == "status":
		default:
			if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	server := &scripted{answers: answers}
	address := httptest.NewServer(server)
	defer address.Close()
	var stdout, stderr strings.Builder
	var statuses []string
	for line := range strings.Lines(string(archive.Comment)) {
		args := strings.Fields(line)
		if len(args) == 0 || args[0] != "dutyline" {
			continue
		}
		c := &console{
			in: bytes.NewReader(stdin), out: &stdout, err: &stderr,
			environ: []string{"DUTYLINE_URL=" + address.URL, "DUTYLINE_TOKEN=dl_test_token"},
		}
		statuses = append(statuses, strconv.Itoa(execute(t.Context(), args[1:], c)))
	}
	clean := func(text string) string {
		return randomKey.ReplaceAllString(strings.ReplaceAll(text, address.URL, "http://line.example"), "<random>")
	}
	return map[string]string{
		"stdout": clean(stdout.String()), "stderr": clean(stderr.String()), "sent": clean(server.String()), "status": strings.Join(statuses, " ") + "\n",
	}
}

// scripted answers calls from a table. An answer is a body, or an HTTP answer as it goes over the wire.
type scripted struct {
	answers map[string]string

	mu   sync.Mutex
	sent strings.Builder
}

func (s *scripted) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent.String()
}

// ServeHTTP notes the call and answers it.
func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := r.Method + " " + r.URL.RequestURI()
	s.mu.Lock()
	fmt.Fprintln(&s.sent, name)
	for _, h := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match"} {
		if v := r.Header.Get(h); v != "" {
			fmt.Fprintf(&s.sent, "  %s: %s\n", h, v)
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&s.sent, "  %s\n", strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", "\n  "))
	}
	s.mu.Unlock()
	answer, ok := s.answers[name]
	if !ok {
		http.Error(w, "no answer is scripted", http.StatusTeapot)
		return
	}
	if !strings.HasPrefix(answer, "HTTP/1.1 ") {
		_, _ = io.WriteString(w, answer)
		return
	}
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.Replace(answer, "\n\n", "\nConnection: close\n\n", 1))), r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	for h := range response.Header {
		w.Header().Set(h, response.Header.Get(h))
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}
