package directory

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/internal/fuzztest"
)

var (
	fuzzNow    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	fuzzSender = Sender{ID: "s1", Name: "Border Police", State: "FR", Added: fuzzNow}
	fuzzToken  = Token{ID: "t1", Hash: digest("secret"), Role: RoleSender, Subject: "s1", Added: fuzzNow, Expires: fuzzNow.Add(time.Hour)}
)

func document(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fuzzed is a directory of one sender with a token, and one more document.
func fuzzed(t testing.TB, subject string, data []byte) *Directory {
	d := New(nil)
	d.take(1, "directory.sender.s1", document(t, fuzzSender))
	d.take(2, "directory.token.t1", document(t, fuzzToken))
	d.take(3, subject, data)
	return d
}

// What the fuzz target keeps, and that nobody gets in by it.
func TestKeptInputsAreRefused(t *testing.T) {
	const token = "the token is not valid"
	fuzztest.Refused(t, "FuzzDocuments", map[string]string{
		"token_without_a_role": token, "token_without_a_digest": token, "token_that_cannot_be_read": token, "officer_who_is_nobody": token, "expires_this_moment": token,
		"sender_revoked": token,
	}, func(args []string) string {
		if _, err := fuzzed(t, args[0], []byte(args[1])).Authenticate(args[2], fuzzNow); errors.Is(err, ErrToken) {
			return err.Error()
		}
		return ""
	})
}

// FuzzDocuments puts any document into the directory, under any subject, beside a sender with a token, and presents any text as a token.
// Nothing panics. Nobody gets in but by a token that is stored under its id with the digest of its secret, has a role and has neither expired
// nor been revoked; a sender's only while the sender stands. What is listed holds no digest. A document that cannot be read admits nobody.
func FuzzDocuments(f *testing.F) {
	now, sender, token := fuzzNow, fuzzSender, fuzzToken
	doc := func(v any) []byte { return document(f, v) }
	revoked, gone := token, sender
	revoked.Revoked, gone.Revoked = &now, &now
	officer, nobody, expired := token, token, token
	officer.ID, officer.Role, officer.Subject = "t2", RoleOfficer, "ada"
	nobody.ID, nobody.Role = "t2", ""
	expired.ID, expired.Expires = "t2", now
	f.Add("directory.token.t2", doc(officer), "dl_t2_secret")
	f.Add("directory.token.t2", doc(nobody), "dl_t2_secret")
	f.Add("directory.token.t2", doc(expired), "dl_t2_secret")
	feed := token
	feed.ID, feed.Role, feed.Subject = "t2", RoleFeed, "person:ada"
	f.Add("directory.token.t2", doc(feed), "dl_t2_secret")
	f.Add("directory.token.t1", doc(revoked), "dl_t1_secret")
	f.Add("directory.sender.s1", doc(gone), "dl_t1_secret")
	f.Add("directory.token.t1", []byte(`{`), "dl_t1_secret")
	f.Add("directory.token.t2", []byte(`{"hash":"","role":"coordinator","subject":"x","expires":"9999-12-31T23:59:59Z"}`), "dl_t2_")
	f.Add("directory.token.", []byte(`{"role":"coordinator","expires":"9999-12-31T23:59:59Z"}`), "dl__")
	f.Add("directory.token.t2", []byte(`null`), "dl_t2_")
	f.Add("token.a.b", []byte(`[]`), "dl_a.b_\x00")
	f.Add("", []byte(``), "dl_t1_secret_")
	f.Fuzz(func(t *testing.T, subject string, data []byte, text string) {
		d := fuzzed(t, subject, data)
		for _, listed := range d.Tokens() {
			if listed.Hash != "" {
				t.Fatalf("the digest of %q is listed", listed.ID)
			}
		}
		_ = d.Senders()
		who, err := d.Authenticate(text, now)
		if subject, wrong := d.Feed(text, now); wrong == nil {
			rest, _ := strings.CutPrefix(text, "dl_")
			id, secret, _ := strings.Cut(rest, "_")
			if stored := d.tokens[id].doc; err == nil || stored.Role != RoleFeed || subject != stored.Subject || stored.Hash != digest(secret) || stored.Revoked != nil || !now.Before(stored.Expires) {
				t.Fatalf("%q reads a feed by %+v", text, stored)
			}
		}
		if err != nil {
			if who != (Principal{}) {
				t.Fatalf("refused, and %+v", who)
			}
			return
		}
		rest, ok := strings.CutPrefix(text, "dl_")
		id, secret, _ := strings.Cut(rest, "_")
		stored := d.tokens[id].doc
		if !ok || id == "" || stored.Hash != digest(secret) || stored.Revoked != nil || !now.Before(stored.Expires) || who.TokenID != id || who.Subject != stored.Subject {
			t.Fatalf("%q admits %+v by %+v", text, who, stored)
		}
		switch who.Role {
		case RoleSender:
			if s, ok := d.Sender(who.Subject); !ok || s.Revoked != nil {
				t.Fatalf("%q admits a sender who does not stand: %+v", text, s)
			}
		case RoleOfficer, RoleCoordinator:
			if who.Subject == "" {
				t.Fatalf("%q admits nobody in particular", text)
			}
		default:
			t.Fatalf("%q admits in the role %q", text, who.Role)
		}
	})
}
