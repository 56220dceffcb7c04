package eventlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/eventlog"
)

func TestCredentialsOfAnotherKindAreNamedAndNotQuoted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.creds")
	if err := os.WriteFile(path, []byte("SUAAJ6-not-a-seed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + ".absent"} {
		_, err := eventlog.Connect(eventlog.Server{URL: "nats://127.0.0.1:1", CredentialsFile: file}, zap.NewNop())
		if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "SUAAJ6") || errors.Is(err, eventlog.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	}
}
