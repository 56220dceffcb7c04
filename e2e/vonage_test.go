package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/vonagesim"
)

// TestTheSecondProviderAloneReachesAnOfficer runs a node that has no other provider: an officer acknowledges one request by the code of a
// text and another by a key during a call, and the delivery receipt stands in the log.
func TestTheSecondProviderAloneReachesAnOfficer(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "application.pem")
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	const application, secret = "78d335fa-323d-0114-9c3d-d6f0d48968cf", "0123456789abcdef0123456789abcdef"
	sim := vonagesim.New(vonagesim.Options{
		APIKey: "abcd1234", APISecret: password, ApplicationID: application, SignatureSecret: secret, PublicKey: &key.PublicKey,
	})
	vendor := httptest.NewServer(sim)
	t.Cleanup(vendor.Close)
	d := &deployment{t: t, dir: dir, path: path, listen: freeAddress(t)}
	d.node = start(t, []string{
		"DUTYLINE_NODE=n1", "DUTYLINE_VONAGE_BASE_URL=" + vendor.URL, "DUTYLINE_VONAGE_API_KEY=abcd1234", "DUTYLINE_VONAGE_API_SECRET=" + password,
		"DUTYLINE_VONAGE_APPLICATION_ID=" + application, "DUTYLINE_VONAGE_PRIVATE_KEY_FILE=" + keyFile, "DUTYLINE_VONAGE_SIGNATURE_SECRET=" + secret,
		"DUTYLINE_VONAGE_NUMBERS=" + number, "DUTYLINE_VONAGE_TEXTS_PER_SECOND=0", "DUTYLINE_VONAGE_CALLS_PER_SECOND=0",
	}, path, "run", "--data", d.data(), "--listen", d.listen)
	d.client = awaitNode(t, d.node, d.data())
	acknowledged := func(reference string) {
		t.Helper()
		eventually(t, "the request is acknowledged", func() error {
			_, data, err := call("GET", d.client.URL+"/api/v1/requests/"+reference, d.client.Tokens["sender"], nil, nil)
			if err == nil && !strings.Contains(string(data), `"acknowledged"`) {
				err = fmt.Errorf("%s", data)
			}
			return err
		})
	}

	first := d.raiseSurely("by code")
	var asked vonagesim.Text
	eventually(t, "a text asks about the request", func() error {
		for _, text := range sim.Texts() {
			if strings.Contains(text.Body, first) {
				asked = text
				return nil
			}
		}
		return fmt.Errorf("%d texts", len(sim.Texts()))
	})
	if status, err := sim.Receipt(asked.ID, "delivered", "0"); err != nil || status != http.StatusNoContent {
		t.Errorf("the receipt: %d %v", status, err)
	}
	if status, err := sim.Write("http://"+d.listen+"/webhooks/vonage/sms", "0B1", asked.To, asked.From, sixDigits.FindString(asked.Body)); err != nil || status != http.StatusNoContent {
		t.Errorf("the reply: %d %v", status, err)
	}
	acknowledged(first)
	eventually(t, "the officer is told that it is theirs", func() error {
		texts := sim.Texts()
		if last := texts[len(texts)-1]; last.To != asked.To || last.ID == asked.ID {
			return fmt.Errorf("%d texts", len(texts))
		}
		return nil
	})
	_, data, err := call("GET", d.client.URL+"/api/v1/requests/"+first+"/log", d.client.Tokens["coordinator"], nil, nil)
	if err != nil || !strings.Contains(string(data), `"attempt_delivered"`) || !strings.Contains(string(data), `"vonage"`) {
		t.Errorf("the log has no receipt of the provider: %s %v", data, err)
	}

	for _, c := range sim.Calls() { // of the first request: a telephone takes one call at a time
		sim.Hangup(c.UUID)
	}
	before := len(sim.Calls())
	second := d.raiseSurely("by key")
	eventually(t, "a call asks about the request", func() error {
		if calls := sim.Calls(); len(calls) == before || calls[before].InputURL == "" {
			return fmt.Errorf("no call about %s", second)
		}
		return nil
	})
	for _, c := range sim.Calls()[before:] { // of whoever is called, the first takes it
		if c = sim.Press(c.UUID, "1"); c.Trouble != "" || c.InputURL != "" {
			t.Errorf("the call goes on, or cannot: %+v", c)
		}
	}
	acknowledged(second)
}
