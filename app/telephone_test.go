package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/doctor"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/vonagesim"
)

// secondProvider is a vendor on loopback, and the configuration of an account there.
func secondProvider(t *testing.T) config.Vonage {
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
		PrivateKey: config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), Numbers: []string{"+15005550008"},
	}
	vendor := httptest.NewServer(vonagesim.New(vonagesim.Options{
		APIKey: c.APIKey, APISecret: c.APISecret.Reveal(), ApplicationID: c.ApplicationID, SignatureSecret: c.SignatureSecret.Reveal(), PublicKey: &key.PublicKey,
	}))
	t.Cleanup(vendor.Close)
	c.BaseURL = vendor.URL
	return c
}

// nobody takes nothing.
type nobody struct{ notifier.Sink }

func TestTheFirstProviderServesAndTheSecondStandsBy(t *testing.T) {
	first := config.Twilio{
		BaseURL: "http://localhost:1", AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "0123456789abcdef0123456789abcdef", Numbers: []string{simNumber},
	}
	second := secondProvider(t)
	rate := 30.0
	second.TextsPerSecond = &rate
	for name, c := range map[string]struct {
		config config.Config
		want   []string
		mounts []string
		limits []float64
	}{
		"the first alone":  {config.Config{Twilio: first}, []string{"twilio sms", "twilio voice"}, []string{"twilio"}, []float64{1, 1}},
		"the second alone": {config.Config{Vonage: second}, []string{"vonage sms", "vonage voice"}, []string{"vonage"}, []float64{30, 1}},
		"both": {
			config.Config{Twilio: first, Vonage: second}, []string{"twilio sms", "twilio voice", "vonage sms", "vonage voice"}, []string{"twilio", "vonage"}, []float64{1, 1, 30, 1},
		},
	} {
		o := &Options{Config: c.config, Standalone: true, Logger: zap.NewNop()} // standalone starts a simulator only where nothing is configured
		ends := &cleanups{}
		phone, err := o.openTelephone("http://localhost:2", ends)
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		var limits []float64
		for _, p := range phone.providers {
			if (p.Cost != nil) != (p.Channel.Medium() == notifier.MediumSMS) {
				t.Errorf("%s: %s: texts cost their segments, calls do not", name, p.Channel.Medium())
			}
			got, limits = append(got, p.Channel.Name()+" "+p.Channel.Medium()), append(limits, p.Limit.PerSecond)
		}
		if !slices.Equal(got, c.want) || !slices.Equal(limits, c.limits) || phone.simURL != "" {
			t.Errorf("%s: %q at %v, simulator %q; want %q at %v", name, got, limits, phone.simURL, c.want, c.limits)
		}
		h := phone.handler(nobody{})
		for _, provider := range []string{"twilio", "vonage"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/webhooks/"+provider+"/sms", strings.NewReader("{}")))
			want := http.StatusNotFound
			if slices.Contains(c.mounts, provider) {
				want = http.StatusForbidden // nobody signed it
			}
			if w.Code != want {
				t.Errorf("%s: a webhook of %s is answered %d, want %d", name, provider, w.Code, want)
			}
		}
	}
	broken := second
	broken.PrivateKey = "hunter2"
	o := &Options{Config: config.Config{Vonage: broken}, Logger: zap.NewNop()}
	if _, err := o.openTelephone("http://localhost:2", &cleanups{}); err == nil || !strings.Contains(err.Error(), "vonage.private_key") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestTheDoctorLooksAtTheSecondProvider(t *testing.T) {
	second := secondProvider(t)
	states := func(change func(*config.Vonage)) (all []doctor.State) {
		c := second
		change(&c)
		o := &Options{Config: config.Config{Vonage: c, PublicURL: "http://localhost:2"}, Logger: zap.NewNop()}
		for _, line := range o.examineVonage(context.Background()) {
			if line.State != doctor.Fine && line.Fix == "" {
				t.Errorf("%+v has no fix", line)
			}
			all = append(all, line.State)
		}
		return all
	}
	for name, c := range map[string]struct {
		change func(*config.Vonage)
		want   []doctor.State
	}{
		"all right":           {func(*config.Vonage) {}, []doctor.State{doctor.Fine, doctor.Fine}},
		"another secret":      {func(c *config.Vonage) { c.APISecret = "another" }, []doctor.State{doctor.Wrong, doctor.Fine}},
		"another application": {func(c *config.Vonage) { c.ApplicationID = "00000000-323d-0114-9c3d-d6f0d48968cf" }, []doctor.State{doctor.Fine, doctor.Wrong}},
		"no key":              {func(c *config.Vonage) { c.PrivateKey = "" }, []doctor.State{doctor.Wrong}},
	} {
		if got := states(c.change); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	var names []string
	o := &Options{Config: config.Config{Vonage: second}}
	for _, check := range o.telephoneChecks(doctor.Site{}) {
		names = append(names, check.Name)
	}
	if want := []string{"webhook of texts, vonage", "provider vonage"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	names, o.Config.Twilio.AccountSID = nil, "AC00000000000000000000000000000000"
	for _, check := range o.telephoneChecks(doctor.Site{}) {
		names = append(names, check.Name)
	}
	if want := []string{"webhook of texts, twilio", "provider twilio", "webhook of texts, vonage", "provider vonage"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
