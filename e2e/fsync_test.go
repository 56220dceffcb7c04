package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAnsweredRequestIsOnDisk watches the system calls of a node: between reading a POST and writing 202 it must sync a file. The same
// count on a node that does not sync shows that the test sees the difference.
func TestAnsweredRequestIsOnDisk(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: strace is not installed; CI runs this")
	}
	synced := countSyncs(t, strace, false)
	t.Logf("with sync always: %v syncs between POST and 202", synced)
	for i, n := range synced {
		if n == 0 {
			t.Errorf("request %d was answered 202 without a sync", i)
		}
	}
	unsynced := countSyncs(t, strace, true)
	t.Logf("with sync off: %v syncs between POST and 202", unsynced)
	if !slices.Contains(unsynced, 0) {
		t.Error("with sync off there are as many syncs: this test cannot tell the difference")
	}
}

// countSyncs raises some requests on a node under strace and gives for each how many syncs lie between its POST and its 202.
func countSyncs(t *testing.T, strace string, noSync bool) []int {
	t.Helper()
	dir := t.TempDir()
	options, err := json.Marshal(nodeOptions{
		DataDir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", SimListen: "127.0.0.1:0", NoSync: noSync,
	})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(dir, "trace")
	p := start(t, []string{nodeVariable + "=" + string(options)}, strace,
		"-f", "-qq", "-s", "48", "-o", trace, "-e", "trace=read,write,fsync,fdatasync", "--", self)
	c := awaitNode(t, p, filepath.Join(dir, "data"))
	const requests = 5
	for range requests {
		status, body, err := call("POST", c.URL+"/api/v1/requests", c.Tokens["sender"], nil, map[string]any{"type": "readiness_test", "urgency": "routine"})
		if err != nil || status != http.StatusAccepted {
			t.Fatalf("raise: %d %s %v", status, body, err)
		}
	}
	p.kill()
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	counts := syncsBetween(data)
	if len(counts) != requests {
		t.Fatalf("the trace shows %d requests of %d", len(counts), requests)
	}
	return counts
}

var syncDone = regexp.MustCompile(`(fsync|fdatasync)(\(| resumed).*= 0$`)

// syncsBetween counts the completed syncs between each POST that is read and the 202 that is written next.
func syncsBetween(trace []byte) []int {
	var counts []int
	inside, n := false, 0
	for line := range bytes.Lines(trace) {
		text := strings.TrimSpace(string(line))
		switch {
		case strings.Contains(text, `"POST /api/v1/requests `):
			inside, n = true, 0
		case inside && strings.Contains(text, `"HTTP/1.1 202 `):
			counts = append(counts, n)
			inside = false
		case inside && syncDone.MatchString(text):
			n++
		}
	}
	return counts
}

func TestSyncsBetweenReadsATrace(t *testing.T) {
	trace := `1 fsync(3) = 0
1 read(7, "POST /api/v1/requests HTTP/1.1\r\nHost"..., 4096) = 200
2 fsync(9 <unfinished ...>
1 fdatasync(4) = 0
2 <... fsync resumed>) = 0
3 fsync(9) = -1 EIO (Input/output error)
1 write(7, "HTTP/1.1 202 Accepted\r\n"..., 500) = 500
1 fsync(3) = 0
1 read(7, "POST /api/v1/requests HTTP/1.1\r\nHost"..., 4096) = 200
1 write(7, "HTTP/1.1 202 Accepted\r\n"..., 500) = 500
`
	if got := syncsBetween([]byte(trace)); len(got) != 2 || got[0] != 2 || got[1] != 0 {
		t.Errorf("counted %v", got)
	}
}
