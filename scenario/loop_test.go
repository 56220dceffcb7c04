package scenario_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/twiliosim"
	"github.com/dutyline/dutyline/vonagesim"
)

// beyond is our number at the second provider.
const beyond = "+15005550172"

// vonageAccount is an account at the second provider in a box.
func vonageAccount(t *testing.T) (*vonagesim.Simulator, config.Vonage) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Vonage{
		APIKey: "abcd1234", APISecret: "sesame-opens", ApplicationID: "78d335fa-323d-0114-9c3d-d6f0d48968cf", SignatureSecret: "0123456789abcdef0123456789abcdef",
		PrivateKey: config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), Numbers: []string{beyond},
	}
	sim := vonagesim.New(vonagesim.Options{
		APIKey: c.APIKey, APISecret: c.APISecret.Reveal(), ApplicationID: c.ApplicationID, SignatureSecret: c.SignatureSecret.Reveal(), PublicKey: &key.PublicKey,
	})
	vendor := httptest.NewServer(sim)
	t.Cleanup(vendor.Close)
	c.BaseURL = vendor.URL
	return sim, c
}

// TestTwoProvidersProbeEachOther closes the loop as an operator would: what leaves through one provider arrives at our number of the other one, and
// its webhook is the answer. The test is the carriers between the two.
func TestTwoProvidersProbeEachOther(t *testing.T) {
	second, account := vonageAccount(t)
	l := startLine(t, func(c *config.Config) {
		c.Vonage = account
		c.Canary = config.Canary{TwilioTo: beyond, VonageTo: ours, Every: time.Hour, Slow: time.Minute}
	})
	carried := func(sent []string, carry func(text string)) bool {
		for _, text := range sent {
			carry(text)
		}
		return len(sent) > 0
	}
	there := func() (texts []string) {
		phone, _ := l.sim.Phone(beyond)
		for _, text := range phone.Texts {
			if text.Direction != twiliosim.Inbound {
				texts = append(texts, text.Body)
			}
		}
		return texts
	}
	back := func() (texts []string) {
		for _, text := range second.Texts() {
			if text.To == ours[1:] {
				texts = append(texts, text.Form.Get("text"))
				if status, err := second.Receipt(text.ID, "delivered", "0"); err != nil || status >= http.StatusBadRequest {
					t.Errorf("receipt: %d, %v", status, err)
				}
			}
		}
		return texts
	}
	l.until("a text through twilio", func() bool {
		return carried(there(), func(text string) {
			if status, err := second.Write(l.started.URL+vonage.InboundPath, "IN1", ours[1:], beyond[1:], text); err != nil || status >= http.StatusBadRequest {
				t.Errorf("inbound at vonage: %d, %v", status, err)
			}
		})
	})
	l.until("a text through vonage", func() bool {
		return carried(back(), func(text string) {
			if _, err := l.sim.Reply(beyond, text); err != nil {
				t.Error(err)
			}
		})
	})
	var report struct {
		Probes []struct {
			Provider, State string
			Canaries        []struct {
				Delivered    *int64 `json:"delivered_ms"`
				Acknowledged *int64 `json:"acknowledged_ms"`
			}
		}
	}
	l.until("both are well", func() bool {
		_, data := l.call(http.MethodGet, "/api/v1/canary", l.started.Tokens.Coordinator, nil)
		report.Probes = nil
		if err := json.Unmarshal(data, &report); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		return len(report.Probes) == 2 && report.Probes[0].State == "ok" && report.Probes[1].State == "ok"
	})
	for _, p := range report.Probes {
		if len(p.Canaries) != 1 || p.Canaries[0].Delivered == nil || p.Canaries[0].Acknowledged == nil {
			t.Errorf("%+v", p)
		}
	}
	if n := len(there()); n != 1 {
		t.Errorf("%d texts went there: a machine was answered", n)
	}
}
