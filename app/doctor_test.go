package app

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/doctor"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/twiliosim"
	"github.com/dutyline/dutyline/vault"
)

// deployment is what a node needs around it: NATS, Redis and a provider, on loopback.
func deployment(t *testing.T) (config.Config, *eventlog.Embedded) {
	t.Helper()
	dir := t.TempDir()
	server, err := eventlog.StartEmbedded(eventlog.EmbeddedOptions{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	sim := twiliosim.New(twiliosim.Options{Numbers: []string{simNumber}, InboundURL: "http://localhost:1" + twilio.InboundPath})
	t.Cleanup(sim.Close)
	vendor := httptest.NewServer(sim.Handler())
	t.Cleanup(vendor.Close)
	c := config.Config{Node: "n1", DataDir: t.TempDir(), PublicURL: "http://localhost:1", Redis: config.Redis{URL: config.Secret("redis://" + miniredis.RunT(t).Addr())}}
	c.NATS = natsOf(t, dir)
	c.Twilio = config.Twilio{BaseURL: vendor.URL, AccountSID: sim.AccountSID(), AuthToken: config.Secret(sim.AuthToken()), Numbers: []string{simNumber, "+15005550007"}}
	return c, server
}

// natsOf is how an embedded server is reached over TCP.
func natsOf(t *testing.T, dir string) config.NATS {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "nats.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ URL, Seed string }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	credentials := filepath.Join(t.TempDir(), "nats.seed")
	if err := os.WriteFile(credentials, []byte(file.Seed), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.NATS{URL: file.URL, CredentialsFile: credentials}
}

// store puts a roster into the log of a deployment.
func store(t *testing.T, server *eventlog.Embedded, dir string, book roster.Book) {
	t.Helper()
	nc, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, s := range []eventlog.Stream{eventlog.Requests, eventlog.Keys, eventlog.Roster, eventlog.Directory} {
		if _, err := eventlog.Open(t.Context(), nc, s, 1); err != nil {
			t.Fatal(err)
		}
	}
	key, err := vault.LoadOrCreate(filepath.Join(dir, "deployment.key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := eventlog.Open(t.Context(), nc, eventlog.Keys, 1)
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(t.Context(), nc, eventlog.Roster, 1)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	service := served.New(served.Options{Redis: client, Log: rosterLog{log}, Sealer: vault.New(key, keyLog{keys}), ErrErased: vault.ErrErased})
	if _, err := service.Apply(t.Context(), roster.Edit{Book: book, Actor: "coordinator", Reason: "first"}); err != nil {
		t.Fatal(err)
	}
}

// states are what is said of each thing.
func said(t *testing.T, c config.Config) map[string]doctor.Line {
	t.Helper()
	report, err := Doctor(t.Context(), Options{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]doctor.Line{}
	for _, l := range report.Lines {
		if l.State == doctor.Wrong && l.Fix == "" {
			t.Errorf("%s is wrong (%s), and no fix is told", l.Name, l.Detail)
		}
		lines[l.Name] = l
	}
	return lines
}

func TestADoctorSaysWhatADeploymentLacks(t *testing.T) {
	c, server := deployment(t)
	check := func(when string, want map[string]doctor.State) {
		t.Helper()
		lines := said(t, c)
		for name, state := range want {
			if l, ok := lines[name]; !ok || l.State != state {
				t.Errorf("%s: of %s is said %+v, want %s", when, name, l, state)
			}
		}
		for _, l := range lines {
			for _, secret := range []string{c.Twilio.AuthToken.Reveal(), simNumber, "Example"} {
				if strings.Contains(l.Detail+l.Fix, secret) {
					t.Errorf("%s: %s tells %q", when, l.Name, secret)
				}
			}
		}
	}
	check("before the first node", map[string]doctor.State{
		"public address": doctor.Warning, "way in": doctor.Wrong, "webhook of texts": doctor.Wrong,
		"provider": doctor.Fine, "number 1 of 2": doctor.Fine, "number 2 of 2": doctor.Wrong,
		"nats": doctor.Fine, "stream requests": doctor.Warning, "stream roster": doctor.Warning, "disks": doctor.Skipped,
		"redis": doctor.Fine, "deployment key": doctor.Warning, "roster": doctor.Wrong,
	})
	nc, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if made, err := eventlog.Inspect(t.Context(), nc, eventlog.Roster); err != nil || made.Exists {
		t.Errorf("looking made a stream: %+v, %v", made, err)
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, "deployment.key")); err == nil {
		t.Error("looking made a deployment key")
	}

	book := roster.Example("UTC", time.Now())
	book.Rosters[0].Overrides = []roster.Override{{ID: "none", Kind: roster.Replace, From: time.Now().Add(48 * time.Hour), Until: time.Now().Add(49 * time.Hour)}}
	store(t, server, c.DataDir, book)
	check("with a roster", map[string]doctor.State{
		"stream requests": doctor.Warning, "stream keys": doctor.Warning, "clock": doctor.Fine, "deployment key": doctor.Fine, "roster": doctor.Fine,
		"roster national": doctor.Warning, "alarms": doctor.Fine,
	})

	c.Twilio.AuthToken, c.AlarmTo = "00000000000000000000000000000000", []string{"nobody"}
	c.Redis.URL = "redis://127.0.0.1:1"
	check("with wrong credentials", map[string]doctor.State{"provider": doctor.Wrong, "redis": doctor.Wrong, "alarms": doctor.Wrong, "nats": doctor.Fine})

	c.NATS.URL = "nats://127.0.0.1:1"
	check("without NATS", map[string]doctor.State{"nats": doctor.Wrong, "roster": doctor.Skipped})
}
