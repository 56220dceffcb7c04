package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served/servedtest"
)

// TestARedisThatComesBackEmptyOrOldWakesNobodyElse runs a node on a redis-server of its own. The duty goes from one officer to another; then
// Redis is emptied, dies, and comes back with a copy from before the edit, each in the middle of an escalation.
func TestARedisThatComesBackEmptyOrOldWakesNobodyElse(t *testing.T) {
	server := servedtest.Start(t)
	cache := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer func() { _ = cache.Close() }()
	d := newDeploymentWith(t, "DUTYLINE_REDIS_URL="+server.URL())
	coordinator := client.New(d.client.URL, d.client.Tokens["coordinator"])

	present, err := coordinator.DutyNow(t.Context(), "")
	if err != nil || present.Source != "redis" || len(present.OnDuty) != 1 {
		t.Fatalf("%+v, %v", present, err)
	}
	yesterdays := present.OnDuty[0].Person
	if err := cache.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	old := server.Snapshot()
	book, err := coordinator.Roster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	phones := map[string]string{} // by person
	todays := ""
	for _, p := range book.People {
		phones[p.ID] = p.Contacts[0].Address
		if p.ID != yesterdays {
			todays = p.ID
		}
	}
	now := time.Now()
	book.Rosters[0].Overrides = []roster.Override{{ID: "today", Kind: roster.Replace, From: now, Until: now.AddDate(0, 0, 1), People: []string{todays}}}
	stored, err := coordinator.PutRoster(t.Context(), book, book.Revision, "another officer")
	if err != nil {
		t.Fatal(err)
	}
	var references []string
	asked := func(key string) {
		t.Helper()
		reference := d.raiseSurely(key)
		references = append(references, reference)
		d.awaitText(reference)
	}
	asked("before")
	for name, befall := range map[string]func(){
		"emptied": func() {
			if err := cache.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		},
		"died":          func() { server.ComeBack(nil) },
		"came back old": func() { server.ComeBack(old) },
	} {
		befall()
		asked(name)
		eventually(t, name+": the roster is back in Redis by itself", func() error {
			held := cache.Get(t.Context(), "dutyline:roster:revision").Val()
			now, err := coordinator.DutyNow(t.Context(), "")
			if err == nil && (held != fmt.Sprint(stored.Revision) || now.Source != "redis" || now.Revision != stored.Revision || now.OnDuty[0].Person != todays) {
				err = fmt.Errorf("revision %q in Redis; %+v", held, now)
			}
			return err
		})
		asked(name + ", and after")
	}

	// Told to, it says what it found.
	if err := cache.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(d.path, "roster", "rebuild", "--json")
	command.Env = []string{"DUTYLINE_URL=" + d.client.URL, "DUTYLINE_TOKEN=" + d.client.Tokens["coordinator"]}
	said, err := command.Output()
	var rebuilt client.Rebuilt
	if err == nil {
		err = json.Unmarshal(said, &rebuilt)
	}
	if err != nil || rebuilt.Revision != stored.Revision || !rebuilt.After.Same || rebuilt.After.Document != stored.Revision || rebuilt.After.Table != stored.Revision || rebuilt.After.Tiles == 0 {
		t.Errorf("rebuild: %v, %s", err, said)
	}

	// Without Redis the log serves, and says so.
	server.Stop()
	if now, err := coordinator.DutyNow(t.Context(), ""); err != nil || now.Source != "log" || now.OnDuty[0].Person != todays {
		t.Errorf("without Redis: %+v, %v", now, err)
	}
	asked("without Redis")

	for _, reference := range references {
		if texts := d.textsOn(phones[todays], reference); texts == 0 {
			t.Errorf("%s: the officer on duty was not asked", reference)
		}
		if texts := d.textsOn(phones[yesterdays], reference); texts > 0 {
			t.Errorf("%s: yesterday's officer was asked %d times", reference, texts)
		}
	}
}

// textsOn counts the texts that name a reference on one phone.
func (d *deployment) textsOn(number, reference string) (n int) {
	d.t.Helper()
	status, data, err := call("GET", d.sim+"/sim/phones?texts=100000", "", nil, nil)
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("list phones: %d %v", status, err)
	}
	var phones []struct {
		Number string
		Texts  []struct{ Body string }
	}
	if err := json.Unmarshal(data, &phones); err != nil {
		d.t.Fatal(err)
	}
	for _, p := range phones {
		for _, text := range p.Texts {
			if p.Number == number && strings.Contains(text.Body, reference) {
				n++
			}
		}
	}
	return n
}
